"""The lines of a plain text table, and the dates and places in them. Pure."""

import csv
import functools
import re
from datetime import date

import numpy as np

from tocsin.errors import InputError
from tocsin.scan.periods import day_number
from tocsin.types import Floats

Precision = str  # "none", "year", "month", "day", "generic": how finely times are given
_DATE = re.compile(r"(\d{1,4})(?:[/.-](\d{1,2})(?:[/.-](\d{1,2}))?)?|(\d{4})(\d{2})(\d{2})")
_FIELD = re.compile(r'"([^"]*)"|[^\s"]+')


def lines(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The lines that hold something, as (line number, fields).

    Blanks, tabs or commas separate; quotation marks hold a field with any of these in it together. `#` and a blank
    begin a remark. InputError where quotation marks are not closed.
    """
    found = []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        bare = line.strip().lstrip("\ufeff")
        if not bare or bare == "#" or bare.startswith(("# ", "#\t")):
            continue
        if '"' in bare:
            fields = _quoted(bare, name, number)
        else:
            fields = [f.strip() for f in bare.split(",")] if "," in bare else bare.split()
        found.append((number, fields))
    return found


def _quoted(bare: str, name: str, number: int) -> list[str]:
    if bare.count('"') % 2:
        raise InputError(f"{name} line {number}: a quotation mark is not closed; close it, or take it out")
    if "," in re.sub(r'"[^"]*"', "", bare):
        return [f.strip() for f in next(csv.reader([bare], skipinitialspace=True))]
    return [m[1] if m[1] is not None else m[0] for m in _FIELD.finditer(bare)]


@functools.lru_cache(4096)  # a file holds few dates, each of them often
def day_of(text: str, precision: Precision, middle: bool = False) -> int:
    """A date as a day number: "2001", "2001/11", "2001/11/24", "20011124", or any whole number for generic times.

    Cut to the precision; what is missing is the first day, or, with `middle`, 1 July of a year, the 15th of a month.
    """
    if precision == "generic":
        return int(text)
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day = (found[1], found[2], found[3]) if found[1] else (found[4], found[5], found[6])
    if precision == "year" and not middle:
        month = day = None
    if precision == "month" and not middle:
        day = None
    if month is None:
        return day_number(date(int(year), 7, 1) if middle else date(int(year), 1, 1))
    return day_number(date(int(year), int(month), int(day) if day else (15 if middle else 1)))


def points(text: str, name: str, earth: bool, named: bool = True) -> tuple[list[str], Floats]:
    """Places and their coordinates (L, d), each place once. InputError names the line that is wrong."""
    found: dict[str, list[float]] = {}
    width = 0
    for line, fields in lines(text, name):
        said = f"{name} line {line}: found {' '.join(fields)!r}"
        try:
            place, values = fields[0] if named else str(line), [float(v) for v in fields[1 if named else 0 :]]
        except ValueError as e:
            raise InputError(f"{said}, expected a location and its coordinates") from e
        width = width or len(values)
        if len(values) < 2 or len(values) != width or not np.isfinite(values).all():
            raise InputError(f"{said}, expected a location and its coordinates: {max(width, 2)} numbers")
        if earth and not (abs(values[0]) <= 90 and abs(values[1]) <= 180):
            raise InputError(f"{said}: a latitude beyond ±90 or a longitude beyond ±180; Cartesian (--cartesian)?")
        if found.setdefault(place, values) != values:
            raise InputError(f"{name} line {line}: location {place!r} stands twice; give each location one point")
    if not found:
        raise InputError(f"{name}: no places in it; give one line a place: location, latitude, longitude")
    return list(found), np.array(list(found.values()))
