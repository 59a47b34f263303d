"""`tocsin evaluate`: detectors on simulated series whose outbreaks are known, as the literature compares them. I/O."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from tocsin.calendar import DAY
from tocsin.cli.common import errors, json_option, print_json, progress
from tocsin.cli.evaluated import check_rows, print_performances, rows_of, write_rows
from tocsin.cli.kept import Kept
from tocsin.cli.methods import METHOD, methods
from tocsin.detect import Detector, scenarios
from tocsin.detect.evaluate import Judged, Performance, Truth, judged, limits, measured, truth
from tocsin.errors import MethodError
from tocsin.plot import paper
from tocsin.plot.performances import performances

KINDS = 2 * len(scenarios.SIZES)  # of series in a scenario: with and without past outbreaks, each size of a current one


class Design(NamedTuple):
    """A set of scenarios: its name, how many there are, their step in minutes, and what draws some of them."""

    name: str
    scenarios: int
    step: int
    draw: Callable[..., scenarios.Drawn]


class Run(NamedTuple):
    """What the methods made of one design: by name, what each said, or why it could not."""

    design: Design
    known: Truth
    found: dict[str, Judged]
    skipped: dict[str, str]


WEEKLY = Design("weekly", len(scenarios.WEEKLY), 7 * DAY, scenarios.weekly)
DAILY = Design("daily", len(scenarios.DAILY), DAY, scenarios.daily)


@click.command("evaluate")
@click.option("--method", "named", multiple=True, metavar="METHOD", help=METHOD)
@click.option("--weekly", is_flag=True, help="The 42 weekly scenarios of Noufaily et al. (2013).")
@click.option(
    "--daily", is_flag=True, help="The 16 daily syndromic signals of Noufaily et al. (2019).  [default: both]"
)
@click.option("--series", default=40, show_default=True, help=f"Series of each scenario, a multiple of {KINDS}.")
@click.option("--seed", default=1, show_default=True, help="Of the simulation: the same seed, the same series.")
@click.option("--fpr", "level", default=0.01, show_default=True, help="False-alarm rate at which methods are compared.")
@click.option("--by", type=click.Choice(["all", "size", "scenario"]), default="all", show_default=True,
              help="Give figures by the outbreak's size or by scenario too.")  # fmt: skip
@click.option(
    "--work", type=click.Path(path_type=Path, file_okay=False), help="Keep what is done here; resume from it."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the figures here (.csv, .parquet, .json).")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw them here (.png or .svg).")
@json_option
def command(
    named: tuple[str, ...], weekly: bool, daily: bool, series: int, seed: int, level: float, by: str,
    work: Path | None, out: Path | None, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run detectors on simulated series with known outbreaks: false alarms, outbreaks found, and how soon.

    Prints for each method, in percent and with 95 % intervals: the false-positive rate (fpr), the probability of
    detection (pod) and that in an outbreak's first step (first), sensitivity, specificity, positive predictive value,
    timeliness (time: 0 at once, 100 missed), and pod where the threshold of the score is moved to the rate --fpr.
    With --work a run that was interrupted goes on where it stopped.

    \b
    Examples:
      tocsin evaluate --weekly --method farrington_flexible --method baseline_nb:alpha=0.005
      tocsin evaluate --series 80 --work evaluation --out figures.csv --plot figures.svg
    """
    if series < KINDS or series % KINDS:
        raise click.BadParameter(f"{series}: write a multiple of {KINDS}", param_hint="--series")
    if not 0 < level < 1:
        raise click.BadParameter(f"{level}: a rate lies between 0 and 1", param_hint="--fpr")
    if plot is not None:
        paper.check(plot)
    if out is not None:
        check_rows(out)
    chosen = [d for d, wanted in ((WEEKLY, weekly), (DAILY, daily)) if wanted or not (weekly or daily)]
    kept = Kept(work)
    runs = [_run(d, named, series // KINDS, seed, kept) for d in chosen]
    told = {r.design.name: list(_measured(r, by, seed, level)) for r in runs}
    if as_json:
        print_json(_plain(told, series, seed, level))
    else:
        for name, groups in told.items():
            print_performances(f"{name}, {series} series of each scenario: percent", groups, level)
    if out is not None:
        write_rows(out, rows_of(told), _plain(told, series, seed, level))
    if plot is not None:
        paper.save(performances([(r.design.name, r.known, r.found) for r in runs], level), plot)


def _run(design: Design, named: tuple[str, ...], replicates: int, seed: int, kept: Kept) -> Run:
    """Scenario by scenario, every method on the same series."""
    able = methods(named, step=design.step)
    parts: dict[str, list[Judged]] = {name: [] for name in able}
    skipped: dict[str, str] = {}
    known: list[Truth] = []
    with progress() as bar:
        task = bar.add_task(design.name, total=design.scenarios * len(able))
        for i in range(design.scenarios):
            drawn = design.draw(np.random.default_rng([seed, i]), replicates, only=[i])
            known.append(truth(drawn))
            for name, detector in able.items():
                bar.update(task, advance=1, description=f"{design.name} {i + 1}/{design.scenarios} {name}")
                if name in skipped:
                    continue
                try:
                    parts[name].append(_judged(detector, drawn, kept, (design.name, i, replicates, seed)))
                except MethodError as why:
                    skipped[name] = str(why)
    whole = {name: _joined(p) for name, p in parts.items() if name not in skipped}
    for name, reason in skipped.items():
        errors.print(f"{design.name}: {name} is left out: {reason}")
    everything = Truth(
        np.concatenate([k.cases for k in known]),
        np.concatenate([k.size for k in known]),
        np.concatenate([k.past for k in known]),
        np.concatenate([k.scenario for k in known]),
    )
    return Run(design, everything, whole, skipped)


def _judged(detector: Detector, drawn: scenarios.Drawn, kept: Kept, which: tuple[object, ...]) -> Judged:
    """What the detector says of the series, from what was kept if it was asked before."""
    key = ("evaluate", detector.name, sorted(detector.allowed().items(), key=str), *which)
    arrays = kept.get(key, lambda: judged(detector, drawn)._asdict())
    return Judged(arrays["alarming"], arrays["score"])


def _joined(parts: list[Judged]) -> Judged:
    return Judged(np.concatenate([p.alarming for p in parts]), np.concatenate([p.score for p in parts]))


def _measured(run: Run, by: str, seed: int, level: float) -> Iterator[tuple[str, list[Performance]]]:
    """The performances for all series, then for each group of them."""
    rng = np.random.default_rng([seed, 2])
    bar = {n: limits(f, run.known, np.array([level])) for n, f in run.found.items()}
    for group, rows in _groups(run.known, by):
        part = run.known.of(rows)
        told = [measured(n, f.of(rows), part, rng, level, bar[n]) for n, f in run.found.items()]
        yield group, told + [Performance(n, skipped=why) for n, why in run.skipped.items()]


def _groups(known: Truth, by: str) -> Iterator[tuple[str, Any]]:
    yield "all", np.ones(len(known.size), np.bool_)
    if by == "size":
        for size in sorted({*known.size.tolist()} - {0}):
            yield f"{size} sd", known.size == size
    if by == "scenario":
        for i in np.unique(known.scenario).tolist():
            yield f"scenario {i + 1}", known.scenario == i


def _plain(told: dict[str, list[tuple[str, list[Performance]]]], series: int, seed: int, level: float) -> Any:
    designs = {}
    for name, groups in told.items():
        figures = [r for r in rows_of({name: groups}) if r.pop("design")]
        designs[name] = figures
    return {"series": series, "seed": seed, "fpr": level, **designs}
