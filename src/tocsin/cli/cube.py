"""`tocsin cube`: counts by area and time as they were known at any moment. I/O."""

import io
import sys
from datetime import date
from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.calendar import minute_of, parse_as_of
from tocsin.cli.common import city_option, day_option, now, open_city
from tocsin.errors import InputError
from tocsin.views.plain import civils


@click.command("cube")
@click.option("--signal", required=True, help="Which signal.")
@click.option("--level", required=True, help="Which level of the area tree.")
@click.option("--as-of", help="As known at this date (its end) or date-time; default: now.")
@day_option("--from", "First date; default: the first there is.")
@day_option("--to", "Last date; default: that of the as-of moment.")
@click.option("--csv", "kind", flag_value="csv", default="csv", help="CSV (the default).")
@click.option("--parquet", "kind", flag_value="parquet", help="Parquet.")
@click.option("--out", type=click.Path(path_type=Path), help="Write here instead of standard output.")
@city_option
def command(
    signal: str, level: str, as_of: str | None, from_day: date | None, to_day: date | None, kind: str, out: Path | None,
    city: Path,
) -> None:  # fmt: skip
    """Counts of a signal by area and time. An empty value was not reported; 0 is a reported zero.

    \b
    Example:
      tocsin cube --signal dengue.local --level town --as-of 2014-09-01 --from 2014-08-01 --csv > known.csv
    """
    desk = open_city(city)
    desk.settings.signal(signal)
    desk.tree.at(level)
    try:
        at = now() if as_of is None else parse_as_of(as_of, desk.tz)
    except (ValueError, OverflowError) as e:
        raise InputError(f"--as-of {as_of!r}: write a date (2014-09-01) or a date and time") from e
    step = desk.step(signal)
    first = None if from_day is None else minute_of(from_day)
    last = None if to_day is None else minute_of(to_day) + 1439
    cube = desk.cube(signal, level, at, first, last)
    times = civils(cube.times, step.minutes)
    values = cube.values[0]
    table = pl.DataFrame(
        {
            "area": np.repeat(np.array(cube.areas, dtype=object), len(times)).astype(str),
            "time": times * len(cube.areas),
            "value": values.reshape(-1),
        }
    ).with_columns(pl.col("value").fill_nan(None))
    if desk.settings.signal(signal).kind == "count" and bool(np.all(np.nan_to_num(values) % 1 == 0)):
        table = table.with_columns(pl.col("value").cast(pl.Int64))
    buffer = io.BytesIO()
    if kind == "csv":
        table.write_csv(buffer)
    else:
        table.write_parquet(buffer)
    if out is None:
        sys.stdout.buffer.write(buffer.getvalue())
    else:
        out.write_bytes(buffer.getvalue())
