"""FHIR in XML as the same resources in JSON have it, as far as the reader of FHIR looks into them. Pure.

FHIR R4, 2.6.1: an element's value is its attribute `value`, and what may repeat is a list in JSON in any case.
"""

from collections.abc import Iterator
from typing import Any

from tocsin.ingest.contract import RAW, Blocks, Broken
from tocsin.ingest.json_docs import Document
from tocsin.ingest.xml_docs import Element, tree

NAMESPACE = "http://hl7.org/fhir"
_LISTS = frozenset(("entry", "coding", "extension", "line", "given", "interpretation", "parameter", "part", "issue"))
_LISTS_OF_RESOURCES = frozenset((  # a reference has one identifier, a resource a list of them
    "identifier", "reasonCode", "reasonReference", "reason", "diagnosis", "component", "category", "contained",
    "telecom", "participant", "result", "note", "performer", "link", "statusHistory", "classHistory", "hasMember",
))  # fmt: skip
_TYPES_REPEAT = ("Encounter", "Location", "Organization")
_ONCE = (("Location", "address"), ("Location", "name"), ("Organization", "name"))


def documents(blocks: Blocks) -> Iterator[Document | Broken]:
    """The one document of an XML file, and a finding where it breaks off."""
    root, data, torn = tree(blocks)
    if root is not None and root.attributes.get("xmlns", NAMESPACE) != NAMESPACE:
        yield Broken(root.line, "bad-fhir", f"<{root.name[:40]}> is no FHIR resource; its namespace is "
                     f"{root.attributes['xmlns'][:80]!r}, not {NAMESPACE!r}", data[:RAW], "xmlns")  # fmt: skip
        return
    if root is not None:
        yield Document(0, _resource(root), data)
    if torn is not None:
        yield torn


def _resource(element: Element) -> dict[str, Any]:
    return {"resourceType": element.name, **_members(element)}


def _members(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {k: v for k, v in element.attributes.items() if k == "url"}
    for child in element.children:
        if child.name == "div":  # a narrative is for reading
            continue
        value = _value(child)
        held = found.get(child.name)
        if isinstance(held, list):
            held.append(value)
        elif held is not None:
            found[child.name] = [held, value]
        else:
            found[child.name] = [value] if _repeats(element, child) else value
    return found


def _value(element: Element) -> Any:
    if element.name in ("resource", "contained", "outcome"):
        return _resource(element.children[0]) if element.children else None
    if "value" in element.attributes:
        said = element.attributes["value"]
        return said == "true" if element.name == "valueBoolean" and said in ("true", "false") else said
    return _members(element)


def _repeats(parent: Element, child: Element) -> bool:
    if child.name == "location":  # Encounter.location is a list of objects with a location each
        return parent.name == "Encounter"
    if child.name in ("name", "address"):
        return parent.name in ("Patient", *_TYPES_REPEAT) and (parent.name, child.name) not in _ONCE
    if child.name == "type":
        return parent.name in _TYPES_REPEAT
    if child.name == "class":  # a Coding in R4, a list of concepts in R5
        return any(c.name == "coding" for c in child.children)
    return child.name in _LISTS or (child.name in _LISTS_OF_RESOURCES and parent.name[:1].isupper())
