"""A CSV read as text, column by column as numbers or dates; what is wrong is said with its line and field. I/O."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.types import Bools, Floats, Ints

NONE = ("", "NA", "NaN", "nan")  # what people write where there is nothing
YEARS = 1900, 2200  # what a date of a case can be


class Sheet:
    """The rows of a file, without empty ones; `needed` columns are there, names and cells without blanks around."""

    def __init__(self, path: Path, needed: Sequence[str]) -> None:
        self.path = path
        frame = _read(path).with_row_index("\0", offset=2)
        frame = frame.filter(~pl.all_horizontal(pl.exclude("\0").is_null()))
        self._line: Ints = frame["\0"].to_numpy().astype(np.int64)
        self._frame = frame.drop("\0")
        missing = [c for c in needed if c not in self.columns]
        if missing:
            raise InputError(f"{path}, line 1: no column {', '.join(missing)}; found {', '.join(self.columns)}")

    @property
    def columns(self) -> list[str]:
        """As the header names them."""
        return self._frame.columns

    def __len__(self) -> int:
        return len(self._line)

    def refuse(self, row: int, column: str, todo: str) -> NoReturn:
        """InputError with file, line, field and what stands there."""
        at = f"{self.path}, line {self._line[row]}, {column} {self._frame[column][row] or ''!r}"
        raise InputError(f"{at}: {todo}")

    def refuse_any(self, bad: Bools, column: str, todo: str) -> None:
        """InputError about the first bad row, if there is one."""
        if bad.any():
            self.refuse(int(bad.argmax()), column, todo)

    def texts(self, column: str) -> list[str]:
        """As written, "" where empty."""
        return self._frame[column].fill_null("").to_list()

    def numbers(
        self, column: str, *, empty: float | None = None, least: float | None = 0.0, most: float | None = None
    ) -> Floats:
        """Finite numbers, `empty` in empty cells (None: there must be none), none below `least` or over `most`."""
        text = self._frame[column].fill_null("")
        none = text.is_in(NONE).to_numpy()
        if empty is None:
            self.refuse_any(none, column, "a number has to stand here")
        values = text.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().copy()
        self.refuse_any(~none & ~np.isfinite(values), column, "write a finite number, such as 12 or 0.5")
        values[none] = np.nan if empty is None else empty
        if least is not None:
            self.refuse_any(values < least, column, f"write {least:g} or more; net out corrections first")
        if most is not None:
            self.refuse_any(values > most, column, f"write {most:,.0f} or less")
        return values

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number and cells of each row, "" where empty."""
        for line, row in zip(self._line.tolist(), self._frame.iter_rows(named=True), strict=True):
            yield line, {name: value or "" for name, value in row.items()}

    def whole(self, column: str, least: int, most: int) -> Ints:
        """Whole numbers from `least` to `most`, in every row."""
        values = self.numbers(column, least=None)
        bad = (values != np.floor(values)) | (values < least) | (values > most)
        self.refuse_any(bad, column, f"write a whole number from {least} to {most:,}")
        return values.astype(np.int64)

    def dates(self, column: str) -> list[date]:
        """Dates in every row."""
        days = self._frame[column].str.to_date("%Y-%m-%d", strict=False)
        bad = days.is_null() | ~days.dt.year().is_between(*YEARS)
        self.refuse_any(bad.fill_null(True).to_numpy(), column, "write a date such as 2026-01-31")
        return days.to_list()

    def once(self, of: Sequence[object], column: str, todo: str) -> None:
        """InputError about the first row whose `of` stood in an earlier row."""
        seen: set[object] = set()
        for row, key in enumerate(of):
            if key in seen:
                self.refuse(row, column, todo)
            seen.add(key)


def _read(path: Path) -> pl.DataFrame:
    try:
        text = path.read_bytes()
        encoding = "utf8" if _is_utf8(text) else "gb18030"
        frame = pl.read_csv(text, infer_schema=False, encoding=encoding)
    except (pl.exceptions.PolarsError, UnicodeError, ValueError) as e:
        said = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise InputError(
            f"{path}: not a readable CSV ({said}); write a header line, commas, and as many cells in every line"
        ) from e
    frame = frame.rename({c: c.strip() for c in frame.columns} if _distinct(frame.columns) else {})
    return frame.with_columns(pl.all().str.strip_chars().replace("", None))


def _distinct(names: Sequence[str]) -> bool:
    return len({n.strip() for n in names}) == len(names)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True
