"""`tocsin score-estimates --city`: a city's nowcasts replayed from its own store, signal by signal. I/O."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import click

from tocsin.calendar import DAY
from tocsin.cli import score_files
from tocsin.cli.common import now, open_city, progress
from tocsin.cli.of_city import every_signal
from tocsin.cli.score_show import Scored
from tocsin.desk import Desk
from tocsin.errors import MethodError
from tocsin.estimate import judged
from tocsin.outlook import judging
from tocsin.outlook.picture import table_of


def scored(
    city: Path, signal: str | None, level: str | None, out: Path | None, plot: Path | None, *, window: int,
    ages: int | None, every: int, from_day: date | None, to_day: date | None,
) -> list[Scored]:  # fmt: skip
    """The nowcasts of one signal, or of all that have any, judged at a level (the whole city).

    MethodError where nothing can be judged; a signal of many that cannot be is named on standard error.
    """
    if signal is None and (out or plot):
        raise click.UsageError("--out and --plot with --city want one --signal")
    desk, at = open_city(city), now()
    level = level or desk.tree.levels[0]
    found = []
    for name in [table_of(desk, signal).name] if signal else every_signal(desk):
        try:
            asked = judging.judging(desk, name, level, window, at)
            days = judging.dates(desk, asked, every, from_day, to_day)
            found.append(_scored(desk, asked, days, ages, out))
        except MethodError as e:
            if signal is not None:
                raise
            click.echo(f"tocsin: {e}", err=True)
    if not found:
        raise MethodError("nothing to judge: see the lines above")
    return found


def _scored(desk: Desk, asked: judging.Judging, days: list[date], ages: int | None, out: Path | None) -> Scored:
    names, length = [a.code for a in desk.tree.at(asked.level)], desk.step(asked.signal).minutes // DAY
    settings = hashlib.sha256(repr((desk.settings.city.name, asked, ages)).encode()).hexdigest()[:12]
    done = score_files.read(out, settings, names, dict(enumerate(days))) if out else {}
    found, said = [], []
    with progress("dates") as bar:
        task = bar.add_task(f"{asked.signal}: nowcasts as of past dates", total=len(days))
        for i, day in enumerate(days):
            one = done.get(i) or judging.judge(desk, asked, day)
            bar.advance(task)
            if one is None:
                continue
            one = judged.newest(one, ages)
            if out and i not in done:
                score_files.append(out, settings, names, length, day, day - timedelta(days=length - 1), one)
            found.append(one)
            said.append(day)
    step = "day" if length == 1 else "week"
    of = {"signal": asked.signal, "level": asked.level}
    return Scored(of, judged.summary(found), found, said, step, asked.window, asked.open - 1, names)
