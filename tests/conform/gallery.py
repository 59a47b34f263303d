"""Wrong detectors, each with one fault and the check that must catch it. Pure, but for the faults."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import stats

from conform import checks
from tocsin.detect import Detector
from tocsin.detect.contract import score
from tocsin.types import Alarms, Floats, Panel

SPAN = 14
_calls = itertools.count()


def _window(y: Floats, start: int, span: int = SPAN) -> Floats:
    seen = np.concatenate([np.full((len(y), span), np.nan), y], axis=1)[:, start : -1 if y.shape[1] else None]
    shape = (len(y), y.shape[1] - start, span)
    return np.lib.stride_tricks.sliding_window_view(seen, span, axis=1) if seen.shape[1] >= span else np.empty(shape)


def _spoken(y: Floats, window: Floats, start: int) -> Alarms:
    """Right: a t predictive after the steps before, with too little known where any is missing."""
    tested = y[:, start:]
    mean, sd = window.mean(axis=2), window.std(axis=2, ddof=1)
    spread = sd * np.sqrt(1 + 1 / SPAN)
    upper = mean + 3 * spread
    with np.errstate(divide="ignore", invalid="ignore"):
        cubes = np.cbrt(window)
        t = (np.cbrt(tested) - cubes.mean(axis=2)) / (cubes.std(axis=2, ddof=1) * np.sqrt(1 + 1 / SPAN))
    few = stats.nbinom.sf(tested - 1, (window.sum(axis=2) + 1) / (SPAN + 3), 1 / 2.2)
    p = np.fmax(np.where(np.isfinite(t), stats.t.sf(t, SPAN - 1), np.nan), few)
    return Alarms(mean, upper, score(tested, mean, upper), p)


def sound(panel: Panel, start: int) -> Alarms:
    """Nothing is wrong with this one: what the others spoil."""
    return _spoken(panel.y, _window(panel.y, start), start)


def pools_series(panel: Panel, start: int) -> Alarms:
    """Takes the spread over all the series."""
    a = sound(panel, start)
    upper = a.expected + 3 * (panel.y.std() if panel.y.size else 1.0)
    return Alarms(a.expected, upper, score(panel.y[:, start:], a.expected, upper), a.p)


def prefers_the_first(panel: Panel, start: int) -> Alarms:
    """Takes the first series for the region, and measures all by its spread."""
    a = sound(panel, start)
    upper = a.expected + 3 * (panel.y[0].std() if panel.y.size else 1.0)
    return Alarms(a.expected, upper, score(panel.y[:, start:], a.expected, upper), a.p)


def looks_ahead(panel: Panel, start: int) -> Alarms:
    """Smooths with the step after."""
    y = panel.y.copy()
    y[:, :-1] = (y[:, :-1] + y[:, 1:]) / 2
    return sound(panel._replace(y=y), start)


def scales_by_the_whole(panel: Panel, start: int) -> Alarms:
    """Its threshold is a share of the highest value ever, the future's included."""
    a = sound(panel, start)
    upper = np.fmax(a.upper, panel.y.max(axis=1, keepdims=True, initial=0))
    return Alarms(a.expected, upper, score(panel.y[:, start:], a.expected, upper), a.p)


def counts_from_its_start(panel: Panel, start: int) -> Alarms:
    """Adds up what exceeded since it was started."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, np.cumsum(a.score, axis=1), a.p)


def remembers_more(panel: Panel, start: int) -> Alarms:
    """Uses all there is, and says that it needs two weeks."""
    a = sound(panel, start)
    with np.errstate(invalid="ignore"):
        all_before = np.cumsum(panel.y, axis=1)[:, start - 1 : -1] / np.arange(start, panel.y.shape[1])
    expected = all_before if start else a.expected
    return Alarms(expected, a.upper, a.score, a.p)


def asks_too_little(panel: Panel, start: int) -> Alarms:
    """Says nothing with the history it asks for."""
    a = sound(panel, start)
    young = np.arange(start, panel.y.shape[1]) < 365
    return Alarms(a.expected, a.upper, np.where(young, np.nan, a.score), a.p)


def fills_gaps_with_zero(panel: Panel, start: int) -> Alarms:
    """Takes what is missing from the baseline for nobody ill."""
    a = _spoken(panel.y, np.nan_to_num(_window(panel.y, start)), start)
    return Alarms(a.expected, a.upper, a.score, a.p)


def alarms_at_silence(panel: Panel, start: int) -> Alarms:
    """Finds a missing value alarming."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, np.where(np.isnan(panel.y[:, start:]), 9.0, a.score), a.p)


