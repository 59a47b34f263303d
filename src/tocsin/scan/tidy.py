"""Tables with a header line turned into the plain layouts of `files`, whatever the order of their columns. Pure."""

import csv
import io

from tocsin.errors import InputError
from tocsin.scan.fields import day_of, lines

_NAMES = {  # meaning: the header names taken for it
    "place": ("location_id", "location", "id", "area", "code", "loc", "loc_id", "name"),
    "date": ("date", "time", "day", "year", "month", "reference_date", "onset_date"),
    "number": ("n", "count", "cases", "controls", "number", "population", "people", "pop", "expected", "value"),
    "latitude": ("lat", "latitude"),
    "longitude": ("lon", "lng", "long", "longitude"),
    "x": ("x",),
    "y": ("y",),
}
_WANTED = {"counts": ("place", "number", "date"), "people": ("place", "date", "number"),
           "expected": ("place", "date", "number"), "points": ("place", "latitude", "longitude")}  # fmt: skip
_OPTIONAL = {"counts", "people"}  # without dates: all of one time
_NUMBER = {"counts": 1, "people": 2, "expected": 2, "points": 1}  # the field of a plain row that must be a number


def plain(text: str, layout: str, file: str) -> str:
    """The same rows as plain text; text without a header passes as it is.

    layout: "counts" (place, number, date, covariates), "people" (place, date, number, covariates), "expected" (place,
    date, number) or "points" (place, latitude, longitude or x, y). Columns are parted by commas, semicolons, tabs or
    blanks. InputError names the columns that are missing.
    """
    text = text.lstrip("\ufeff")
    first = text.partition("\n")[0].partition("\r")[0]
    parted = next((mark for mark in ",;\t" if mark in first), " ")
    header, found = _header(first, parted)
    if "place" not in found and not ({"number", "date"} <= found.keys()):
        _refuse_header(text, layout, file)
        return text
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=parted, skipinitialspace=parted == " ")
    used = _columns(found, layout, file, len(header))
    undated = layout == "people" and "date" not in found
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    at = 0
    for row in rows:
        out.write("\n" * (rows.line_num - 1 - at))  # lines keep their numbers
        at = max(rows.line_num - 1, at)
        if rows.line_num > 1 and any(field.strip() for field in row):
            if len(row) <= max(used):
                raise InputError(f"{file} line {rows.line_num}: {len(row)} columns, the header has {len(header)}")
            fields = [row[i].strip() for i in used]
            writer.writerow([fields[0], "2000", *fields[1:]] if undated else fields)
            at += 1
    return out.getvalue()


def planar(text: str) -> bool:
    """Whether a table of places names its columns x and y, not latitude and longitude."""
    first = text.lstrip("\ufeff").partition("\n")[0].partition("\r")[0]
    found = _header(first, next((mark for mark in ",;\t" if mark in first), " "))[1]
    return {"x", "y"} <= found.keys() and "latitude" not in found


def dated(text: str) -> str:
    """How finely a plain table of counts gives times: none, year, month, day or generic (by its first row)."""
    fields = next((fields for _, fields in lines(text, "cases")), None)
    if fields is None:
        return "day"
    if len(fields) < 3:
        return "none"
    when = fields[2]
    parts = when.replace("/", "-").replace(".", "-").split("-")
    if len(parts) > 1:
        return {2: "month", 3: "day"}.get(len(parts), "day")
    if len(when) == 4 and when.isdigit() and 1000 <= int(when) <= 2999:
        return "year"
    return "day" if len(when) == 8 and _is_day(when) else "generic"


def _is_day(text: str) -> bool:
    try:
        day_of(text, "day")
    except ValueError:
        return False
    return 1000 <= int(text[:4]) <= 2999


def _header(first: str, parted: str) -> tuple[list[str], dict[str, int]]:
    """The names in a header line, and in which column each meaning is."""
    header = [name.strip().strip('"').lower() for name in first.split(None if parted == " " else parted)]
    return header, {meaning: header.index(n) for meaning, names in _NAMES.items() for n in names if n in header}


def _refuse_header(text: str, layout: str, file: str) -> None:
    """InputError if the first line is a header of which nothing is understood: a word where a number belongs."""
    for line, fields in lines(text, file):
        at = _NUMBER[layout]
        if line == 1 and len(fields) > at and not any(c.isdigit() for c in "".join(fields[1:])):
            said = f"{file} line 1: found {' '.join(fields)!r}"
            names = "; ".join(f"{m}: {', '.join(_NAMES[m])}" for m in _WANTED[layout])
            raise InputError(f"{said}; if this is a header, use names that are understood: {names}")
        return


def _columns(found: dict[str, int], layout: str, file: str, width: int) -> list[int]:
    wanted = _WANTED[layout]
    if layout == "points" and "latitude" not in found:
        wanted = ("place", "x", "y")
    needed = [w for w in wanted if not (layout in _OPTIONAL and w == "date")]
    if missing := [w for w in needed if w not in found]:
        names = "; ".join(f"{m}: {', '.join(_NAMES[m])}" for m in missing)
        raise InputError(f"{file}: no column for {' or '.join(missing)} in the header; names understood are {names}")
    used = [found[w] for w in wanted if w in found]
    if layout == "points":
        return used
    return used + [i for i in range(width) if i not in found.values()]
