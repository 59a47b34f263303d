"""What FHIR Observations say: each of a panel's components, and of a visit its temperature and complaint. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from tocsin.ingest.json_docs import pointed, text_of
from tocsin.ingest.temperature import is_temperature, warmest

COMPLAINTS = frozenset(("8661-1", "10154-3", "54094-8", "46239-0"))  # LOINC: complaint, as told or noted; triage note
MOST = 1000  # components of one Observation
Resource = dict[str, Any]


def parts(resource: Resource) -> Iterator[Resource]:
    """An Observation, if it has a value of its own or no components, and each component as an Observation.

    A component has the Observation's time, status and references, and its id with its own code after a #.
    """
    components = resource.get("component")
    some = [c for c in components[:MOST] if isinstance(c, dict)] if isinstance(components, list) else []
    if not some or any(name.startswith("value") for name in resource):
        yield resource
    shared = {k: v for k, v in resource.items() if k not in ("component", "code", "interpretation", "dataAbsentReason")
              and not k.startswith("value")}  # fmt: skip
    name = resource.get("id") or pointed(resource, "/identifier/0/value")
    seen: dict[str, int] = {}
    for component in some:
        code = text_of(pointed(component, "/code/coding/0/code")) or text_of(pointed(component, "/code/text"))
        seen[code] = seen.get(code, 0) + 1
        own = f"{name}#{code}" + (f"#{seen[code]}" if seen[code] > 1 else "") if name else None
        yield {**shared, **component, "id": own}


def is_of_a_visit(resource: Resource) -> bool:
    """Whether an Observation says why somebody came, or how warm the body was."""
    words = _words(resource)
    return bool(words & COMPLAINTS) or is_temperature(words)


def temperature(observations: Sequence[Resource]) -> str:
    """The highest body temperature, as "38.5 °C"; "" for none."""
    some = [o for o in observations if is_temperature(_words(o))]
    units = [text_of(pointed(o, "/valueQuantity/code")) or text_of(pointed(o, "/valueQuantity/unit")) for o in some]
    return warmest((str(pointed(o, "/valueQuantity/value")), unit) for o, unit in zip(some, units, strict=True))


def complaints(observations: Sequence[Resource]) -> Iterator[str]:
    """The words of those that say why somebody came."""
    for one in observations:
        if _words(one) & COMPLAINTS:
            concept = one.get("valueCodeableConcept")
            names = [text_of(one.get("valueString")), text_of(pointed(concept, "/text")),
                     text_of(pointed(concept, "/coding/0/display"))]  # fmt: skip
            yield from filter(None, [next(filter(None, names), "")])


def _words(resource: Resource) -> set[str]:
    """The codes of what was observed, and its names."""
    coding = pointed(resource, "/code/coding")
    some = [*(coding if isinstance(coding, list) else []), resource.get("code")]
    return {text_of(pointed(c, f"/{name}")) for c in some for name in ("code", "display", "text")}
