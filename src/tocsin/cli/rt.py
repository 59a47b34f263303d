"""`tocsin rt`: a file of cases in, a reproduction number with its uncertainty per window out. I/O."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np

from tocsin.cli import rt_files as files
from tocsin.cli.of_city import courses, given, of_city, one_of, only_with, write
from tocsin.errors import MethodError
from tocsin.estimate import aggregate, cohort, interval, renewal, rt, uncertain
from tocsin.types import Floats, Ints

METHODS = ("epiestim", "wallinga-teunis", "tocsin")
_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNSURE = "MEAN SD LOW HIGH  SD SD LOW HIGH"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, as given."""

    si_mean: float | None
    si_sd: float | None
    si_weights: Path | None
    si_samples: Path | None
    si_uncertain: tuple[float, ...] | None
    disease: str | None
    window: int
    windows: Path | None
    prior_mean: float
    prior_sd: float
    method: str
    weekly: bool
    first_week: Literal["naive", "match"]


@click.command("rt")
@click.argument("file", type=_IN, required=False)
@of_city
@click.option("--as-of", help="With --city: what was known at the end of this date, or at a date-time.")
@click.option("--si-mean", type=float, help="Mean serial interval in steps, above 1 (with --si-sd).")
@click.option("--si-sd", type=float, help="Its standard deviation in steps.")
@click.option("--si-weights", type=_IN, help="CSV with columns k,w: the weight of each lag, from lag 0.")
@click.option("--si-samples", type=_IN, help="CSV with columns sample,k,w: many intervals, all as likely.")
@click.option("--si-uncertain", nargs=8, type=float, metavar=_UNSURE, help="Mean and sd, each with sd and bounds.")
@click.option("--disease", type=click.Choice([i.disease for i in interval.INTERVALS]), help="A published interval.")
@click.option("--window", type=click.IntRange(1), default=7, show_default=True, help="Length of sliding windows.")
@click.option("--windows", type=_IN, help="CSV with columns t_start,t_end (the first step is 1, both ends in).")
@click.option("--prior-mean", type=float, default=5.0, show_default=True)
@click.option("--prior-sd", type=float, default=5.0, show_default=True)
@click.option("--method", type=click.Choice(METHODS), default="epiestim", show_default=True)
@click.option("--weekly", is_flag=True, help="Rows are weeks; the interval and windows are in days.")
@click.option("--first-week", type=click.Choice(["naive", "match"]), default="naive", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write (else standard output).")
def command(
    file: Path | None, city: Path | None, signal: str | None, level: str | None, as_of: str | None,
    out: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Estimate the reproduction number from FILE (columns t or date, local; if you like imported, series) or a city.

    \b
    Example:
      tocsin rt cases.csv --si-mean 3.6 --si-sd 1.6 --window 7 --out rt.csv
      tocsin rt cases.csv --disease measles --method tocsin
      tocsin rt --city my-city --signal ed.ili --level district --as-of 2026-03-01

    Of a city: each signal with an `interval` in city.toml, R of local cases, growth a day and P(R > 1) from nowcast
    draws, with 95 % intervals. Of a file: t_start, t_end, mean, sd and quantiles (and series, where FILE has it); an
    empty cell is no claim.
    """
    if file is None or city is not None:
        one_of(file, city)
        only_with("FILE", *options)
        write(courses(city or Path(), signal, level, as_of), out)
        return
    only_with("--city", "signal", "level", "as_of")
    asked = _Asked(**options)
    if asked.windows is not None and given("window"):
        click.echo("tocsin: --window is not used: --windows says which", err=True)
    names, local, imported = files.cases(file, asked.weekly)
    steps = local.shape[1] * (7 if asked.weekly else 1)
    table, weight = _intervals(asked, steps)
    if len(table) > 1 and (asked.method != "epiestim" or asked.weekly):
        raise MethodError("uncertain intervals go with --method epiestim and without --weekly; give one interval")
    if asked.weekly:
        found = _weekly(asked, local, imported, table[0])
    else:
        windows = rt.sliding(steps, asked.window) if asked.windows is None else files.windows(asked.windows, steps)
        found = _found(asked, local, imported, windows, table, weight)
    files.write(names, found, out)


def _found(
    asked: _Asked, local: Floats, imported: Floats | None, windows: Ints, table: Floats, weight: Floats | None
) -> list[rt.Rt]:
    """One result a series."""
    if asked.method == "wallinga-teunis":
        return cohort.estimate(local, table[0], imported, windows)
    if asked.method == "tocsin":
        return _one_each(renewal.estimate(local, table[0], imported).by_window(windows))
    _warn_early(asked, local, imported, windows)
    mean, sd = asked.prior_mean, asked.prior_sd
    if len(table) == 1:
        return _one_each(rt.estimate(local, table[0], imported, windows, prior_mean=mean, prior_sd=sd))
    return [
        uncertain.estimate(
            row,
            table,
            None if imported is None else imported[i],
            windows,
            weight=weight,
            prior_mean=mean,
            prior_sd=sd,
        )
        for i, row in enumerate(local)
    ]


def _weekly(asked: _Asked, local: Floats, imported: Floats | None, weights: Floats) -> list[rt.Rt]:
    if asked.method != "epiestim":
        raise MethodError("--weekly goes with --method epiestim; for the others give a row a day")
    return [
        aggregate.estimate(
            row,
            weights,
            None if imported is None else imported[i],
            window=asked.window,
            windows=None if asked.windows is None else files.windows(asked.windows, 7 * row.size),
            first=asked.first_week,
            prior_mean=asked.prior_mean,
            prior_sd=asked.prior_sd,
        )[0]
        for i, row in enumerate(local)
    ]


def _one_each(found: rt.Rt) -> list[rt.Rt]:
    rows = zip(found.mean, found.sd, found.quantiles, strict=True)
    return [rt.Rt(found.windows, mean[None], sd[None], found.levels, q[None]) for mean, sd, q in rows]


def _warn_early(asked: _Asked, local: Floats, imported: Floats | None, windows: Ints) -> None:
    _, total = rt.split(local, imported)
    early = sum(rt.too_early(row, windows[0], asked.prior_mean, asked.prior_sd) for row in total)
    if early:
        click.echo(f"tocsin: {early} of {len(total)} series: few cases in the first window, R is vague there", err=True)


def _intervals(asked: _Asked, steps: int) -> tuple[Floats, Floats | None]:
    """The interval weights (M, K), and how likely each of them is (even if None)."""
    mean, sd = asked.si_mean, asked.si_sd
    parametric = mean is not None or sd is not None
    ways = (parametric, asked.si_weights, asked.si_samples, asked.si_uncertain, asked.disease)
    if sum(map(bool, ways)) != 1 or (mean is None) != (sd is None):
        raise click.UsageError("give one interval: --si-mean with --si-sd, --si-weights, --si-samples, … or --disease")
    if asked.si_weights is not None:
        return files.weights(asked.si_weights)[None], None
    if asked.si_samples is not None:
        return files.samples(asked.si_samples), None
    if asked.si_uncertain is not None:
        return uncertain.nodes(uncertain.Uncertain(*asked.si_uncertain), steps)
    if mean is None or sd is None:
        known = next(i for i in interval.INTERVALS if i.disease == asked.disease)
        mean, sd = known.mean, known.sd
    return np.asarray(interval.discretised(mean, sd, steps)[None]), None
