"""The counts a detector is asked about: as reported, or as a nowcast has their newest steps. I/O."""

import numpy as np

from tocsin.config import SignalTable
from tocsin.desk import Desk
from tocsin.detect import Detector, left_out
from tocsin.detect.contract import FIELDS
from tocsin.outlook import likely
from tocsin.outlook.likely import LEVELS, NODES, Pasts
from tocsin.outlook.picture import View, picture, view
from tocsin.types import Alarms, Bools, Cube, Floats, Ints, Panel

TOLD = 0.25  # of a count, to be judged on its nowcast


class Counts:
    """Counts as reported."""

    def alarms(self, detector: Detector, panel: Panel, start: int, marked: Bools) -> Alarms:
        """What a detector says of steps `start … T-1`; what is marked (N, T) is in no baseline."""
        return left_out.run(detector, panel, start, marked)

    def observed(self, detector: Detector, panel: Panel) -> Floats:
        """What its expected and upper are compared with, (N, T)."""
        return detector.observed(panel.y, panel.step)

    def under(self, detector: Detector, panel: Panel, row: int) -> Floats | None:
        """Under what one series is observed as: reported, low and high of 95 %, (3, T); None if it is as reported."""
        return None

    def judged(self, detector: Detector, panel: Panel) -> Panel:
        """The counts that its expected, upper and score are of."""
        return panel

    def final(self, row: int, step: int) -> Floats | None:
        """What one step of one series will have been: 2.5, 50 and 97.5 %, (3,); None if it is as reported."""
        return None


def counts(desk: Desk, table: SignalTable, level: str, cube: Cube) -> Counts:
    """The counts by which a signal is judged, over the areas of a cube, as of its moment."""
    if table.judge == "reported":
        return Counts()
    found = picture(desk, table.name, cube.as_of)
    if not found.open:
        return Counts()
    whole = view(desk, found, level)
    at = (whole.times.astype(np.int64) - int(cube.times[0].astype(np.int64))) // desk.step(table.name).minutes
    rows = np.array([whole.areas.index(a) for a in cube.areas], dtype=np.int64)
    return Estimates(whole, rows, at[-found.open :], cube.values[0])


class Estimates(Counts):
    """Counts as a nowcast has them: `at` (H,) says where its open steps stand in y (N, T), some perhaps outside."""

    def __init__(self, whole: View, rows: Ints, at: Ints, y: Floats) -> None:
        self._whole, self._rows, self._at, self._y = whole, rows, at, y
        self._pasts: dict[int, Pasts] = {}

    def alarms(self, detector: Detector, panel: Panel, start: int, marked: Bools) -> Alarms:
        """What a detector says, all that is possible weighed."""
        found = likely.run(detector, panel, self._of(detector, panel), start, marked)
        thin = self._thin(detector, panel)[:, start:]
        if not thin.any():
            return found
        plain = left_out.run(detector, panel, start, marked)
        return Alarms(*(np.where(thin, getattr(plain, f), getattr(found, f)) for f in FIELDS))

    def observed(self, detector: Detector, panel: Panel) -> Floats:
        """The median; what was reported where a rule asks, or where too little was told."""
        reported = detector.observed(panel.y, panel.step)
        if detector.rule:
            return reported
        median = detector.observed(self._of(detector, panel).median, panel.step)
        return np.where(self._thin(detector, panel), reported, median)

    def under(self, detector: Detector, panel: Panel, row: int) -> Floats | None:
        """What was reported of it, and its 95 % interval: the two are one where nothing more is to come."""
        if detector.rule:
            return None
        reported, window = detector.observed(panel.y[[row]], panel.step)[0], max(detector.window // panel.step, 1)
        place = slice(self._rows[row], self._rows[row] + 1)
        one = View((), self._whole.times, self._whole.reported[place], self._whole.draws[place])
        low, _, high = np.quantile(_sums(one.history(len(self._at) + window - 1), window)[0], LEVELS, axis=-1)
        found = np.stack([reported] * 3)
        self._put(found[1], low)
        self._put(found[2], high)
        return np.where(self._thin(detector, panel)[row], reported, found)

    def judged(self, detector: Detector, panel: Panel) -> Panel:
        """At the median; as reported where a rule asks, or where too little of the newest step was told."""
        if detector.rule or self._thin(detector, panel)[:, -1].any():
            return panel
        return panel._replace(y=self._of(detector, panel).median)

    def final(self, row: int, step: int) -> Floats | None:
        """Of an open step that may still change; None for others."""
        at = np.flatnonzero(self._at == step)
        if not len(at):
            return None
        drawn = self._whole.history(len(self._at))[self._rows[row], at[0]]
        return None if drawn.min() == drawn.max() else np.quantile(drawn, LEVELS)

    def _thin(self, detector: Detector, panel: Panel) -> Bools:
        """Where less than a share of TOLD of the count was told (N, T): the rest is the trend's guess, no evidence."""
        if detector.rule:
            return np.zeros(panel.y.shape, dtype=np.bool_)
        median = detector.observed(self._of(detector, panel).median, panel.step)
        return np.asarray(detector.observed(panel.y, panel.step) < TOLD * median)

    def _of(self, detector: Detector, panel: Panel) -> Pasts:
        """The possible counts as a detector compares them: a day's own quantiles, or those of its window's sum."""
        window = max(detector.window // panel.step, 1)
        if window not in self._pasts:
            levels = np.r_[0.5, NODES]
            near = self._whole.history(len(self._at) + window)[self._rows]
            if window == 1 or near.shape[1] < len(self._at) + window:
                drawn = np.ceil(np.quantile(near[:, -len(self._at) :], levels, axis=-1))
            else:
                sums = np.ceil(np.quantile(_sums(near[:, 1:], window), levels, axis=-1))  # half a case is no count
                drawn = _with_sums(sums, near[:, :window, 0])
            found = np.repeat(self._y[None], len(levels), axis=0)
            self._put(found, drawn)
            self._pasts[window] = Pasts(found[0], found[1:])
        return self._pasts[window]

    def _put(self, into: Floats, drawn: Floats) -> None:
        """Write the open steps' values (…, H) over counts (…, T), where there are any: a gap stays a gap."""
        at = self._at[len(self._at) - drawn.shape[-1] :]
        inside = (at >= 0) & (at < into.shape[-1])
        cells = into[..., at[inside]]
        into[..., at[inside]] = np.where(np.isnan(cells), np.nan, drawn[..., inside])


def _sums(steps: Floats, window: int) -> Floats:
    """Sums (N, T - window + 1, M) over `window` steps of (N, T, M)."""
    total = np.cumsum(np.concatenate([np.zeros_like(steps[:, :1]), steps], axis=1), axis=1)
    out: Floats = total[:, window:] - total[:, :-window]
    return out


def _with_sums(sums: Floats, closed: Floats) -> Floats:
    """Steps (K, N, H) whose moving sums are `sums` (K, N, H), after the `closed` steps (N, window) before them.

    Days are not independent: were each at its own low quantile, a week's sum would be far lower than it can be. No step
    is below 0: where a sum falls faster than the steps that leave it, it stands over what was asked.
    """
    window = closed.shape[1]
    path = np.concatenate([np.broadcast_to(closed, (len(sums), *closed.shape)), np.empty_like(sums)], axis=2)
    before = closed.sum(axis=1)[None]
    for j in range(sums.shape[2]):
        kept = before - path[:, :, j]
        path[:, :, window + j] = np.maximum(sums[:, :, j] - kept, 0)
        before = kept + path[:, :, window + j]
    return path[:, :, window:]
