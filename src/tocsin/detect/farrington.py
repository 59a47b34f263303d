"""Farrington's method as first published: this week against the same weeks of the years before. Pure.

Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159: 547-563. See docs/methods/farrington.md.
"""

from collections.abc import Sequence
from inspect import signature
from math import inf

from tocsin.detect import explanation
from tocsin.detect.contract import require
from tocsin.detect.explanation import Explanation
from tocsin.detect.judgement import Control, Judgement, checked, judge, needs
from tocsin.types import Alarms, Panel

needs_farrington = needs
FITS = ("", *(f"algo.farrington.fitGLM{kind}" for kind in ("", ".fast", ".populationOffset")))


def farrington(
    panel: Panel,
    start: int,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    alpha: float = 0.05,
    trend: bool = True,
    limit54: Sequence[int] = (5, 4),
    power_transform: str = "2/3",
    population_offset: bool = False,
    freq: int | None = None,
    fit_fun: str = "",
    compat: str = "",
) -> Alarms:
    """Alarms of steps `start … T-1`, every field (N, T - start); MethodError for a parameter that cannot be.

    Baseline: b years, the same step of the year ±w. reweight: standardised residuals over 1 count less. alpha:
    two-sided, so the bound is the 1 - alpha/2 quantile. A trend is kept if it has three years, p < 0.05, and does not
    lead over the largest baseline count. limit54 = (cases, steps): no alarm below so many cases in the last steps.
    power_transform: "2/3", "1/2" or "none". population_offset: rates by the panel's exposure. freq: a year is so many
    steps, dates are not looked at. fit_fun: R's name for a fit; its two are one here, its third is population_offset.
    compat="surveillance": to the digit what R's package gives.
    """
    control = _control(b, w, reweight, alpha, trend, limit54, power_transform, population_offset, freq, fit_fun, compat)
    return judge(panel, start, control).alarms


def explained(panel: Panel, start: int, **parameters: object) -> Judgement:
    """As `farrington`, with everything the alarms rest on."""
    return judge(panel, start, _of(**parameters))


def explain(panel: Panel, series: int, step: int, **parameters: object) -> Explanation:
    """What stands behind the alarm, or its absence, at position `step` of series `series`."""
    return explanation.explain(panel, series, step, _of(**parameters))


def _of(**parameters: object) -> Control:
    bound = signature(farrington).bind_partial(**parameters)
    bound.apply_defaults()
    return _control(**{k: v for k, v in bound.arguments.items() if k not in ("panel", "start")})


def _control(
    b: int,
    w: int,
    reweight: bool,
    alpha: float,
    trend: bool,
    limit54: Sequence[int],
    power_transform: str,
    population_offset: bool,
    freq: int | None,
    fit_fun: str,
    compat: str,
) -> Control:
    r = compat == "surveillance"
    require(fit_fun in FITS, f"fit_fun is {fit_fun!r}; it is left out or one of {', '.join(FITS[1:])}")
    return checked(
        compat,
        power_transform,
        Control(
            b=b,
            w=w,
            no_periods=1,
            threshold=1.0 if reweight else inf,
            past=w,
            trend=trend,
            p_threshold_trend=0.05,
            method="delta",
            limit54=(int(limit54[0]), int(limit54[1])),
            tail=alpha / 2,
            offset=population_offset or fit_fun == FITS[-1],
            freq=freq,
            as_r=r,
            even=True,
            trend_dispersion="pearson" if r else "phi",
            bound_without_alarm=0.0,
        ),
    )
