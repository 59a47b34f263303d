"""The tree of areas: parents, levels, names, populations, and what lies under what. Pure."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tocsin.errors import ConfigError
from tocsin.outlines import Outlines, kilometres, parse_outlines
from tocsin.types import Area, Floats, Ints, Title

COLUMNS = ("code", "parent", "level", "name_zh", "name_en", "longitude", "latitude", "population")


@dataclass(frozen=True)
class AreaTree:
    """Areas, parents before children, with one root; `levels` are the storeys, coarsest first."""

    areas: tuple[Area, ...]
    levels: tuple[str, ...]
    index: dict[str, int] = field(repr=False)
    parent: Ints = field(repr=False)  # (A,) index of the parent, −1 for the root
    geojson: tuple[bytes, str, str] = field(default=(b"", "", ""), repr=False, compare=False)  # data, code's key, file

    def __getitem__(self, code: str) -> Area:
        return self.areas[self.index[code]]

    def __contains__(self, code: str) -> bool:
        return code in self.index

    @property
    def root(self) -> Area:
        """The city as a whole."""
        return self.areas[0]

    def at(self, level: str) -> tuple[Area, ...]:
        """The areas of one level, in the tree's order. ConfigError for a level the city has not."""
        if level not in self.levels:
            raise ConfigError(f"level {level!r}: allowed: {', '.join(self.levels)}")
        return tuple(a for a in self.areas if a.level == level)

    def rollup(self, level: str) -> Ints:
        """(A,): for each area, the position in `at(level)` of the ancestor (or itself) it adds to; −1 if it has none.

        An area coarser than the level has none there: what is known only of a district counts in no street of it.
        """
        position = {a.code: i for i, a in enumerate(self.at(level))}
        to = np.full(len(self.areas), -1, dtype=np.int64)
        for i, area in enumerate(self.areas):  # parents come first, so their answer is ready
            to[i] = position.get(area.code, -1 if self.parent[i] < 0 else to[self.parent[i]])
        return to

    def path(self, code: str) -> list[Area]:
        """The area and its ancestors, from the area up to the root."""
        i = self.index[code]
        found = [self.areas[i]]
        while self.parent[i] >= 0:
            i = int(self.parent[i])
            found.append(self.areas[i])
        return found

    def inside(self, codes: Iterable[str]) -> set[str]:
        """The areas of these codes, what lies in them, and what is made up of them alone."""
        found = {self.index[c] for c in codes if c in self.index}
        for i, up in enumerate(self.parent.tolist()):  # parents come first
            if up in found:
                found.add(i)
        parts: dict[int, list[int]] = {}
        for i in range(len(self.areas) - 1, -1, -1):
            if parts.get(i) and found.issuperset(parts[i]):
                found.add(i)
            parts.setdefault(int(self.parent[i]), []).append(i)
        return {self.areas[i].code for i in found}

    def around(self, codes: Iterable[str]) -> Area:
        """The smallest area that holds all of these."""
        paths = [[a.code for a in self.path(c)] for c in codes]
        return self[next(c for c in paths[0] if all(c in p for p in paths))]

    @cached_property
    def _alone(self) -> dict[str, str]:
        """Of each name that only one area below the root has, its code."""
        codes: dict[str, set[str]] = {}
        for (parent, name), code in self._named.items():
            if parent:
                codes.setdefault(name, set()).add(code)
        return {name: next(iter(some)) for name, some in codes.items() if len(some) == 1}

    def by_names(self, names: Sequence[str]) -> Area | None:
        """The deepest area whose zh or en names from under the root match; None if not even the first does.

        The first may be that of any area, if no other is called so.
        """
        at, found = self.root.code, None
        for name in (n.strip() for n in names if n.strip()):
            code = self._named.get((at, name)) or (None if found else self._alone.get(name))
            if code is None:
                break
            at, found = code, self[code]
        return found

    def drawn(self, data: bytes, key: str, file: str) -> "AreaTree":
        """The same tree with outlines, which are read when a point is first looked for."""
        return replace(self, geojson=(data, key, file))

    def at_point(self, longitude: float, latitude: float, km: float = 0.0) -> Area | None:
        """The deepest area under the root whose outline a point (WGS 84) lies in; else the nearest centre within `km`.

        Centres are those of the finest level that has any. None if there is neither; ConfigError for outlines that
        cannot be read.
        """
        if not (abs(longitude) <= 180 and abs(latitude) <= 90):
            return None
        around = self.outlines.around(longitude, latitude) if self.outlines else []
        around = [c for c in around if c in self.index and c != self.root.code]
        if around:
            return self[max(around, key=lambda c: len(self.path(c)))]
        centres, at = self._centres
        if km <= 0 or not centres:
            return None
        far = kilometres(longitude, latitude, at[:, 0], at[:, 1])
        nearest = int(far.argmin())
        return centres[nearest] if far[nearest] <= km else None

    @cached_property
    def outlines(self) -> Outlines | None:
        """The areas' outlines, None without a file of them."""
        return parse_outlines(*self.geojson) if self.geojson[0] else None

    @cached_property
    def _centres(self) -> tuple[list[Area], Floats]:
        some = [[a for a in self.at(level) if math.isfinite(a.longitude + a.latitude)] for level in self.levels]
        finest = next((areas for areas in reversed(some) if areas), [])
        return finest, np.array([(a.longitude, a.latitude) for a in finest]).reshape(-1, 2)

    @cached_property
    def _named(self) -> dict[tuple[str, str], str]:
        return {(a.parent, n): a.code for a in reversed(self.areas) for n in a.title if n}


