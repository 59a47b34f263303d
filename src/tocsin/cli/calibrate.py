"""`tocsin calibrate`: how often each detector speaks where nothing happened, and how often it says it would. I/O."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from tocsin.calendar import DAY, day_of
from tocsin.cli.calibrated import check_rows, print_calibration, rows_of, write_rows
from tocsin.cli.common import errors, json_option, now, open_city, print_json, progress
from tocsin.cli.kept import Arrays, Kept
from tocsin.cli.methods import METHOD, methods
from tocsin.desk import Desk
from tocsin.detect import Detector, nulls
from tocsin.detect.nulls import FalseAlarms, Null, Rate
from tocsin.errors import ConfigError, MethodError
from tocsin.plot import calibration, paper
from tocsin.types import Ints, Panel

STEPS = {DAY: "daily", 7 * DAY: "weekly"}


class Source(NamedTuple):
    """Null series of one step: what they are called, the detectors asked about them, and what draws `steps` of them."""

    name: str
    step: int
    panels: tuple[Panel, ...]  # of a city; none: the standard grid
    holidays: tuple[int, ...]  # civil minutes


@click.command("calibrate")
@click.option("--method", "named", multiple=True, metavar="METHOD", help=METHOD)
@click.option("--city", type=click.Path(path_type=Path), help="Draw from this city's own series.  [default: a grid]")
@click.option("--signal", "signals", multiple=True, help="Of the city; may be given again.  [default: all its counts]")
@click.option("--weekly", is_flag=True, help="Weekly series of the grid.")
@click.option("--daily", is_flag=True, help="Daily series of the grid.  [default: both]")
@click.option("--flat", is_flag=True, help="A grid without trend, season and day of week.")
@click.option(
    "--level", "levels", multiple=True, type=float, help="Nominal level; may be given again.  [0.05 0.01 0.001]"
)
@click.option("--series", default=200, show_default=True, type=click.IntRange(1), help="Histories in each stratum.")
@click.option("--steps", "tested", default=26, show_default=True, type=click.IntRange(1), help="Steps tested in each.")
@click.option("--seed", default=1, show_default=True, help="Of the histories: the same seed, the same series.")
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), help="Keep what is done here; resume from it."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the rates here (.csv, .parquet, .json, .md).")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw them here (.png or .svg).")
@json_option
def command(
    named: tuple[str, ...], city: Path | None, signals: tuple[str, ...], weekly: bool, daily: bool, flat: bool,
    levels: tuple[float, ...], series: int, tested: int, seed: int, work: Path | None, out: Path | None,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """How often detectors speak of series in which nothing happened, by the series' mean count.

    Prints for each detector and stratum, in percent with half the 95 % interval: steps that are alarms, and steps whose
    p is at most each nominal level. A p that means what it says is at most a in a share a of the steps. With --city the
    series are drawn from the baselines fitted to its own: level, trend, season, weekday, days off, variance.

    \b
    Examples:
      tocsin calibrate --daily --method baseline_nb --method ears_c2
      tocsin calibrate --city my-city --out calibration.csv --plot calibration.svg
    """
    wanted = tuple(sorted(levels or nulls.LEVELS, reverse=True))
    if not all(0 < a < 1 for a in wanted):
        raise click.BadParameter("a level lies between 0 and 1", param_hint="--level")
    if city is None and signals:
        raise click.UsageError("--signal names a city's; say which with --city")
    if city is not None and (weekly or daily or flat):
        raise click.UsageError("--weekly, --daily and --flat are of the grid; a city's series are what they are")
    if plot is not None:
        paper.check(plot)
    if out is not None:
        check_rows(out)
    sources = _grids(weekly, daily) if city is None else list(_of_city(open_city(city), signals))
    kept = Kept(work)
    told = {s.name: _told(s, named, flat, wanted, (series, tested, seed), kept) for s in sources}
    rows = rows_of(told, wanted)
    if as_json:
        print_json({"levels": wanted, "series": series, "steps": tested, "seed": seed, "rates": rows})
    else:
        for name, found in told.items():
            print_calibration(f"{name}: {series} histories in each stratum, percent", found, wanted)
    if out is not None:
        write_rows(out, rows, told, wanted)
    if plot is not None:
        paper.save(calibration.calibration(told, wanted), plot)


def _grids(weekly: bool, daily: bool) -> list[Source]:
    both = not (weekly or daily)
    return [Source(STEPS[s], s, (), ()) for s, on in ((DAY, daily), (7 * DAY, weekly)) if on or both]


def _of_city(desk: Desk, signals: tuple[str, ...]) -> Iterator[Source]:
    """The city's counts by step: every signal wanted, at every level at which it is judged."""
    tables = [desk.settings.signal(s) for s in signals] or [s for s in desk.settings.signals if s.kind == "count"]
    at = now()
    panels: dict[int, list[Panel]] = {}
    for table in tables:
        step = desk.step(table.name).minutes
        if table.kind != "count" or step < DAY:
            errors.print(f"{table.name} is left out: histories are drawn of counts by day or week")
            continue
        for level in desk.levels(table):
            found = desk.panel(table.name, desk.cube(table.name, level, at, None, None))
            last = int(np.flatnonzero((found.y > 0).any(axis=0)).max(initial=-1)) + 1
            if last:  # what comes after the last case may be a feed that ended
                panels.setdefault(step, []).append(_until(found, last))
    if not panels:
        raise ConfigError(
            f"{desk.directory}: no counts by day or week are in the store; ingest some, or leave --city out"
        )
    for step, some in sorted(panels.items()):
        yield Source(STEPS[step], step, tuple(some), tuple(desk.holidays.tolist()))


