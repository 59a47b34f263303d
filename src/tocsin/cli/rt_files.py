"""The files of `tocsin rt`: cases, windows and serial intervals in, a table of R out. I/O."""

from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.estimate import interval, rt
from tocsin.types import Floats, Ints


def cases(path: Path) -> tuple[list[str] | None, Floats, Floats | None]:
    """Series names (None without the column), local and imported cases (N, T); steps without a line are NaN."""
    frame = _csv(path, ("local",))
    if not frame.height:
        raise InputError(f"{path}: no rows")
    if "series" in frame.columns:
        labels = frame["series"].cast(pl.String).fill_null("").to_list()
        names: list[str] | None = list(dict.fromkeys(labels))
        place = {name: i for i, name in enumerate(dict.fromkeys(labels))}
        row = np.array([place[label] for label in labels])
    else:
        names, row = None, np.zeros(frame.height, np.int64)
    step = _steps(frame, path)
    if len(set(zip(row.tolist(), step.tolist(), strict=True))) < frame.height:
        raise InputError(f"{path}: two lines for one step; sum them, or name the series in a column series")
    shape = (int(row.max()) + 1, int(step.max()) + 1)
    spread = {}
    for column in ("local", "imported"):
        if column in frame.columns:
            values = np.full(shape, np.nan)
            values[row, step] = _numbers(frame, column, path)
            if (values < 0).any():
                raise InputError(f"{path}: column {column} has counts below 0; net out corrections first")
            spread[column] = values
    return names, spread["local"], spread.get("imported")


def windows(path: Path) -> Ints:
    """Windows (W, 2): columns t_start and t_end."""
    frame = _csv(path, ("t_start", "t_end"))
    return np.stack([_numbers(frame, c, path) for c in ("t_start", "t_end")], axis=1).astype(np.int64)


def weights(path: Path) -> Floats:
    """Interval weights (K,) of lags 0 …: columns k and w."""
    return _weights(_csv(path, ("k", "w")), path)


def samples(path: Path) -> Floats:
    """Interval weights (M, K): columns sample, k and w; shorter ones are filled up with 0."""
    parts = _csv(path, ("sample", "k", "w")).partition_by("sample", maintain_order=True)
    rows = [_weights(part, path) for part in parts]
    longest = max((r.size for r in rows), default=0)
    if not longest:
        raise InputError(f"{path}: no rows")
    return np.stack([np.pad(r, (0, longest - r.size)) for r in rows])


def write(names: list[str] | None, found: list[rt.Rt], out: Path | None) -> None:
    """A line a window: [series,] t_start, t_end, mean, sd, q…; empty where nothing is claimed."""
    parts = []
    for i, one in enumerate(found):
        columns: dict[str, object] = {} if names is None else {"series": [names[i]] * len(one.windows)}
        columns |= {"t_start": one.windows[:, 0], "t_end": one.windows[:, 1], "mean": one.mean[0], "sd": one.sd[0]}
        columns |= {f"q{level:g}": one.quantiles[0, :, j] for j, level in enumerate(one.levels)}
        parts.append(pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)))
    table = pl.concat(parts)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        table.write_csv(out)


def _csv(path: Path, needed: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema_length=None, null_values=["", "NA", "NaN"])
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: not a readable CSV ({e}); save it as UTF-8 with a header line") from e
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(frame.columns)}")
    return frame


def _numbers(frame: pl.DataFrame, column: str, path: Path) -> Floats:
    if frame.schema[column] == pl.String:
        raise InputError(f"{path}: column {column} must hold numbers, found for example {frame[column][0]!r}")
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _steps(frame: pl.DataFrame, path: Path) -> Ints:
    """Step index (from 0) of each line, by t or by date; dates may lie a day, a week, … apart."""
    if "t" in frame.columns:
        number = _numbers(frame, "t", path)
        if not (np.isfinite(number) & (number >= 1) & (number == np.floor(number))).all():
            raise InputError(f"{path}: column t must hold the step numbers 1, 2, 3, …")
        return number.astype(np.int64) - 1
    if "date" not in frame.columns:
        raise InputError(f"{path}: needs a column t (1, 2, 3, …) or date")
    day = frame["date"].cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
    if day.null_count():
        raise InputError(f"{path}: column date must hold dates like 2026-01-31")
    since = (day - day.min()).dt.total_days().to_numpy()
    apart = np.diff(np.unique(since))
    return np.asarray(since // (int(np.gcd.reduce(apart)) if apart.size else 1), dtype=np.int64)


def _weights(frame: pl.DataFrame, path: Path) -> Floats:
    lag, weight = _numbers(frame, "k", path), _numbers(frame, "w", path)
    if not frame.height or not (np.isfinite(lag) & (lag >= 0) & (lag == np.floor(lag))).all():
        raise InputError(f"{path}: column k must hold the lags 0, 1, 2, …")
    full = np.zeros(int(lag.max()) + 1)
    full[lag.astype(np.int64)] = weight
    return interval.checked(full)
