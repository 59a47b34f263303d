"""Body temperatures as they are observed, with their units, as text in °C that speaks of fever. Pure."""

import re
from collections.abc import Iterable

from tocsin.ingest.values import number

TEMPERATURES = frozenset(  # LOINC: of the body, at the first encounter, axillary, core, oral, rectal, ear, temporal
    ("8310-5", "11289-6", "8328-7", "8329-5", "8331-1", "8332-9", "8333-7", "75539-7")
)
_NAMED = re.compile(r"体温|body\s*temp", re.IGNORECASE)  # under a code of the sender's own
_FAHRENHEIT = re.compile(r"fahr|deg\s*f|°\s*f|℉|^\W*f\b", re.IGNORECASE)
_CELSIUS = re.compile(r"cel|deg\s*c|°\s*c|℃|摄氏|^\W*c\b", re.IGNORECASE)


def is_temperature(words: Iterable[str]) -> bool:
    """Whether the codes and names of an observation are those of a body temperature."""
    return any(w in TEMPERATURES or _NAMED.search(w) for w in words)


def warmest(readings: Iterable[tuple[str, str]]) -> str:
    """The highest of (number, unit) as "38.5 °C", "" for none; without a unit 90 and more is Fahrenheit."""
    found = [c for said, unit in readings if (c := _celsius(number(said), unit)) is not None]
    return f"{max(found):.1f} °C" if found else ""


def _celsius(reading: float | None, unit: str) -> float | None:
    """A reading in °C; None for what no body has."""
    if reading is None:
        return None
    fahrenheit = bool(_FAHRENHEIT.search(unit)) or (reading >= 90 and not _CELSIUS.search(unit))
    celsius = (reading - 32) / 1.8 if fahrenheit else reading
    return celsius if 25 <= celsius <= 45 else None