def tree(areas: Iterable[Area], levels: Sequence[str]) -> AreaTree:
    """Put areas into one tree. Several areas without a parent get a root of the first level made above them.

    ConfigError for a code that stands twice, an unknown parent or level, a ring, or no area at all.
    """
    found: dict[str, Area] = {}
    for a in areas:
        if a.code in found:
            raise ConfigError(f"areas: code {a.code!r} stands twice; codes are unique")
        if a.level not in levels:
            raise ConfigError(f"areas: {a.code!r} has level {a.level!r}; city.levels allows: {', '.join(levels)}")
        found[a.code] = a
    if not found:
        raise ConfigError("areas: the file holds no area; give at least the city itself")
    found = _rooted(found, levels)
    ordered: list[Area] = []
    children: dict[str, list[Area]] = {}
    for a in found.values():
        if a.parent and a.parent not in found:
            raise ConfigError(f"areas: {a.code!r} names parent {a.parent!r}, which is not in the file")
        children.setdefault(a.parent, []).append(a)
    ahead = list(children.get("", []))
    while ahead:
        ordered.append(ahead.pop(0))
        ahead.extend(children.get(ordered[-1].code, []))
    if len(ordered) < len(found):
        lost = sorted(set(found) - {a.code for a in ordered})[0]
        raise ConfigError(f"areas: {lost!r} is its own ancestor; parents must lead up to the root")
    index = {a.code: i for i, a in enumerate(ordered)}
    parent = np.array([index.get(a.parent, -1) for a in ordered], dtype=np.int64)
    return AreaTree(tuple(ordered), tuple(levels), index, parent)


def _rooted(found: dict[str, Area], levels: Sequence[str]) -> dict[str, Area]:
    tops = [a for a in found.values() if not a.parent]
    if len(tops) <= 1:
        return found
    if any(a.level == levels[0] for a in tops):
        raise ConfigError(f"areas: {len(tops)} areas have no parent; only the {levels[0]} may stand alone")
    root = Area("*", "", levels[0], Title("全市", "Whole city"))
    return {"*": root, **{c: a if a.parent else replace(a, parent="*") for c, a in found.items()}}


def parse_areas(data: bytes, columns: dict[str, str], file: str) -> list[Area]:
    """Read a CSV of areas (UTF-8 with or without BOM, else GB18030); ConfigError names file and line.

    `columns` maps our names (`COLUMNS`) to the file's where they differ. A population or coordinate may be empty.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    name = {ours: columns.get(ours, ours) for ours in COLUMNS}
    missing = [name[c] for c in ("code", "parent", "level") if name[c] not in (rows.fieldnames or [])]
    if missing:
        raise ConfigError(
            f"{file}: no column {', '.join(missing)}; it has {', '.join(rows.fieldnames or ['nothing'])}. "
            "Rename it, or map it in city.toml: [areas] columns = { parent = 'your_header' }"
        )
    found = []
    for line, row in enumerate(rows, 2):
        cell = {ours: (row.get(theirs) or "").strip() for ours, theirs in name.items()}
        if not cell["code"]:
            raise ConfigError(f"{file}: line {line}: {name['code']} is empty; every area needs a code")
        numbers = [_number(cell[c], file, line, name[c]) for c in ("longitude", "latitude", "population")]
        zh, en = cell["name_zh"], cell["name_en"]
        title = Title(zh or en or cell["code"], en or zh or cell["code"])
        found.append(Area(cell["code"], cell["parent"], cell["level"], title, *numbers))
    return found


def _number(text: str, file: str, line: int, column: str) -> float:
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ConfigError(f"{file}: line {line}: {column} is {text!r}; write a number or leave it empty")
    return value
