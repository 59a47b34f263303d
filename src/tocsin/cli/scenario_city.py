"""What `tocsin scenario --city` starts from: a signal's nowcast, R, commuting and imports as a city knows them. I/O."""

from datetime import date
from pathlib import Path

import numpy as np

from tocsin.calendar import day_of
from tocsin.cli.common import now, open_city
from tocsin.cli.of_city import every_signal
from tocsin.desk import Desk
from tocsin.errors import InputError
from tocsin.outlook import whatif
from tocsin.outlook.course import interval_of
from tocsin.outlook.picture import table_of
from tocsin.types import Floats
from tocsin.views.plain import moment_of


def start(city: Path, signal: str | None, level: str | None, as_of: str | None) -> tuple[whatif.Start, date]:
    """Where the city stands as of a moment (`level`: the whole city unless said), and the last day known."""
    desk = open_city(city)
    found = whatif.start(desk, signal or _only(desk), level or desk.tree.levels[0], moment_of(desk, as_of, now()))
    return found, day_of(found.last)


def arrivals(found: whatif.Start, days: int, seed: int) -> Floats:
    """Imports to come (A, H, M), as many a day as in the last four weeks, by the chance of each draw."""
    size = len(found.areas), days, found.past.shape[2]
    return np.random.default_rng([seed, 3]).poisson(found.imports[:, None, None], size).astype(np.float64)


def _only(desk: Desk) -> str:
    fit = [name for name in every_signal(desk) if interval_of(table_of(desk, name)) is not None]
    if len(fit) != 1:
        there = f"one of: {', '.join(fit)}" if fit else "but none has an `interval` in city.toml"
        raise InputError(f"say --signal, {there}")
    return fit[0]
