"""Tables with a header line turned into the plain layouts of `files`, whatever the order of their columns. Pure."""

import csv
import io

from tocsin.errors import InputError

_NAMES = {  # meaning: the header names taken for it
    "place": ("location_id", "location", "id", "area", "code", "loc", "loc_id", "name"),
    "date": ("date", "time", "day", "year", "month", "reference_date", "onset_date"),
    "number": ("n", "count", "cases", "controls", "number", "population", "people", "pop", "expected", "value"),
    "latitude": ("lat", "latitude"),
    "longitude": ("lon", "lng", "long", "longitude"),
    "x": ("x",),
    "y": ("y",),
}


def plain(text: str, layout: str, file: str) -> str:
    """The same rows as plain text; text without a header passes as it is.

    layout: "counts" (place, number, date, covariates), "people" (place, date, number, covariates) or "points" (place,
    latitude, longitude or x, y). InputError names the columns that are missing.
    """
    first = text.lstrip("\ufeff").partition("\n")[0]
    header = [name.strip().strip('"').lower() for name in first.split("," if "," in first else None)]
    found = {meaning: header.index(n) for meaning, names in _NAMES.items() for n in names if n in header}
    if "place" not in found and not ({"number", "date"} <= found.keys()):
        return text
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter="," if "," in first else " ")
    used = _columns(found, layout, file, len(header))
    plain_rows: list[str] = []
    for row in rows:
        plain_rows += [""] * (rows.line_num - 1 - len(plain_rows))  # lines keep their numbers
        if rows.line_num > 1 and any(field.strip() for field in row):
            if len(row) <= max(used):
                raise InputError(f"{file} line {rows.line_num}: {len(row)} columns, the header has {len(header)}")
            plain_rows.append(",".join(row[i].strip() for i in used))
    return "\n".join(plain_rows)


def dated(text: str) -> str:
    """How finely a plain table of counts gives times: none, year, month, day or generic (by its first row)."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    fields = first.split(",") if "," in first else first.split()
    if not fields:
        return "day"
    if len(fields) < 3:
        return "none"
    when = fields[2].strip()
    parts = when.replace("/", "-").replace(".", "-").split("-")
    if len(parts) == 1:
        return "year" if len(when) == 4 and when.isdigit() and 1000 <= int(when) <= 2999 else "generic"
    return {2: "month", 3: "day"}.get(len(parts), "day")


def _columns(found: dict[str, int], layout: str, file: str, width: int) -> list[int]:
    wanted = {
        "counts": ("place", "number", "date"),
        "people": ("place", "date", "number"),
        "points": ("place", "latitude", "longitude") if "latitude" in found else ("place", "x", "y"),
    }[layout]
    needed = [w for w in wanted if not (layout == "counts" and w == "date")]
    if missing := [w for w in needed if w not in found]:
        names = "; ".join(f"{m}: {', '.join(_NAMES[m])}" for m in missing)
        raise InputError(f"{file}: no column for {' or '.join(missing)} in the header; names understood are {names}")
    used = [found[w] for w in wanted if w in found]
    if layout == "points":
        return used
    return used + [i for i in range(width) if i not in found.values()]