def _until(panel: Panel, last: int) -> Panel:
    return panel._replace(
        y=panel.y[:, :last], exposure=panel.exposure[:, :last], time=panel.time[:last], holiday=panel.holiday[:last]
    )


def _told(
    source: Source,
    named: tuple[str, ...],
    flat: bool,
    levels: tuple[float, ...],
    size: tuple[int, int, int],
    kept: Kept,
) -> dict[str, list[FalseAlarms]]:
    """By detector, its rates in each stratum; those that cannot take the step are named and left out."""
    series, tested, seed = size
    able = dict(_able(methods(named, step=source.step), source))
    longest = max((d.history(source.step) for d in able.values()), default=0) + tested
    null = _null(source, longest, flat)
    panel, of = nulls.draw(null, np.random.default_rng([seed, source.step]), series, tested)
    # The histories themselves say what was asked: another city, grid or seed is another question.
    drawn = hashlib.sha256(panel.y.tobytes() + panel.time.tobytes()).hexdigest()
    found = {}
    with progress() as bar:
        task = bar.add_task(source.name, total=len(able))
        for name, detector in able.items():
            bar.update(task, description=f"{source.name} {name}")
            key = ("calibrate", detector.name, sorted(detector.allowed().items(), key=str), levels, tested, drawn)
            found[name] = _unpacked(kept.get(key, partial(_asked, detector, panel, of, tested, levels)))
            bar.advance(task)
    return found


def _able(asked: Mapping[str, Detector], source: Source) -> Iterator[tuple[str, Detector]]:
    for name, detector in asked.items():
        try:
            detector.history(source.step)
        except MethodError as why:
            errors.print(f"{source.name}: {name} is left out: {why}")
            continue
        yield name, detector


def _null(source: Source, steps: int, flat: bool) -> Null:
    if not source.panels:
        return nulls.grid(source.step, steps, seasonal=not flat)
    last = max(int(p.time[-1].astype(np.int64)) for p in source.panels)
    time = (last + source.step * np.arange(1 - steps, 1)).astype("datetime64[m]")
    days = time.astype("datetime64[D]").astype("datetime64[m]").astype(np.int64)
    off = np.isin(days, np.array(source.holidays, dtype=np.int64)) & (source.step == DAY)
    parts = [nulls.fitted(p, time, off) for p in source.panels]
    if not sum(len(p.mean) for p in parts):
        raise MethodError(f"no series has four weeks and a case; the newest step is of {day_of(last)}")
    mean, ratio = np.concatenate([p.mean for p in parts]), np.concatenate([p.ratio for p in parts])
    return Null(mean, ratio, time, source.step, off)


def _asked(detector: Detector, panel: Panel, of: Ints, tested: int, levels: tuple[float, ...]) -> Arrays:
    found = nulls.false_alarms(detector, panel, of, tested, levels)
    whole = np.array([(f.stratum, f.cells, f.claims) for f in found])
    return {"whole": whole, "rates": np.array([(f.alarms, *f.p) for f in found])}


def _unpacked(arrays: Arrays) -> list[FalseAlarms]:
    found = []
    for (stratum, cells, claims), rates in zip(arrays["whole"].tolist(), arrays["rates"].tolist(), strict=True):
        alarms, *p = (Rate(*r) for r in rates)
        found.append(FalseAlarms(stratum, cells, claims, alarms, tuple(p)))
    return found
