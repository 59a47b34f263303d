"""What `nowcast` and `rt` say of a city instead of a file: rows of signal, area and step. I/O."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
from click.core import ParameterSource

from tocsin.calendar import DAY
from tocsin.cli.common import now, open_city
from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.errors import MethodError, NotFound
from tocsin.estimate.nowcast import LEVELS
from tocsin.outlook.course import course, interval_of
from tocsin.outlook.picture import picture, table_of, view
from tocsin.outlook.triangle import MOST_DELAYS
from tocsin.types import Instant
from tocsin.views.plain import civils, moment_of

BOUNDS = np.array([0.025, 0.5, 0.975])


def of_city(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a city, a signal and a level instead of a file."""
    command = click.option("--level", help="With --city: the level of areas.  [default: the whole city]")(command)
    command = click.option("--signal", help="With --city: one signal.  [default: all that it goes for]")(command)
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option("--city", type=folder, help="A city directory, instead of FILE.")(command)


def one_of(file: Path | None, city: Path | None) -> None:
    """A file or a city; UsageError for both or neither."""
    if (file is None) == (city is None):
        raise click.UsageError("give a FILE, or a city directory with --city")


def given(name: str) -> bool:
    """Whether a person wrote this option."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def only_with(what: str, *names: str) -> None:
    """UsageError if one of these options was given: they go with `what` (FILE, --city) alone."""
    for name in names:
        if given(name):
            raise click.UsageError(f"--{name.replace('_', '-')} goes with {what} alone")


def write(table: pl.DataFrame, out: Path | None) -> None:
    """As CSV, to a file or standard output."""
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        out.write_text(table.write_csv(), "utf-8")


def nowcasts(city: Path, signal: str | None, level: str | None, as_of: str | None) -> pl.DataFrame:
    """A row a signal, area and open step: reported, mean and quantiles of the count there will be."""
    desk, at = _open(city, as_of)
    parts = []
    for table in _signals(desk, signal, lambda s: True):
        found = picture(desk, table.name, at)
        if not found.open:
            click.echo(f"tocsin: no nowcast of {table.name}: {found.why.en if found.why else ''}", err=True)
            continue
        whole = view(desk, found, level or desk.tree.levels[0])
        quantiles = whole.quantiles(LEVELS)
        names = civils(whole.times[-found.open :], desk.step(table.name).minutes)
        for i, area in enumerate(whole.areas):
            columns: dict[str, object] = {"signal": [table.name] * found.open, "area": area, "reference": names}
            columns |= {"age": np.arange(found.open)[::-1], "reported": whole.reported[i, -found.open :]}
            columns |= {"mean": whole.draws[i].mean(axis=1)}
            parts.append(pl.DataFrame(columns | {f"q{q:g}": quantiles[i, :, j] for j, q in enumerate(LEVELS)}))
    return _joined(parts)


def courses(city: Path, signal: str | None, level: str | None, as_of: str | None) -> pl.DataFrame:
    """A row a signal, area and step: R of local cases, growth a day, P(R > 1)."""
    desk, at = _open(city, as_of)
    parts = []
    for table in _signals(desk, signal, lambda s: interval_of(s) is not None):
        found = course(desk, table.name, level or desk.tree.levels[0], at)
        if found.found is None:
            click.echo(f"tocsin: no R of {table.name}: {found.why.en if found.why else ''}", err=True)
            continue
        days = desk.step(table.name).minutes / DAY
        r, growth = np.exp(found.found.log_r), found.found.growth() / days
        above, names = found.found.above_one(), civils(found.times, desk.step(table.name).minutes)
        for i, area in enumerate(found.areas):
            columns: dict[str, object] = {"signal": [table.name] * len(names), "area": area, "reference": names}
            columns |= {"local": np.median(found.local[i], axis=1), "imported": np.median(found.imported[i], axis=1)}
            columns |= {"mean": r[i].mean(axis=1), "sd": r[i].std(axis=1)}
            columns |= {f"q{q:g}": np.quantile(r[i], q, axis=1) for q in BOUNDS}
            columns |= {f"growth_q{q:g}": np.quantile(growth[i], q, axis=1) for q in BOUNDS}
            parts.append(pl.DataFrame(columns | {"above_one": above[i]}))
    return _joined(parts).with_columns(pl.col(pl.Float64).fill_nan(None))


def _open(city: Path, as_of: str | None) -> tuple[Desk, Instant]:
    desk = open_city(city)
    return desk, moment_of(desk, as_of, now())


def every_signal(desk: Desk) -> list[str]:
    """The counts by days or weeks: what can be nowcast."""
    found = [s.name for s in desk.settings.signals if s.kind == "count" and desk.step(s.name).minutes in MOST_DELAYS]
    if not found:
        raise NotFound("no signal for this; counts by days or weeks are nowcast")
    return found


def _signals(desk: Desk, signal: str | None, fits: Callable[[SignalTable], bool]) -> list[SignalTable]:
    if signal is not None:
        return [table_of(desk, signal)]
    found = [table_of(desk, name) for name in every_signal(desk)]
    found = [s for s in found if fits(s)]
    if not found:
        raise NotFound(
            "no signal for this; counts by days or weeks are nowcast, and R needs an `interval` in city.toml"
        )
    return found


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if not parts:
        raise MethodError("nothing to say: see the lines above")
    return pl.concat(parts)
