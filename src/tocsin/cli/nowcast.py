"""`tocsin nowcast`: a line list with two dates in, the final counts of recent days or weeks out. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl

from tocsin.cli import dated, lines
from tocsin.cli.of_city import nowcasts, of_city, one_of, only_with, write
from tocsin.errors import InputError
from tocsin.estimate import nowcast
from tocsin.types import Floats

MOST_DRAWN = 50_000_000  # strata × ages × draws: more would not fit into 3 GB


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, as given."""

    reference: str
    report: str
    as_of: str
    step: str
    by: str | None
    total: bool
    count: str | None
    max_delay: int | None
    window: int
    draws: int
    seed: int


@click.command("nowcast")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@of_city
@click.option("--reference", help="Column of the date it happened (onset, visit, specimen).")
@click.option("--report", help="Column of the date it became known.")
@click.option("--as-of", help="Date up to which reports are used, as if it were today.")
@click.option("--step", type=click.Choice(["day", "week"]), default="day", show_default=True, help="ISO weeks.")
@click.option("--by", help="Column of strata (age, district); delays are shared between them.")
@click.option("--total", is_flag=True, help="With --by: also the sum over strata, as the stratum 'total'.")
@click.option("--count", help="Column of counts, if a line is many cases; corrections may be below 0.")
@click.option("--max-delay", type=click.IntRange(1), help="In steps; the final count is the count by then.")
@click.option("--window", type=click.IntRange(1), default=1, show_default=True, help="Sum over this many steps.")
@click.option("--draws", type=click.IntRange(100), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write (else standard output).")
def command(
    file: Path | None, city: Path | None, signal: str | None, level: str | None, out: Path | None, **options: Any
) -> None:
    """Nowcast the newest steps of a line list FILE (CSV or Parquet), one line a case, with two dates; or of a city.

    \b
    Example:
      tocsin nowcast cases.csv --reference onset --report reported --as-of 2026-03-01 --out nowcast.csv
      tocsin nowcast counts.csv --reference day --report known --count n --by age --window 7 --as-of 2026-03-01
      tocsin nowcast --city my-city --signal ed.ili --level district --as-of 2026-03-01

    The result has reference (the step's first day; with --window the last step's), age in steps, reported, mean and
    quantiles of the count there will be --max-delay steps on.
    """
    if file is None or city is not None:
        one_of(file, city)
        only_with("FILE", *(name for name in options if name != "as_of"))
        write(nowcasts(city or Path(), signal, level, options["as_of"]), out)
        return
    only_with("--city", "signal", "level")
    for needed in ("reference", "report", "as_of"):
        if options[needed] is None:
            raise click.UsageError(f"--{needed.replace('_', '-')} is needed with FILE")
    asked = _Asked(**options)
    day = lines.day(asked.as_of, "--as-of")
    days = 1 if asked.step == "day" else 7
    columns = dated.Columns(asked.reference, asked.report, asked.by, asked.count)
    known = lines.known_by(file, dated.table(file, columns), day, days, lines.MOST_STEPS[asked.step])
    triangle = lines.triangle(known, asked.max_delay or lines.longest(known, lines.MOST_DELAYS[asked.step]))
    steps = triangle.shape[1]
    if steps < 2 or asked.window >= steps:
        raise InputError(f"{file}: {steps} steps of data by {day} are too few for --window {asked.window}")
    if triangle.shape[0] * triangle.shape[2] * asked.draws > MOST_DRAWN:
        fit = MOST_DRAWN // (triangle.shape[0] * triangle.shape[2])
        raise InputError(f"{file}: {triangle.shape[0]} strata are too many for --draws {asked.draws}; {fit} would fit")
    first = known.newest - timedelta(days=(steps - 1) * days)
    found = nowcast.nowcast(
        triangle,
        np.random.default_rng(asked.seed),
        weekday=first.weekday() if days == 1 else None,
        step_days=float(days),
        draws=asked.draws,
    )
    summed = nowcast.windowed(found, triangle, asked.window)
    reported = _windows(np.nansum(triangle, axis=2)[:, ::-1], asked.window)[:, : summed.shape[1]]
    names = known.names
    if asked.total and asked.by is not None:
        summed = np.concatenate([summed, summed.sum(axis=0, keepdims=True)])
        reported = np.concatenate([reported, reported.sum(axis=0, keepdims=True)])
        names = [*names, "total"]
    reference = [known.newest - timedelta(days=age * days) for age in range(summed.shape[1])]
    table = _result(asked.by, names, reference, reported, summed)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        table.write_csv(out)


def _windows(by_age: Floats, window: int) -> Floats:
    total = np.cumsum(np.concatenate([np.zeros_like(by_age[:, :1]), by_age], axis=1), axis=1)
    sums: Floats = total[:, window:] - total[:, :-window]
    return sums


def _result(by: str | None, names: list[str], steps: list[date], reported: Floats, draws: Floats) -> pl.DataFrame:
    """A line a stratum and step, oldest first."""
    quantiles = np.quantile(draws, nowcast.LEVELS, axis=-1)
    parts = []
    for s, name in enumerate(names):
        columns: dict[str, object] = {} if by is None else {by: [name] * len(steps)}
        columns |= {"reference": steps, "age": np.arange(len(steps)), "reported": reported[s]}
        columns |= {"mean": draws[s].mean(axis=-1)}
        columns |= {f"q{level:g}": quantiles[i, s] for i, level in enumerate(nowcast.LEVELS)}
        parts.append(pl.DataFrame(columns).reverse())
    return pl.concat(parts)
