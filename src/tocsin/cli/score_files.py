"""The file of `tocsin score-estimates --out`: a line a nowcast, kept date by date, read again to go on. I/O."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tocsin.errors import InputError
from tocsin.estimate import nowcast
from tocsin.estimate.judged import Judged

QUANTILES = [f"q{level:g}" for level in nowcast.LEVELS]
COLUMNS = ["settings", "as_of", "stratum", "age", "reference", "truth", "reported", "ladder", *QUANTILES]


def append(out: Path, settings: str, names: Sequence[str], days: int, as_of: date, newest: date, one: Judged) -> None:
    """Add the nowcasts of one as-of date, in one write; `newest`, the first day of the newest step of `days`."""
    ages = one.truth.shape[1]
    columns: dict[str, object] = {
        "settings": [settings] * (len(names) * ages),
        "as_of": [as_of] * (len(names) * ages),
        "stratum": np.repeat(np.array(names, dtype=object), ages).tolist(),
        "age": np.tile(np.arange(ages), len(names)),
        "reference": [newest - timedelta(days=age * days) for age in range(ages)] * len(names),
        "truth": one.truth.ravel(),
        "reported": one.reported.ravel(),
        "ladder": one.ladder.ravel(),
    }
    columns |= {name: one.quantiles[..., i].ravel() for i, name in enumerate(QUANTILES)}
    text = pl.DataFrame(columns).write_csv(include_header=not out.exists() or not out.stat().st_size)
    with out.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def read(out: Path, settings: str, names: Sequence[str], dates: Mapping[int, date]) -> dict[int, Judged]:
    """What an earlier run with the same settings kept, by step; a block cut short by a stop is taken off the file.

    Raises InputError for a file that is something else, or that other settings wrote.
    """
    if not out.exists() or not out.stat().st_size:
        return {}
    text = out.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if not whole:
        out.write_text("", "utf-8")
        return {}
    try:
        table = pl.read_csv(whole.encode(), infer_schema_length=None, schema_overrides={"stratum": pl.String})
    except pl.exceptions.PolarsError as e:
        raise InputError(f"{out}: not a file this command wrote ({e}); give another --out") from e
    if table.columns != COLUMNS or (table.height and table["settings"].unique().to_list() != [settings]):
        raise InputError(f"{out} was written by other data or settings; give another --out, or remove it")
    table = table.with_columns(pl.col("stratum").fill_null(""))
    kept = table.filter(pl.col("as_of") != table["as_of"][-1]) if table.height else table  # the last may be cut short
    out.write_text(kept.write_csv() if kept.height else "", "utf-8")
    steps = {day.isoformat(): step for step, day in dates.items()}
    parts = {str(key[0]): part for key, part in kept.partition_by("as_of", as_dict=True).items()}
    return {steps[day]: _judged(steps[day], part, len(names)) for day, part in parts.items() if day in steps}


def _judged(step: int, part: pl.DataFrame, strata: int) -> Judged:
    def shaped(column: str) -> np.ndarray:
        return part[column].cast(pl.Float64).to_numpy().reshape(strata, -1)

    quantiles = np.stack([shaped(name) for name in QUANTILES], axis=-1)
    return Judged(step, shaped("truth"), shaped("reported"), shaped("ladder"), quantiles)
