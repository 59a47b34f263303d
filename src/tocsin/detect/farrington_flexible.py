"""Improved Farrington: this week against a trend and a season fitted to the years before. Pure.

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), Stat Med 32: 1206-1222, which improves on
Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159: 547-563. See docs/methods/farrington.md.
"""

from collections.abc import Sequence
from inspect import signature
from math import inf

import numpy as np

from tocsin.detect import explanation
from tocsin.detect.contract import require
from tocsin.detect.explanation import Explanation
from tocsin.detect.judgement import EMPTY, MISSING, Control, Judgement, checked, judge, needs
from tocsin.types import Alarms, Bools, Panel

METHODS = {"delta": "delta", "nbplugin": "nb_plugin", "muan": "muan"}

needs_farrington_flexible = needs


def farrington_flexible(
    panel: Panel,
    start: int,
    b: int = 5,
    w: int = 3,
    no_periods: int | None = None,
    reweight: bool = True,
    weights_threshold: float = 2.58,
    past_weeks_not_included: int | None = None,
    trend: bool = True,
    p_threshold_trend: float | None = None,
    threshold_method: str | None = None,
    power_transform: str = "2/3",
    limit54: Sequence[int] = (5, 4),
    alpha: float | None = None,
    population_offset: bool = False,
    freq: int | None = None,
    compat: str = "",
) -> Alarms:
    """Alarms of steps `start … T-1`, every field (N, T - start); MethodError for a parameter that cannot be.

    What is None is as the paper has it: no_periods 10, past_weeks_not_included 26 steps, p_threshold_trend 1 (the trend
    stays unless it runs away), threshold_method "nb_plugin", alpha 0.005.

    Baseline: b years, ±w steps, no_periods parts of the year. Past outbreaks: residuals over weights_threshold count
    less. threshold_method: delta (power_transform "2/3", "1/2", "none") | nb_plugin | muan. limit54 = (cases, steps):
    no alarm below so many cases in the last steps. population_offset: rates by the panel's exposure. freq: a year is so
    many steps, dates are not looked at. compat="surveillance": to the digit what R's package gives, with its slips and
    its defaults (no_periods 1, past_weeks_not_included w, p_threshold_trend 0.05, "delta", alpha 0.05).
    """
    control = _control(
        b, w, no_periods, reweight, weights_threshold, past_weeks_not_included, trend, p_threshold_trend,
        threshold_method, power_transform, limit54, alpha, population_offset, freq, compat,
    )  # fmt: skip
    return judge(panel, start, control).alarms


def explained(panel: Panel, start: int, **parameters: object) -> Judgement:
    """As `farrington_flexible`, with everything the alarms rest on."""
    return judge(panel, start, _of(**parameters))


def says_no(panel: Panel, start: int, **parameters: object) -> Bools:
    """Where (N, H) R's alarm is "no" whatever the score: nothing reported, few cases, or fewer rows than effects."""
    control = _of(**parameters)
    judged = judge(panel, start, control)
    no = judged.reason == MISSING
    if control.as_r:
        no |= (judged.few | (judged.reason == EMPTY)) & (judged.windows.n > 0)
    return np.asarray(no)


def explain(panel: Panel, series: int, step: int, **parameters: object) -> Explanation:
    """What stands behind the alarm, or its absence, at position `step` of series `series`."""
    return explanation.explain(panel, series, step, _of(**parameters))


def _of(**parameters: object) -> Control:
    bound = signature(farrington_flexible).bind_partial(**parameters)
    bound.apply_defaults()
    return _control(**{k: v for k, v in bound.arguments.items() if k not in ("panel", "start")})


def _control(
    b: int,
    w: int,
    no_periods: int | None,
    reweight: bool,
    weights_threshold: float,
    past_weeks_not_included: int | None,
    trend: bool,
    p_threshold_trend: float | None,
    threshold_method: str | None,
    power_transform: str,
    limit54: Sequence[int],
    alpha: float | None,
    population_offset: bool,
    freq: int | None,
    compat: str,
) -> Control:
    r = compat == "surveillance"
    named = threshold_method if threshold_method is not None else ("delta" if r else "nb_plugin")
    method = METHODS.get(named.replace("_", "").lower(), "")
    require(method != "", f"threshold_method is {named!r}; it is delta, nb_plugin or muan")
    past = past_weeks_not_included if past_weeks_not_included is not None else (w if r else 26)
    parts = no_periods if no_periods is not None else (1 if r else 10)
    require(parts >= 1, f"no_periods is {parts}; a year has at least one part")
    require(
        weights_threshold > 0, f"weights_threshold is {weights_threshold}; residuals over a positive one weigh less"
    )
    # R takes the weights it gave for those it worked with, and so scales its errors by far too small a dispersion.
    dispersion = ("working" if reweight else "pearson") if r else "phi"
    return checked(
        compat,
        power_transform,
        Control(
            b=b,
            w=w,
            no_periods=parts,
            threshold=weights_threshold if reweight else inf,
            past=past,
            trend=trend,
            p_threshold_trend=p_threshold_trend if p_threshold_trend is not None else (0.05 if r else 1.0),
            method=method,
            limit54=(int(limit54[0]), int(limit54[1])),
            tail=alpha if alpha is not None else (0.05 if r else 0.005),
            offset=population_offset,
            freq=freq,
            as_r=r,
            dispersion=dispersion,
            trend_dispersion=dispersion,
        ),
    )
