"""Temporal detection: a panel of series in, alarms out; one method a file, one line each below. Pure.

from tocsin import detect
alarms = detect.detector("ears_c2", alpha=0.01).run(detect.panel(counts, first="2024-01-01"), start=30)
"""

from functools import lru_cache
from importlib import metadata

from tocsin.detect import cidars, ears, farrington, farrington_flexible
from tocsin.detect.contract import Detector, panel, steps_per_year
from tocsin.errors import MethodError
from tocsin.types import Kind

__all__ = ["DETECTORS", "GROUP", "Detector", "detector", "detectors", "panel", "steps_per_year"]

GROUP = "tocsin.detectors"  # entry points of other packages: each loads a Detector
BOTH: tuple[Kind, ...] = ("count", "measure")

_EARS = "Hutwagner et al. (2003), J Urban Health 80(2 Suppl 1): i89"
_FARRINGTON = "Farrington et al. (1996), J R Stat Soc A 159: 547"
_NOUFAILY = "Noufaily et al. (2013), Statistics in Medicine 32: 1206"
_CIDARS = "Yang et al. (2011), Western Pacific Surveillance and Response 2(1): 10"

DETECTORS = {
    d.name: d
    for d in (
        Detector("ears_c1", ears.c1, ears.needs_c1, _EARS, BOTH),
        Detector("ears_c2", ears.c2, ears.needs_c2, _EARS, BOTH),
        Detector("ears_c3", ears.c3, ears.needs_c3, _EARS, BOTH),
        Detector("farrington", farrington.farrington, farrington.needs_farrington, _FARRINGTON),
        Detector(
            "farrington_flexible",
            farrington_flexible.farrington_flexible,
            farrington_flexible.needs_farrington_flexible,
            _NOUFAILY,
        ),
        Detector("fixed_value", cidars.fixed_value, cidars.needs_fixed_value, _CIDARS, BOTH, rule=True, equality=">="),
        Detector(
            "moving_percentile",
            cidars.moving_percentile,
            cidars.needs_moving_percentile,
            _CIDARS,
            equality=">=",
            window=cidars.WEEK,
        ),
    )
}

# Names people bring from the literature, and what they mean here.
ALIASES: dict[str, tuple[str, dict[str, object]]] = {
    "mpm": ("moving_percentile", {}),
}


def detector(name: str, **parameters: object) -> Detector:
    """The named method with these parameters; MethodError names what is unknown and lists what is allowed.

    `ears` with method="C1", "C2" or "C3" is ears_c1, ears_c2, ears_c3.
    """
    known = name.lower().replace("-", "_")
    if known == "ears":
        known = f"ears_{str(parameters.pop('method', 'C1')).lower()}"
    known, implied = ALIASES.get(known, (known, {}))
    found = DETECTORS.get(known) or _others().get(known)
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
