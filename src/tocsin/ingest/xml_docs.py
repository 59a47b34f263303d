"""XML as a tree of elements, without document types or entities, as far as it is well-formed. Pure."""

from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat  # documents with a DTD or an entity are refused before they are read

from tocsin.ingest.contract import MAX_DOCUMENT, RAW, Blocks, Broken, whole

MAX_XML = MAX_DOCUMENT >> 2  # bytes; a tree of elements takes more than one of JSON
DEPTH = 100  # levels of nesting; no feed needs more


class Element(NamedTuple):
    """An element: its name without prefix, its attributes, the elements and the pieces of text in it, and its line."""

    name: str
    attributes: dict[str, str]
    children: list["Element"]
    texts: list[str]
    line: int

    @property
    def text(self) -> str:
        """Its own text, without that of the elements in it."""
        return "".join(self.texts).strip()

    def walk(self) -> Iterator["Element"]:
        """The element and all in it, in the order of the document."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += reversed(one.children)


class _Refused(Exception):
    pass


def tree(blocks: Blocks) -> tuple[Element | None, bytes, Broken | None]:
    """(the root with every element in it that was closed, the bytes, why it ends early)."""
    data = whole(blocks, MAX_XML)
    if isinstance(data, Broken):
        return None, b"", data
    parser = expat.ParserCreate()
    path: list[Element] = []
    root: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        one = Element(name.rpartition(":")[2], attributes, [], [], parser.CurrentLineNumber)
        if not path:
            root.append(one)
        path.append(one)
        if len(path) > DEPTH:
            raise _Refused(f"it is nested deeper than {DEPTH} levels")

    def end(_: str) -> None:
        one = path.pop()
        if path:
            path[-1].children.append(one)

    def words(said: str) -> None:
        if path and not said.isspace():  # what stands between elements is mostly how they are set out
            path[-1].texts.append(said)

    def refuse(*_: object) -> None:
        raise _Refused("it has a document type or entities of its own, which no data need")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, words
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except _Refused as e:
        return None, data, Broken(0, "bad-xml", f"the document is refused: {e}", data[:RAW])
    except (expat.ExpatError, ValueError, LookupError) as e:
        why = f"the XML breaks off ({e}); what came before was taken. Have it sent again"
        return (root[0] if root else None), data, Broken(parser.CurrentLineNumber, "bad-xml", why, data[:RAW])
    return root[0], data, None
