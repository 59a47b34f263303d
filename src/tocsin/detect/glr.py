"""GLR: has the level changed at some step since the run began, whichever step and however much? Pure.

Höhle M, Paul M (2008), Computational Statistics & Data Analysis 52(9): 4357-4368; Held L, Hofmann M, Höhle M, Schmid V
(2006), Biostatistics 7(3): 422-437 (the epidemic change).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from tocsin.detect import glr_kernel, runs
from tocsin.detect.contract import require
from tocsin.detect.glr_kernel import EPIDEMIC, INTERCEPT, Search, Series
from tocsin.types import Alarms, Floats, Panel

Change = Literal["intercept", "epi"]
Direction = Literal["inc", "dec"]
LONGEST = 26  # steps a change may have lasted, where runs are begun afresh
Settings = Mapping[str, object]


class _Model(NamedTuple):
    """The in-control model: a level, or harmonics and trend, perhaps fitted again after each alarm."""

    level: float | None
    harmonics: int
    trend: bool
    refit: bool


class _Plan(NamedTuple):
    """All that a run is made with; alpha (N,), None to estimate it."""

    search: Search
    model: _Model
    alpha: Floats | None
    theta: float | None
    ret: str
    memory_years: float | None
    train_years: float


def glr_poisson(
    panel: Panel,
    start: int,
    *,
    c_arl: float = 5.0,
    mu0: Settings | float | None = None,
    mtilde: int = 1,
    m: int | None = None,
    change: Change = "intercept",
    theta: float | None = None,
    dir: Direction = "inc",  # noqa: A002 - the literature's name
    ret: Literal["cases", "value"] = "cases",
    memory_years: float | None = 0.5,
    train_years: float = 3.0,
    compat: str = "",
) -> Alarms:
    """GLR = the greatest log-likelihood ratio of a change since step k, over k; score = GLR / c_arl, alarm at 1.

    mu0: {"S": harmonics, "trend": bool, "refit": after each alarm} of a Poisson model of the training steps, or a
    number. theta: a change of known log size, else its likeliest. change: "intercept", means mu · e^κ; "epi", means
    mu + e^κ · the last step's count. k goes from m steps back (-1: the run's beginning) to mtilde - 1 steps back. After
    an alarm all begins anew. upper: ret="cases", the count that reaches c_arl (rises only); "value", GLR. No p claimed.
    """
    search = _search("glr_poisson", c_arl, mtilde, m, (change, dir, ret, compat))
    memory = None if compat else memory_years
    return _glr(panel, start, _Plan(search, _model(mu0), np.zeros(len(panel.y)), theta, ret, memory, train_years))


def glr_nb(
    panel: Panel,
    start: int,
    *,
    c_arl: float = 5.0,
    mu0: Settings | float | None = None,
    alpha: float | None = None,
    mtilde: int = 1,
    m: int | None = None,
    change: Change = "intercept",
    theta: float | None = None,
    dir: Direction = "inc",  # noqa: A002 - the literature's name
    ret: Literal["cases", "value"] = "cases",
    memory_years: float | None = 0.5,
    train_years: float = 3.0,
    compat: str = "",
) -> Alarms:
    """As glr_poisson for counts of variance mu + alpha · mu²; alpha=None estimates it with the in-control model."""
    require(alpha is None or alpha >= 0, f"glr_nb: alpha is {alpha}; it is at least 0, or null to estimate it")
    require(change == "intercept", 'glr_nb: change="epi" is for Poisson counts; use glr_poisson')
    given = None if alpha is None else np.full(len(panel.y), float(alpha))
    search = _search("glr_nb", c_arl, mtilde, m, (change, dir, ret, compat))
    memory = None if compat else memory_years
    return _glr(panel, start, _Plan(search, _model(mu0), given, theta, ret, memory, train_years))


def needs_glr(step: int, memory_years: float | None = 0.5, train_years: float = 3.0, compat: str = "") -> int:
    """What its runs need."""
    return runs.needs(step, None if compat else memory_years, train_years)


def _search(name: str, c_arl: float, mtilde: int, m: int | None, words: tuple[str, str, str, str]) -> Search:
    """The search as the kernel takes it; MethodError for words and numbers that are none."""
    change, direction, ret, compat = words
    require(c_arl > 0, f"{name}: c_arl is {c_arl}; it is more than 0")
    require(mtilde >= 1, f"{name}: mtilde is {mtilde}; it is at least 1")
    require(change in {"intercept", "epi"}, f'{name}: change is {change!r}; write "intercept" or "epi"')
    require(direction in {"inc", "dec"}, f'{name}: dir is {direction!r}; write "inc" or "dec"')
    require(ret in {"cases", "value"}, f'{name}: ret is {ret!r}; write "cases" or "value"')
    require(compat in {"", "surveillance"}, f'{name}: compat is {compat!r}; write "surveillance" or leave it out')
    longest = (-1 if compat else LONGEST) if m is None else m
    require(longest == -1 or longest >= mtilde, f"{name}: m is {longest}; it is at least mtilde, {mtilde}, or -1")
    kind = EPIDEMIC if change == "epi" else INTERCEPT
    shortest, least, silent = mtilde, 0, np.nan
    if compat and name == "glr_poisson" and kind == INTERCEPT:
        # R's Poisson search leaves out the shortest change, or, without a longest, takes mtilde for a late start.
        shortest, least = (1, mtilde) if longest == -1 else (mtilde + 1, 0)
    if compat:
        silent = 0.0 if name == "glr_poisson" else 1e99
    return Search(
        0.0, float(c_arl), kind, direction == "inc", int(shortest), int(longest), bool(compat), int(least), silent
    )


def _model(mu0: Settings | float | None) -> _Model:
    """The in-control model asked for; without a word, one harmonic and a trend."""
    if mu0 is None:
        return _Model(None, 1, True, False)
    if isinstance(mu0, int | float):
        require(mu0 > 0, f"mu0 is {mu0}; it is more than 0")
        return _Model(float(mu0), 0, False, False)
    require(isinstance(mu0, Mapping), f'mu0 is {mu0!r}; write {{"S": 1, "trend": true, "refit": false}} or a number')
    unknown = ", ".join(sorted(set(mu0) - {"S", "trend", "refit"}))
    require(not unknown, f"mu0 has no {unknown}; it has S, trend and refit")
    harmonics = mu0.get("S", 1)
    require(isinstance(harmonics, int) and 0 <= harmonics <= 12, f"mu0: S is {harmonics!r}; it lies between 0 and 12")
    return _Model(None, int(str(harmonics)), bool(mu0.get("trend", True)), bool(mu0.get("refit", False)))


def _glr(panel: Panel, start: int, plan: _Plan) -> Alarms:
    shape = (len(panel.y), panel.y.shape[1] - start)
    expected, upper, score = (np.full(shape, np.nan) for _ in range(3))
    for run in runs.runs(panel, start, plan.memory_years, plan.train_years):
        mean, stat, count = _one(panel, run, plan)
        heard, to = slice(run.first - run.began, None), slice(run.first - start, run.last - start)
        expected[:, to] = mean[:, heard]
        upper[:, to] = (count if plan.ret == "cases" else stat)[:, heard]
        score[:, to] = stat[:, heard] / plan.search.limit
    return Alarms(expected, upper, score, np.full(shape, np.nan))


def _one(panel: Panel, run: runs.Run, plan: _Plan) -> tuple[Floats, Floats, Floats]:
    """In-control means, statistics and counts needed of one run, each (N, last - began)."""
    mean, alpha = _in_control(panel, run, plan, plan.alpha)
    stat, count = np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    y = np.ascontiguousarray(panel.y[:, run.began : run.last])
    earlier = np.concatenate([np.full((len(y), 1), np.nan), panel.y], axis=1)
    last = np.ascontiguousarray(earlier[:, run.began : run.last])
    if plan.search.compat and last.shape[1]:
        last[:, 0] = 0.0  # R knows of nobody ill before the first step it monitors
    cases_from = run.first - run.began if plan.ret == "cases" else y.shape[1]
    for i in range(len(y)):
        search = plan.search._replace(alpha=0.0 if np.isnan(alpha[i]) else float(alpha[i]))
        at = 0
        while at < y.shape[1]:
            series = Series(y[i], last[i], mean[i], stat[i], count[i], cases_from)
            if plan.theta is not None:
                at = glr_kernel.known(series, at, search, float(plan.theta))
            else:
                at = glr_kernel.windowed(series, at, search)
            if plan.model.refit and at < y.shape[1]:
                again = run._replace(began=run.began + at)
                row = panel._replace(y=panel.y[i : i + 1], exposure=panel.exposure[i : i + 1])
                mean[i, at:] = _in_control(row, again, plan, alpha[i : i + 1])[0][0]
    return mean, stat, count


def _in_control(panel: Panel, run: runs.Run, plan: _Plan, alpha: Floats | None) -> tuple[Floats, Floats]:
    """Means (N, last - began) and alpha (N,)."""
    model, bounded = plan.model, not plan.search.compat
    means, found = runs.in_control(
        panel, run, harmonics=model.harmonics, trend=model.trend, alpha=alpha, bounded=bounded
    )
    if model.level is not None:
        means = np.full_like(means, model.level)
    return means, found
