"""The area a record speaks of: the first way of the mapping that the area tree knows, else the root. Pure."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from tocsin.areas import AreaTree
from tocsin.config import AreaField
from tocsin.errors import ConfigError
from tocsin.ingest.values import code, half_width, number, text
from tocsin.outlines import to_wgs84
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
    for way in ways:
        if way.longitude and not way.km and tree.outlines is None:
            raise ConfigError("mapping.area: a point needs outlines (areas.geojson), or km to the nearest centre")
    columns = columns_of(area)
    find = lru_cache(maxsize=1 << 16)(lambda cells: _find(ways, dict(zip(columns, cells, strict=True)), tree))
    if len(columns) == 1:
        only = columns[0]
        return lambda cells: find((text(cells.get(only)),))
    return lambda cells: find(tuple([text(cells.get(c)) for c in columns]))


def columns_of(area: str | AreaField | list[AreaField]) -> tuple[str, ...]:
    """Every column the ways read, each once."""
    return tuple(dict.fromkeys(c for way in _ways(area) for c in _columns(way)))


def _columns(way: AreaField) -> list[str]:
    return [way.column] if way.column else [way.longitude, way.latitude] if way.longitude else way.names


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
    field = ", ".join(_columns(first)) or "area"
    value = first.value or ", ".join(cells[c] for c in _columns(first))
    where = "lies in no area that is drawn, nor near one" if first.longitude else "is not in the area file"
    said = f"{value[:40]!r} {where}" if value.strip(", ") else f"{field} is empty"
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
    if way.longitude:
        point = number(cells[way.longitude]), number(cells[way.latitude])
        if point[0] is None or point[1] is None:
            return None, False
        there = tree.at_point(*to_wgs84(point[0], point[1], way.datum), way.km)
        return there, there is not None
    said = way.value or cells[way.column]
    said = way.map.get(said, said)
    plain = code(said)
    plain = plain[: way.prefix] if way.prefix else plain
    known = plain in tree
    return tree[plain] if known else None, known
