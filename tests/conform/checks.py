"""What every detector must hold: each check takes a Detector and raises AssertionError. Pure."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from tocsin.detect import Detector, panel
from tocsin.errors import MethodError
from tocsin.types import Alarms, Floats, Kind, Panel

FIELDS = ("expected", "upper", "score", "p")
STEPS = {"1d": 1440, "1w": 10080}
BUDGET = 400_000  # cells of a simulated null panel


def step_of(detector: Detector) -> str:
    """The shortest step the detector can use."""
    for name, minutes in STEPS.items():
        try:
            detector.history(minutes)
        except MethodError:
            continue
        return name
    raise AssertionError(f"{detector.name} takes neither days nor weeks")


def history(detector: Detector) -> int:
    return detector.history(STEPS[step_of(detector)])


def noise(detector: Detector, n: int, tested: int, *, mean: float = 12.0, ratio: float = 1.0, seed: int = 1) -> Panel:
    """n independent null series with `tested` steps after the stated history."""
    rng = np.random.default_rng([seed, round(100 * mean), round(100 * ratio)])
    size = (n, history(detector) + tested)
    if detector.kinds[0] == "measure":
        y = rng.normal(mean, 2.0, size)
    elif ratio == 1:
        y = rng.poisson(mean, size)
    else:
        y = rng.negative_binomial(mean / (ratio - 1), 1 / ratio, size)
    return as_panel(detector, y)


def as_panel(detector: Detector, y: Floats) -> Panel:
    return panel(y, first="2015-03-02", step=step_of(detector), kind=detector.kinds[0], exposure=1000.0)


def same(a: Alarms, b: Alarms, rows: slice | list[int] = slice(None), columns: slice = slice(None)) -> None:
    for f in FIELDS:
        np.testing.assert_allclose(getattr(a, f)[rows][:, columns], getattr(b, f), rtol=1e-9, atol=1e-12, err_msg=f)


def fills_its_shape(d: Detector) -> None:
    start = history(d)
    for n, tested in ((3, 2), (1, 1), (0, 2), (2, 0)):
        alarms = d.run(noise(d, n, tested), start)
        for f in FIELDS:
            found = getattr(alarms, f)
            assert (found.shape, found.dtype) == ((n, tested), np.float64), (f, found.shape, found.dtype)
        assert d.alarming(alarms).shape == (n, tested)


def says_the_same_twice(d: Detector) -> None:
    p = noise(d, 4, 5)
    first = d.run(p, history(d))
    d.run(noise(d, 4, 5, seed=2), history(d))
    same(first, d.run(p, history(d)))


def does_not_look_ahead(d: Detector) -> None:
    p, start = noise(d, 4, 12), history(d)
    whole = d.run(p, start)
    for cut in (1, 5, 11):
        seen = as_panel(d, p.y[:, :-cut])
        same(whole, d.run(seen, start), columns=slice(0, 12 - cut))


def has_no_memory_of_its_start(d: Detector) -> None:
    p, start = noise(d, 4, 12), history(d)
    whole = d.run(p, start)
    for later in (1, 7, 11):
        same(whole, d.run(p, start + later), columns=slice(later, None))


def needs_only_its_history(d: Detector) -> None:
    start = history(d)
    p = noise(d, 4, 40 + 3)
    whole = d.run(p, start + 40)
    last = p._replace(y=p.y[:, 40:], exposure=p.exposure[:, 40:], time=p.time[40:], holiday=p.holiday[40:])
    same(whole, d.run(last, start))
    assert np.isfinite(whole.score).any(), "with all the history it asks for, it says nothing"


def judges_series_alone(d: Detector) -> None:
    """One that says it pools is let off, and only if it does: a claim that changes nothing would hide a mistake."""
    # Series of very different levels: a pooled mean or spread shows at once; shuffling them would not show it.
    p = noise(d, 5, 4)
    p = p._replace(y=np.round(p.y * np.array([[1], [3], [10], [0], [40]])))
    whole = d.run(p, history(d))
    if d.pools:
        part = d.run(p._replace(y=p.y[[1, 2]], exposure=p.exposure[[1, 2]]), history(d))
        assert np.nanmax(np.abs(part.expected / whole.expected[[1, 2]] - 1)) > 1e-3, (
            "it says that it pools and does not"
        )
        return
    for rows in ([0], [1, 3], [4, 2, 0]):
        part = p._replace(y=p.y[rows], exposure=p.exposure[rows])
        same(whole, d.run(part, history(d)), rows=rows)


def takes_series_in_any_order(d: Detector) -> None:
    """Which row a series stands in means nothing, not even to one that pools them."""
    p = noise(d, 5, 4)
    p = p._replace(y=np.round(p.y * np.array([[1], [3], [10], [0], [40]])))
    whole, order = d.run(p, history(d)), [3, 0, 4, 2, 1]
    same(whole, d.run(p._replace(y=p.y[order], exposure=p.exposure[order]), history(d)), rows=order)


def leaves_its_input(d: Detector) -> None:
    p = noise(d, 3, 3)
    p.y[0, 1] = np.nan
    before = [np.array(x) for x in (p.y, p.exposure, p.time, p.holiday)]
    d.run(p, history(d))
    for x, was in zip((p.y, p.exposure, p.time, p.holiday), before, strict=True):
        np.testing.assert_array_equal(x, was)


def is_silent_where_nothing_is_known(d: Detector) -> None:
    start = history(d)
    p = noise(d, 6, 6)
    p.y[1, start + 2], p.y[2, start:], p.y[3] = np.nan, np.nan, np.nan
    absent = np.isnan(p.y[:, start:])
    alarms = d.run(p, start)
    assert np.isnan(alarms.score[absent]).all(), "a score for a value that is missing"
    assert np.isnan(alarms.p[absent]).all(), "a p for a value that is missing"
    assert not d.alarming(alarms)[absent].any(), "an alarm for a value that is missing"


def takes_no_gap_for_a_zero(d: Detector) -> None:
    start = history(d)
    p = noise(d, 40, 4, mean=200.0)
    gone = np.random.default_rng(5).random(p.y[:, :start].shape) < 0.3
    p.y[:, :start][gone] = np.nan
    alarms = d.run(p, start)
    if not d.rule:
        told = alarms.expected[np.isfinite(alarms.expected)] / np.nanmedian(
            d.run(noise(d, 40, 4, mean=200.0), start).expected
        )
        assert (told > 0.8).all(), f"the baseline falls with the share missing: {told.min():.2f} of what it should be"


def takes_short_history(d: Detector) -> None:
    for steps in {1, 2, 3, 5, 9, max(history(d) - 1, 1)}:
        p = noise(d, 3, 9)
        alarms = d.run(as_panel(d, p.y[:, :steps]), 0)
        assert alarms.score.shape == (3, steps)
        if not d.rule:
            assert not d.alarming(alarms)[:, 0].any(), "an alarm at the very first step"


def stands_strange_series(d: Detector) -> None:
    start = history(d)
    y = noise(d, 7, 4).y
    y[0], y[1], y[2], y[3] = 0, 7, 1e15, 0
    y[3, start] = 1
    y[4, start + 1] = 1e15
    y[5, ::2] = 0
    y[6, : start // 2] *= 50
    alarms = d.run(as_panel(d, y), start)
    assert d.alarming(alarms)[4, 1:].any() or alarms.p[4, 1] < 1e-3, "1e15 where 12 are usual"
    if not d.rule and d.equality == ">":
        assert not d.alarming(alarms)[1].any(), "an alarm in a series that never moves"
    assert not d.alarming(alarms)[0].any(), "an alarm where there was never anything"
    probabilities = alarms.p[~np.isnan(alarms.p)]
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def finds_an_outbreak(d: Detector) -> None:
    start = history(d)
    p = noise(d, 60, 10, mean=10.0)
    p.y[:, start + 2 :] += 40
    alarms = d.run(p, start)
    found = (d.alarming(alarms) | (alarms.p < 0.01))[:, 2:].any(axis=1).mean()
    assert found > 0.9, f"of outbreaks of five times the usual it finds {found:.0%}"


def is_quiet_under_the_null(d: Detector) -> None:
    p = noise(d, 80, 10)
    if d.rule:
        p = p._replace(y=np.zeros_like(p.y))
    share = d.alarming(d.run(p, history(d))).mean()
    assert share < 1 / 3, f"of ordinary steps {share:.0%} are alarms"


def means_its_p(d: Detector) -> None:
    """P(p <= a) <= 1.2 a for Poisson counts and for counts of twice that variance, of any mean, three errors granted.

    The 0.2 is the price of a mid-p: at the steps of a discrete distribution it lies a little over a.
    """
    if np.isnan(d.run(noise(d, 20, 3), history(d)).p).all():
        return  # it claims none
    spoke = []
    for kind, mean, ratio in _nulls(d):
        tested = 20
        of_kind = replace(d, kinds=(kind,))
        n = min(max(BUDGET // (history(d) + tested), 50), 5000)
        p = of_kind.run(noise(of_kind, n, tested, mean=mean, ratio=ratio, seed=9), history(d)).p
        spoke.append(np.isfinite(p).mean())
        if np.isnan(p).all():
            continue
        for a in (0.05, 0.01, 0.001):
            shares = (p <= a).mean(axis=1)
            rate, error = shares.mean(), shares.std() / np.sqrt(n)
            assert rate - 3 * error <= 1.2 * a, f"p <= {a} in {rate:.5f} of {kind} nulls, mean {mean}, ratio {ratio}"
        if mean >= 20:
            assert np.nanmean(p <= 0.1) > 0.01, f"p is hardly ever small, mean {mean}"
    assert max(spoke) == 0 or min(spoke) > 0.9, f"p for some nulls and not for others: {spoke}"


def cites(d: Detector) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", d.name), d.name
    assert re.search(r"\b(1[89]|20)\d\d\b", d.cite), f"no year in its citation: {d.cite!r}"
    assert (inspect.getdoc(d.method) or "").strip(), "its method has no docstring"


def names_its_parameters(d: Detector) -> None:
    for name, default in d.allowed().items():
        assert default is not inspect.Parameter.empty, f"{name} has no default"
        assert d.configured(**{name: default}).allowed() == d.allowed()
    with pytest.raises(MethodError, match="no_such_parameter") as refused:
        d.configured(no_such_parameter=1)
    assert all(name in str(refused.value) for name in d.allowed())


def _nulls(d: Detector) -> Iterator[tuple[Kind, float, float]]:
    if "count" in d.kinds:
        for mean in (0.05, 0.3, 1.0, 5.0, 60.0):
            for ratio in (1.0, 2.0):
                yield "count", mean, ratio
    if "measure" in d.kinds:
        yield "measure", 30.0, 1.0
        yield "measure", 0.0, 1.0


CHECKS: tuple[Callable[[Detector], None], ...] = (
    fills_its_shape,
    says_the_same_twice,
    does_not_look_ahead,
    has_no_memory_of_its_start,
    needs_only_its_history,
    judges_series_alone,
    takes_series_in_any_order,
    leaves_its_input,
    is_silent_where_nothing_is_known,
    takes_no_gap_for_a_zero,
    takes_short_history,
    stands_strange_series,
    finds_an_outbreak,
    is_quiet_under_the_null,
    means_its_p,
    cites,
    names_its_parameters,
)
