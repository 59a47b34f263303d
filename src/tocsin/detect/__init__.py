"""Temporal detection: a panel of series in, alarms out; one method a file, one line each below. Pure.

from tocsin import detect
alarms = detect.detector("ears_c2", alpha=0.01).run(detect.panel(counts, first="2024-01-01"), start=30)
"""

from functools import lru_cache
from importlib import metadata

from tocsin.detect import (
    baseline_nb,
    bayes,
    cdc,
    cidars,
    cusum,
    ears,
    essence,
    farrington,
    farrington_flexible,
    glr,
    outbreak_p,
    rammie,
    rki,
    serfling,
)
from tocsin.detect.contract import Detector, letters, panel, steps_per_year
from tocsin.errors import MethodError
from tocsin.types import Kind

__all__ = ["DETECTORS", "GROUP", "Detector", "detector", "detectors", "panel", "steps_per_year"]

GROUP = "tocsin.detectors"  # entry points of other packages: each loads a Detector
BOTH: tuple[Kind, ...] = ("count", "measure")

_EARS = "Hutwagner et al. (2003), J Urban Health 80(2 Suppl 1): i89"
_FARRINGTON = "Farrington et al. (1996), J R Stat Soc A 159: 547"
_NOUFAILY = "Noufaily et al. (2013), Statistics in Medicine 32: 1206"
_CIDARS = "Yang et al. (2011), Western Pacific Surveillance and Response 2(1): 10"
_BAYES = "Höhle (2007), Computational Statistics 22(4): 571"
_RKI = "Altmann (2003), The surveillance system of the Robert Koch Institute"
_CDC = "Stroup et al. (1989), Statistics in Medicine 8(3): 323"
_CUSUM = "Rossi et al. (1999), Statistics in Medicine 18(16): 2111"
_GLR = "Höhle and Paul (2008), Computational Statistics & Data Analysis 52(9): 4357"
_OUTBREAK_P = "Frisén and Andersson (2009), Statistics and Computing 19: 267"
_OURS = "after Serfling (1963), Farrington et al. (1996) and Noufaily et al. (2013)"
_ESSENCE = "Burkom et al. (2007), Statistics in Medicine 26(22): 4202"
_RAMMIE = "after Morbey et al. (2015), Bioinformatics 31(22): 3660"
_SERFLING = "Serfling (1963), Public Health Reports 78(6): 494"
_R = "surveillance"

DETECTORS = {
    d.name: d
    for d in (
        Detector("baseline_nb", baseline_nb.baseline_nb, baseline_nb.needs_baseline_nb, _OURS, BOTH, default=True),
        Detector("bayes", bayes.bayes, bayes.needs_bayes, _BAYES, equals=_R),
        Detector("cdc", cdc.cdc, cdc.needs_cdc, _CDC, window=cdc.WEEKS * cidars.WEEK, equals=_R),
        Detector("cusum", cusum.cusum, cusum.needs_cusum, _CUSUM, equality=">="),
        Detector("ears_c1", ears.c1, ears.needs_c1, _EARS, BOTH, equals=_R),
        Detector("ears_c2", ears.c2, ears.needs_c2, _EARS, BOTH, equals=_R),
        Detector("ears_c3", ears.c3, ears.needs_c3, _EARS, BOTH, equals=_R),
        Detector("ewma", essence.ewma, essence.needs, _ESSENCE, BOTH),
        Detector("farrington", farrington.farrington, farrington.needs_farrington, _FARRINGTON),
        Detector(
            "farrington_flexible",
            farrington_flexible.farrington_flexible,
            farrington_flexible.needs_farrington_flexible,
            _NOUFAILY,
            says_no=farrington_flexible.says_no,
        ),
        Detector("fixed_value", cidars.fixed_value, cidars.needs_fixed_value, _CIDARS, BOTH, rule=True, equality=">="),
        Detector("glr_nb", glr.glr_nb, glr.needs_glr, _GLR, equality=">="),
        Detector("glr_poisson", glr.glr_poisson, glr.needs_glr, _GLR, equality=">="),
        Detector(
            "moving_percentile",
            cidars.moving_percentile,
            cidars.needs_moving_percentile,
            _CIDARS,
            equality=">=",
            window=cidars.WEEK,
        ),
        Detector("outbreak_p", outbreak_p.outbreak_p, outbreak_p.needs_outbreak_p, _OUTBREAK_P),
        Detector("rammie", rammie.rammie, rammie.needs_rammie, _RAMMIE, pools=True),
        Detector("regression", essence.regression, essence.needs, _ESSENCE, BOTH),
        Detector("regression_ewma_switch", essence.regression_ewma_switch, essence.needs, _ESSENCE, BOTH),
        Detector("rki", rki.rki, rki.needs_rki, _RKI, equals=_R),
        Detector("serfling", serfling.serfling, serfling.needs_serfling, _SERFLING, BOTH),
    )
}

# Names people bring from the literature, and what they mean here.
ALIASES: dict[str, tuple[str, dict[str, object]]] = {
    "bayes1": ("bayes", {"b": 0, "w": 6, "act_y": True}),
    "bayes2": ("bayes", {"b": 1, "w": 6, "act_y": True}),
    "bayes3": ("bayes", {"b": 2, "w": 4, "act_y": False}),
    "bayes4": ("bayes", {"b": 2, "w": 4, "act_y": False, "alpha": 0.01}),
    "glrpois": ("glrpoisson", {}),
    "mpm": ("movingpercentile", {}),
    "rki1": ("rki", {"b": 0, "w": 6, "act_y": True}),
    "rki2": ("rki", {"b": 1, "w": 6, "act_y": True}),
    "rki3": ("rki", {"b": 2, "w": 4, "act_y": False}),
}


def detector(name: str, **parameters: object) -> Detector:
    """The named method with these parameters; MethodError names what is unknown and lists what is allowed.

    Names are compared by their letters and digits alone, as parameters are: `outbreakP` is outbreak_p. `ears` with
    method="C1", "C2" or "C3" is ears_c1, ears_c2, ears_c3.
    """
    wanted = letters(name)
    if wanted in {"ears", "earsc"}:
        wanted = f"ears{letters(str(parameters.pop('method', 'C1')))}"
    wanted, implied = ALIASES.get(wanted, (wanted, {}))
    found = next((d for n, d in detectors().items() if letters(n) == wanted), None)
    if found is None:
        raise MethodError(f"there is no detector {name!r}; there are: {', '.join(detectors())}")
    return found.configured(**{**implied, **parameters})


def detectors() -> dict[str, Detector]:
    """All that are installed, by name: the built-in ones, then those of other packages."""
    return {**DETECTORS, **{k: v for k, v in _others().items() if k not in DETECTORS}}


@lru_cache(maxsize=1)
def _others() -> dict[str, Detector]:
    found = {}
    for entry in metadata.entry_points(group=GROUP):
        loaded = entry.load()
        if not isinstance(loaded, Detector):
            raise MethodError(f"entry point {entry.name!r} of {GROUP} is no Detector; remove or repair its package")
        found[loaded.name] = loaded
    return found
