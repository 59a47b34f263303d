"""Both Farrington methods against the numbers of R surveillance, run by run and cell by cell."""

import csv
import json
from functools import lru_cache

import numpy as np
import pytest

from shared import SHARED, shared
from tocsin.detect import DETECTORS, farrington, farrington_flexible, glm
from tocsin.detect.windows import windows
from tocsin.types import Panel

ROOT = "goldens/surveillance"
NAMES = {
    "b": "b", "w": "w", "alpha": "alpha", "reweight": "reweight", "trend": "trend", "limit54": "limit54",
    "noPeriods": "no_periods", "weightsThreshold": "weights_threshold", "thresholdMethod": "threshold_method",
    "pastWeeksNotIncluded": "past_weeks_not_included", "pThresholdTrend": "p_threshold_trend",
    "powertrans": "power_transform", "populationOffset": "population_offset",
}  # fmt: skip
MINUTES = {52: 7 * 1440, 12: 43830}


def _runs(detector):
    if not (SHARED / ROOT).exists():
        return []
    return [c for c in json.loads((SHARED / ROOT / "cases.json").read_text())["cases"] if c["detector"] == detector]


@lru_cache(maxsize=4)
def _data(name):
    """Units, counts (N, T), populations (N, T), dates or None."""
    with shared(f"{ROOT}/data/{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    units = list(dict.fromkeys(r["unit"] for r in rows))
    parted = [[r for r in rows if r["unit"] == u] for u in units]

    def number(field):
        return np.array([[float(r.get(field) or "nan") for r in part] for part in parted])

    dates = [r["date"] for r in parted[0]]
    return units, number("observed"), number("population"), np.array(dates, "datetime64[m]") if dates[0] else None


def _panel(name, last, only=None):
    """The panel of a data set up to row `last`, and `freq` if it has no dates."""
    units, y, population, dates = _data(name)
    every = json.loads(shared(f"{ROOT}/README.json").read_text())["public"][name]["freq"]
    time = dates if dates is not None else (np.arange(y.shape[1]) * MINUTES[every]).astype("datetime64[m]")
    rows = [units.index(u) for u in only or units]
    panel = Panel(
        y[rows, :last], population[rows, :last], time[:last], MINUTES[every], "count", np.zeros(last, np.bool_)
    )
    return panel, None if dates is not None else every


def _told(run):
    """R's columns (N, H) and the units they are of."""
    with shared(f"{ROOT}/out/{run['id']}.csv").open() as file:
        rows = list(csv.DictReader(file))
    units = list(dict.fromkeys(r["unit"] for r in rows))
    return units, {
        c: np.array([float(r[c] or "nan") for r in rows]).reshape(len(units), -1)
        for c in rows[0]
        if c not in ("unit", "date")
    }


def _judged(run, method):
    units, told = _told(run)
    first, last = run["range"]
    panel, freq = _panel(run["dataset"], last, units)
    settings = {NAMES[k]: v for k, v in run["control"].items() if k in NAMES}
    return method.explained(panel, first - 1, freq=freq, compat="surveillance", **settings), told, units


def _same(ours, theirs, what, absolute=1e-12):
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=what)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=absolute, err_msg=what)


@pytest.mark.parametrize("run", _runs("farringtonFlexible"), ids=lambda r: r["id"])
def test_flexible_is_what_r_says(run):
    judged, told, _ = _judged(run, farrington_flexible)
    alarms = judged.alarms
    _same(alarms.expected, told["expected"], "expected", absolute=0)
    _same(alarms.upper, told["upperbound"], "upper", absolute=0)
    _same(alarms.score, told["score"], "score")
    _same(alarms.p, told["pvalue"], "p", absolute=0)
    _same(np.where(judged.fits.state == glm.FITTED, judged.fits.phi, np.nan), told["phi"], "phi", absolute=0)
    whole = np.isin(run["control"].get("thresholdMethod"), ("nbPlugin", "muan"))
    if whole:
        np.testing.assert_array_equal(alarms.upper, told["upperbound"])
    alarming = DETECTORS["farrington_flexible"].alarming(alarms)
    np.testing.assert_array_equal(alarming, np.nan_to_num(told["alarm"]) == 1)


@pytest.mark.parametrize("run", _runs("farrington"), ids=lambda r: r["id"])
def test_original_is_what_r_says(run):
    judged, told, units = _judged(run, farrington)
    alarms = judged.alarms
    _same(alarms.upper, told["upperbound"], "upper", absolute=0)
    _same(1 - alarms.p, told["pd_quantile"], "quantile")
    _same(judged.mean, told["pd_median"], "mean", absolute=0)
    moving = [u != "constant" for u in units]  # a constant series' trend is rounding
    np.testing.assert_array_equal((judged.trend == 0)[moving], (told["trend"] == 1)[moving])
    np.testing.assert_array_equal(DETECTORS["farrington"].alarming(alarms), told["alarm"] == 1)


def _internals():
    file = SHARED / ROOT / "ff_internals.json"
    return json.loads(file.read_text()) if file.exists() else []


@pytest.mark.parametrize("step", _internals(), ids=lambda s: f"{s['dataset']}-{s['t']}")
def test_single_fits_step_by_step(step):
    control = step["control"] or {}
    w = control.get("w", 3)
    panel, freq = _panel(step["dataset"], step["t"], [step["unit"]] if step["unit"] else None)
    found = windows(
        panel.time, step["t"] - 1, step=panel.step, b=control.get("b", 5), w=w, no_periods=control.get("noPeriods", 1),
        past=control.get("pastWeeksNotIncluded", w), freq=freq, even=False,
    )  # fmt: skip
    assert (found.row[0] + 1).tolist() == step["rows_used"]
    assert (found.level[0] + 1).tolist() == step["seasgroups"]
    spacing = np.array(step["wtime"]) - step["wtime_now"]
    np.testing.assert_allclose(found.time[0], spacing, rtol=1e-12)
    share = panel.exposure if control.get("populationOffset") else None
    settings = {"trend": step["trend_kept"], "threshold": control.get("weightsThreshold", 2.58)}
    fits = glm.fit(panel.y, share, found, **settings)
    final = step["final"]
    np.testing.assert_allclose(glm.weights(panel.y, share, found, **settings), final["omega"], rtol=1e-9)
    np.testing.assert_allclose(fits.phi[0, 0], final["phi"], rtol=1e-9)
    shape = fits.level_var + fits.centre**2 * fits.trend_var
    mean = np.exp(fits.intercept) * (1 if share is None else share[:, -1:])
    said = step["prediction"]
    response = said["type"] == "response"
    np.testing.assert_allclose(mean if response else np.log(mean), said["fit"], rtol=1e-9)
    for dispersion, key in ((fits.working, "se_fit_R"), (fits.pearson, "se_fit_without_weights_overwrite")):
        np.testing.assert_allclose((mean if response else 1) * np.sqrt(shape * dispersion), said[key], rtol=1e-9)


def test_the_corrected_default_keeps_fewer_trends_than_r():
    panel, _ = _panel("campyDE", 522)
    settings = {"b": 4, "w": 5, "no_periods": 1, "past_weeks_not_included": 5, "threshold_method": "delta",
                "p_threshold_trend": 0.05, "alpha": 0.025}  # fmt: skip
    ours = farrington_flexible.explained(panel, 261, **settings)
    theirs = farrington_flexible.explained(panel, 261, compat="surveillance", **settings)
    assert (ours.trend == 0).mean() < 0.6 < 0.9 < (theirs.trend == 0).mean()


def test_both_are_registered():
    assert {"farrington", "farrington_flexible"} <= set(DETECTORS)
