"""The area a record speaks of: the first way of the mapping that the area tree knows, else the root. Pure."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from tocsin.areas import AreaTree
from tocsin.config import AreaField
from tocsin.ingest.values import code, half_width, text
from tocsin.types import Area


class Place(NamedTuple):
    """The area's code; where it was not found the first way, the field, the value and a sentence about it."""

    area: str
    field: str = ""
    value: str = ""
    why: str = ""


def finder(area: str | AreaField | list[AreaField], tree: AreaTree) -> Callable[[dict[str, Any]], Place]:
    """A function from a record's cells to its place. Nothing is ever dropped: the last resort is the tree's root."""
    ways = _ways(area)
    columns = columns_of(area)
    find = lru_cache(maxsize=1 << 16)(lambda cells: _find(ways, dict(zip(columns, cells, strict=True)), tree))
    if len(columns) == 1:
        only = columns[0]
        return lambda cells: find((text(cells.get(only)),))
    return lambda cells: find(tuple([text(cells.get(c)) for c in columns]))


def columns_of(area: str | AreaField | list[AreaField]) -> tuple[str, ...]:
    """Every column the ways read, each once."""
    named = [c for way in _ways(area) for c in ([way.column] if way.column else way.names)]
    return tuple(dict.fromkeys(named))


def _ways(area: str | AreaField | list[AreaField]) -> list[AreaField]:
    if isinstance(area, str):
        return [AreaField(column=area)]
    return [area] if isinstance(area, AreaField) else area


def _find(ways: list[AreaField], cells: dict[str, str], tree: AreaTree) -> Place:
    best: Area | None = None
    for i, way in enumerate(ways):
        found, full = _try(way, cells, tree)
        if found and full:
            if i == 0:
                return Place(found.code)
            best = found
            break
        if found and (best is None or len(tree.path(found.code)) > len(tree.path(best.code))):
            best = found  # names that match in part: good unless a later way is sure
    first = ways[0]
    field = first.column or ", ".join(first.names) or "area"
    value = first.value or ", ".join(cells[c] for c in ([first.column] if first.column else first.names))
    said = f"{value[:40]!r} is not in the area file" if value.strip(", ") else f"{field} is empty"
    if best is None:
        kept = f"no other way of the mapping finds a place, so the record counts in {tree.root.title.en} as a whole"
        return Place(tree.root.code, field, value, f"{said}; {kept}. Correct it, or add the area to the area file")
    name = best.title.zh if best.title.zh == best.title.en else f"{best.title.zh} ({best.title.en})"
    kept = f"the record counts in its {best.level} {name}, {best.code}"
    return Place(best.code, field, value, f"{said}; {kept}. Correct it, or add the area to the area file")


def _try(way: AreaField, cells: dict[str, str], tree: AreaTree) -> tuple[Area | None, bool]:
    """The area one way finds, and whether it is all that the way said (names may match in part)."""
    if way.names:
        names = [half_width(cells[c]) for c in way.names]
        names = [way.map.get(n, n) for n in names]
        found = tree.by_names(names)
        depth = len(tree.path(found.code)) - 1 if found else 0
        return found, depth >= sum(bool(n.strip()) for n in names)
    said = way.value or cells[way.column]
    said = way.map.get(said, said)
    plain = code(said)
    plain = plain[: way.prefix] if way.prefix else plain
    known = plain in tree
    return tree[plain] if known else None, known