def doubts_silence(panel: Panel, start: int) -> Alarms:
    """Gives a missing value a p."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, a.score, np.where(np.isnan(panel.y[:, start:]), 1.0, a.p))


def cleans_its_input(panel: Panel, start: int) -> Alarms:
    """Drops negative and missing values in place."""
    alarms = sound(panel, start)
    panel.y[np.isnan(panel.y)] = 0
    return alarms


def plugs_in_the_normal(panel: Panel, start: int) -> Alarms:
    """The textbook p: as if mean and spread of fourteen days were known."""
    a = sound(panel, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Alarms(a.expected, a.upper, a.score, stats.norm.sf(3 * a.score))


def knows_only_poisson(panel: Panel, start: int) -> Alarms:
    """A p that is right until counts cluster."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, a.score, stats.poisson.sf(panel.y[:, start:] - 1, a.expected * 1.2 + 0.5))


def is_deaf(panel: Panel, start: int) -> Alarms:
    """Never alarms, and finds nothing improbable."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, a.score * 0, np.where(np.isnan(a.p), np.nan, 0.5))


def is_hysteric(panel: Panel, start: int) -> Alarms:
    """Alarms at anything over the mean less a spread."""
    a = sound(panel, start)
    upper = a.expected + (a.upper - a.expected) * 0.05
    return Alarms(a.expected, upper, score(panel.y[:, start:], a.expected, upper), a.p)


def draws_lots(panel: Panel, start: int) -> Alarms:
    """Answers differently each time it is asked."""
    a = sound(panel, start)
    return Alarms(a.expected, a.upper, a.score + 1e-3 * (next(_calls) % 7), a.p)


def answers_for_all(panel: Panel, start: int) -> Alarms:
    """Answers for every step instead of the tested ones."""
    return sound(panel, 0)


def insists_on_history(panel: Panel, start: int) -> Alarms:
    """Raises where there is less history than it likes."""
    if start < SPAN:
        raise IndexError("not enough history")
    return sound(panel, start)


def alarms_at_zero(panel: Panel, start: int) -> Alarms:
    """Has its threshold reached by nothing at all: 0 >= 0."""
    a = sound(panel, start)
    zero = (a.upper == 0) & (panel.y[:, start:] == 0)
    return Alarms(a.expected, a.upper, np.where(zero, 1.5, a.score), a.p)


def has_no_docstring(panel: Panel, start: int) -> Alarms:
    return sound(panel, start)


def wants_a_parameter(panel: Panel, start: int, alpha: float) -> Alarms:
    """Cannot be run as it is registered."""
    return sound(panel, start)


def _of(method: Callable[..., Alarms], cite: str = "Nobody (2001)", *, pools: bool = False) -> Detector:
    return Detector(method.__name__, method, lambda step: SPAN, cite, pools=pools)


SOUND = _of(sound)

WRONG: tuple[tuple[Detector, Callable[[Detector], None]], ...] = (
    (_of(pools_series), checks.judges_series_alone),
    (_of(sound, pools=True), checks.judges_series_alone),
    (_of(prefers_the_first, pools=True), checks.takes_series_in_any_order),
    (_of(looks_ahead), checks.does_not_look_ahead),
    (_of(scales_by_the_whole), checks.does_not_look_ahead),
    (_of(counts_from_its_start), checks.has_no_memory_of_its_start),
    (_of(remembers_more), checks.needs_only_its_history),
    (_of(asks_too_little), checks.needs_only_its_history),
    (_of(fills_gaps_with_zero), checks.takes_no_gap_for_a_zero),
    (_of(alarms_at_silence), checks.is_silent_where_nothing_is_known),
    (_of(doubts_silence), checks.is_silent_where_nothing_is_known),
    (_of(cleans_its_input), checks.leaves_its_input),
    (_of(plugs_in_the_normal), checks.means_its_p),
    (_of(knows_only_poisson), checks.means_its_p),
    (_of(is_deaf), checks.finds_an_outbreak),
    (_of(is_hysteric), checks.is_quiet_under_the_null),
    (_of(draws_lots), checks.says_the_same_twice),
    (_of(answers_for_all), checks.fills_its_shape),
    (_of(insists_on_history), checks.takes_short_history),
    (_of(alarms_at_zero), checks.stands_strange_series),
    (_of(sound, cite=""), checks.cites),
    (_of(has_no_docstring), checks.cites),
    (_of(wants_a_parameter), checks.names_its_parameters),
)
