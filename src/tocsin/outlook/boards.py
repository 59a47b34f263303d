"""Imported against local (外防输入、内防反弹): does it come from outside, and does it spread here, by place. I/O."""

from typing import NamedTuple

import numpy as np

from tocsin.calendar import DAY
from tocsin.desk import Desk
from tocsin.estimate import importation
from tocsin.outlook import travel
from tocsin.outlook.course import Course, course, interval_of
from tocsin.outlook.picture import table_of
from tocsin.types import Floats, Instant

WINDOW_DAYS = 28  # "recently"
PATHS = 20  # nowcast draws by which chains and ends are judged
SEEN_DAYS = 120  # how far back an end is judged: no interval we ship reaches further
LEVELS = importation.LEVELS  # 2.5, 50 and 97.5 %


class Importation(NamedTuple):
    """Does it come from outside? By area (A): cases of the window and quantiles (A, 3), days since the last (A, 3)."""

    imported: Floats
    share: Floats
    since: Floats
    expected: Floats  # (A,) infected arrivals a day, NaN where no travel is configured
    coming: Floats  # (A, 3) of the window, by chance alone


class Spread(NamedTuple):
    """Does it spread here? By area (A); NaN = no claim."""

    local: Floats  # (A, 3) cases of the window
    r: Floats  # (A, 3) of local cases, now
    above_one: Floats
    explained: Floats  # probability that imports explain every local case of the window
    chain_since: Floats  # civil minute from which a local chain is 95 % sure without a break, NaN if not now
    since: Floats  # (A, 3) days since the last local case
    over: Floats  # probability that no further local case comes from those known


class Boards(NamedTuple):
    """Both boards of one signal at one level."""

    areas: tuple[str, ...]
    window: int
    importation: Importation
    spread: Spread


def boards(desk: Desk, signal: str, level: str, as_of: Instant) -> Boards:
    """Imports and local spread of a signal's disease in every area of a level as of a moment."""
    found = course(desk, signal, level, as_of)
    key = ("boards", signal, level, as_of, len(desk.columns(signal, as_of).step))
    return desk.remember(key, 12, lambda: _boards(desk, signal, found, as_of))


def _boards(desk: Desk, signal: str, found: Course, as_of: Instant) -> Boards:
    minutes = desk.step(signal).minutes
    window = max(WINDOW_DAYS * DAY // minutes, 1)
    days = minutes / DAY
    middle = np.rint(np.median(found.imported, axis=2)), np.rint(np.median(found.local, axis=2))
    coming = _expected(desk, signal, found, as_of)
    imports = Importation(
        _sums(found.imported, window),
        importation.share(middle[1], middle[0], window)[:, -1],
        importation.since_last(found.imported) * days,
        coming[:, -1],
        importation.by_chance(coming.sum(axis=1)),
    )
    return Boards(found.areas, WINDOW_DAYS, imports, _spread(found, window, days))


def _spread(found: Course, window: int, days: float) -> Spread:
    nothing = np.full(len(found.areas), np.nan)
    since = importation.since_last(found.local) * days
    if found.found is None:
        return Spread(
            _sums(found.local, window),
            np.full((len(found.areas), 3), np.nan),
            nothing,
            nothing,
            nothing,
            since,
            nothing,
        )
    r = np.exp(found.found.log_r[:, -1])
    within = not found.weights.any()  # infections lie within a step: chains cannot be told apart
    explained, chain = (nothing, nothing) if within else _chains(found, window)
    return Spread(
        _sums(found.local, window),
        np.moveaxis(np.quantile(r, LEVELS, axis=-1), 0, -1),
        found.found.above_one()[:, -1],
        explained,
        chain,
        since,
        nothing if within else _over(found, days),
    )


def _paths(found: Course) -> tuple[Floats, Floats]:
    """A few possible pasts side by side: local and imported (A · PATHS, T), an area's together."""
    steps = found.times.size
    local, imported = (np.moveaxis(x[:, :, :PATHS], 2, 1).reshape(-1, steps) for x in (found.local, found.imported))
    return local, imported


def _chains(found: Course, window: int) -> tuple[Floats, Floats]:
    """Probability that imports explain the window's local cases, and since when a chain is sure."""
    explained = importation.imports_explain(*_paths(found), found.weights, window)
    by_area = explained.reshape(len(found.areas), -1, found.times.size).mean(axis=1)
    sure = 1 - by_area >= importation.CHAIN
    run = sure[:, ::-1].argmin(axis=1)  # how many of the newest steps in a row
    run = np.where(sure.all(axis=1), sure.shape[1], run)
    begin = found.times[np.minimum(len(found.times) - run, len(found.times) - 1)].astype(np.int64)
    return by_area[:, -1], np.where(run > 0, begin, np.nan)


def _over(found: Course, days: float) -> Floats:
    steps = min(max(round(SEEN_DAYS / days), 2), found.times.size)
    alive = found.local[:, -steps:].any(axis=(1, 2)) | found.imported[:, -steps:].any(axis=(1, 2))
    out = np.full(len(found.areas), np.nan)
    if alive.any():
        local, imported = (
            np.moveaxis(x[alive][:, -steps:, :PATHS], 2, 1).reshape(-1, steps) for x in (found.local, found.imported)
        )
        said = importation.over(local, found.weights, imported)[:, -1].reshape(int(alive.sum()), -1)
        out[alive] = np.nan_to_num(said, nan=1.0).mean(axis=1)
    return out


def _sums(draws: Floats, window: int) -> Floats:
    return np.asarray(np.moveaxis(np.quantile(draws[:, -window:].sum(axis=1), LEVELS, axis=-1), 0, -1))


def _expected(desk: Desk, signal: str, found: Course, as_of: Instant) -> Floats:
    """Infected arrivals on each day of the window (A, days), NaN where nothing tells."""
    table = table_of(desk, signal)
    if not (desk.settings.travel.arrivals and table.incidence):
        return np.full((len(found.areas), WINDOW_DAYS), np.nan)
    said = interval_of(table)
    infected = max(round(said[0] if said else 7), 1)
    return travel.arrivals(desk, table, found.areas, as_of, infected, WINDOW_DAYS)
