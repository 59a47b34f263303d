"""`tocsin score-estimates`: nowcasts replayed as of past dates, and how good they were. I/O."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click

from tocsin.cli import dated, lines, score_city, score_files, score_show
from tocsin.cli.common import day_option, json_option, print_json, progress
from tocsin.cli.of_city import of_city, one_of, only_with
from tocsin.errors import MethodError
from tocsin.estimate import delay, judged
from tocsin.types import Floats


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, as given."""

    reference: str
    report: str
    step: str
    by: str | None
    total: bool
    count: str | None
    max_delay: int | None
    window: int
    ages: int | None
    every: int
    from_day: date | None
    to_day: date | None
    draws: int
    seed: int


class _Material(NamedTuple):
    """Counts (S, T, D + 1) as of `last`, which is the date that step T stands for; strata; days a step; an id."""

    counts: Floats
    names: list[str]
    newest: date  # first day of the newest reference step
    last: date
    days: int
    settings: str


@click.command("score-estimates")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@of_city
@click.option("--reference", help="Column of the date it happened (onset, visit, specimen).")
@click.option("--report", help="Column of the date it became known.")
@click.option("--step", type=click.Choice(["day", "week"]), default="day", show_default=True, help="ISO weeks.")
@click.option("--by", help="Column of strata (age, district); delays are shared between them.")
@click.option("--total", is_flag=True, help="With --by: also judge the sum over strata.")
@click.option("--count", help="Column of counts, if a line is many cases; corrections may be below 0.")
@click.option("--max-delay", type=click.IntRange(1), help="In steps; the truth is the count by then.")
@click.option("--window", type=click.IntRange(1), default=1, show_default=True, help="Sum over this many steps.")
@click.option("--ages", type=click.IntRange(1), help="Judge only so many of the newest steps.  [default: all]")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="As of every so many steps.")
@day_option("--from", "First as-of date.  [default: after two lengths of the delay]")
@day_option("--to", "Last as-of date.  [default: the last whose truth is known]")
@click.option("--draws", type=click.IntRange(100), default=1000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV of every nowcast judged; resumable.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="A picture (.png, .svg, .pdf).")
@json_option
def command(
    file: Path | None, city: Path | None, signal: str | None, level: str | None, out: Path | None, plot: Path | None,
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Judge the nowcast by itself: what it said of FILE, or of a city, as of each past date, against what came.

    \b
    Example:
      tocsin score-estimates cases.csv --reference onset --report reported
      tocsin score-estimates counts.csv --reference day --report known --count n --by age --window 7 --every 7
      tocsin score-estimates --city my-city --signal ed.ili --level district --window 7 --every 7

    A line a group of ages (steps back from the as-of date): weighted interval score (WIS), coverage of the 50 % and
    95 % intervals, bias (-1 all too low, 1 all too high), and the absolute error of the nowcast's median, of what was
    reported, and of a plain chain ladder. With --out each date is kept as soon as it is judged: stop, and run it again.
    """
    if file is None or city is not None:
        one_of(file, city)
        only_with("FILE", "reference", "report", "step", "by", "total", "count", "max_delay", "draws", "seed")
        chosen = {k: options[k] for k in ("window", "ages", "every", "from_day", "to_day")}
        found = score_city.scored(city or Path(), signal, level, out, plot, **chosen)
    else:
        only_with("--city", "signal", "level")
        for needed in ("reference", "report"):
            if options[needed] is None:
                raise click.UsageError(f"--{needed} is needed with FILE")
        found = [_of_file(file, _Asked(**options), out)]
    if plot:
        from tocsin.cli import score_plots

        one = found[0]
        score_plots.draw(plot, one.rows, one.found, one.dates, one.step, one.names)
    if as_json:
        told = [score_show.plain(one) for one in found]
        print_json(told[0] if file is not None else told)
    else:
        for one in found:
            score_show.show(one)


def _of_file(file: Path, asked: _Asked, out: Path | None) -> score_show.Scored:
    material = _material(file, asked)
    steps = _steps(material, asked)
    dates = {step: _date(material, step) for step in steps}
    done = score_files.read(out, material.settings, material.names, dates) if out else {}
    found = []
    with progress("dates") as bar:
        task = bar.add_task("nowcasts as of past dates", total=len(steps))
        for step in steps:
            one = done.get(step) or _judge(material, asked, step)
            if out and step not in done:
                day = dates[step]
                newest = day if material.days == 1 else day - timedelta(days=day.weekday())
                score_files.append(out, material.settings, material.names, material.days, day, newest, one)
            found.append(one)
            bar.advance(task)
    return score_show.Scored(
        {}, judged.summary(found), found, list(dates.values()), asked.step, asked.window, material.counts.shape[2] - 1,
        material.names,
    )  # fmt: skip


def _material(file: Path, asked: _Asked) -> _Material:
    table = dated.table(file, dated.Columns(asked.reference, asked.report, asked.by, asked.count))
    days = 1 if asked.step == "day" else 7
    if not table.height:
        raise MethodError(f"{file}: no line has both dates; check --reference and --report")
    last = table["report"].max()
    assert isinstance(last, date)
    if asked.to_day is not None and days == 7:  # report weeks end on the weekday of the as-of dates
        last -= timedelta(days=(last - asked.to_day).days % 7)
    known = lines.known_by(file, table, last, days)
    counts = lines.triangle(known, asked.max_delay or lines.longest(known, lines.MOST_DELAYS[asked.step]))
    names = [*known.names, "total"] if asked.total and asked.by is not None else known.names
    chosen = {k: v for k, v in asdict(asked).items() if k not in ("from_day", "to_day", "every")}
    digest = hashlib.sha256(file.read_bytes() + repr((sorted(chosen.items()), last)).encode()).hexdigest()[:12]
    return _Material(delay.checked(counts), names, known.newest, last, days, digest)


def _date(material: _Material, step: int) -> date:
    return material.last - timedelta(days=(material.counts.shape[1] - 1 - step) * material.days)


def _steps(material: _Material, asked: _Asked) -> list[int]:
    possible = judged.steps_to_judge(material.counts.shape[1], material.counts.shape[2], asked.window)
    first, last = asked.from_day or date.min, asked.to_day or date.max
    steps = [step for step in possible if first <= _date(material, step) <= last][:: asked.every]
    if steps:
        return steps
    size = material.counts.shape[2] - 1
    where = (
        f"from {_date(material, possible[0])} to {_date(material, possible[-1])}" if len(possible) else "none at all"
    )
    raise MethodError(
        f"no as-of date to judge: {material.counts.shape[1]} steps of data and delays of {size} leave {where}; "
        "change --from, --to or --max-delay"
    )


def _judge(material: _Material, asked: _Asked, step: int) -> judged.Judged:
    first = material.newest - timedelta(days=(material.counts.shape[1] - 1) * material.days)
    one = judged.judge(
        material.counts,
        step,
        weekday=first.weekday() if material.days == 1 else None,
        step_days=float(material.days),
        window=asked.window,
        draws=asked.draws,
        seed=asked.seed,
        total=len(material.names) > len(material.counts),
    )
    return judged.newest(one, asked.ages)
