"""Improved Farrington: this week against a trend and a season fitted to the years before. Pure.

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), Stat Med 32: 1206-1222, which improves on
Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159: 547-563. See docs/methods/farrington.md.
"""

from collections.abc import Sequence
from math import ceil, inf

from tocsin.calendar import DAY
from tocsin.detect import bounds
from tocsin.detect.judgement import Control, Judgement, judge
from tocsin.errors import MethodError
from tocsin.types import Alarms, Panel

METHODS = {"delta": "delta", "nbplugin": "nb_plugin", "muan": "muan"}


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
    return explained(
        panel, start, b, w, no_periods, reweight, weights_threshold, past_weeks_not_included, trend, p_threshold_trend,
        threshold_method, power_transform, limit54, alpha, population_offset, freq, compat,
    ).alarms  # fmt: skip


def explained(
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
) -> Judgement:
    """As `farrington_flexible`, with everything the alarms rest on."""
    r = compat == "surveillance"
    method = METHODS.get((threshold_method or ("delta" if r else "nb_plugin")).replace("_", "").lower(), "")
    past = past_weeks_not_included if past_weeks_not_included is not None else (w if r else 26)
    dispersion = ("working" if reweight else "pearson") if r else "phi"
    control = Control(
        b=b,
        w=w,
        no_periods=no_periods if no_periods is not None else (1 if r else 10),
        threshold=weights_threshold if reweight else inf,
        past=past,
        trend=trend,
        p_threshold_trend=p_threshold_trend if p_threshold_trend is not None else (0.05 if r else 1.0),
        method=method,
        power=bounds.POWERS.get(power_transform, 0.0),
        limit54=(int(limit54[0]), int(limit54[1])),
        tail=alpha if alpha is not None else (0.05 if r else 0.005),
        offset=population_offset,
        freq=freq,
        as_r=r,
        dispersion=dispersion,
        trend_dispersion=dispersion,
        iterations=25 if r else 50,
    )
    return judge(panel, start, control)


def needs_farrington_flexible(step: int, b: int = 5, w: int = 3) -> int:
    """b years and half a window, and a week for the weekday."""
    return ceil((b * 366 + 4) * DAY / step) + w
