"""The lines of a plain text table and the fields in them. Pure."""

import csv
import re

from tocsin.errors import InputError

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
