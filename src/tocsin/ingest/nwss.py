"""Wastewater readings in the columns of CDC's NWSS: units of each row, readings below detection, laboratories. Pure."""

import itertools
import math
from collections.abc import Iterator

from tocsin.config import SourceTable
from tocsin.ingest import table_csv, table_jsonl
from tocsin.ingest.contract import RAW, Blocks, Broken, Header, Record, Usual
from tocsin.ingest.lines import head_text
from tocsin.ingest.values import number, text

PLANTS = ("wwtp_name", "sewershed_id", "wwtp_id", "epaid", "key_plot_id", "site_id", "site")  # what names it, in order
NEEDED = ("pcr_target", "pcr_target_units", "pcr_target_avg_conc", "sample_collect_date")
MADE = ("concentration", "matrix", "series", "below_lod")
OPTIONAL = ("wwtp_jurisdiction", "lab_id", "sample_id", "sample_location", "sample_matrix", "lod_sewage",
            "pcr_target_below_lod", "quality_flag")  # fmt: skip
USUAL = Usual(key=("identity",), reference="sample_collect_date")
_IDENTITY = ("wwtp_jurisdiction", "wwtp_name", "lab_id", "sample_id", "sample_location", "sample_matrix", "pcr_target",
             "sample_collect_date")  # fmt: skip
_ALSO = ("pcr_gene_target", "pcr_gene_target_agg", "record_id")  # of the identity, where they are filled

_UNITS = {  # as the data dictionary names them → (matrix, factor to copies per litre or per gram, logarithm)
    "copies/l wastewater": ("liquid", 1.0, False),
    "copies/l": ("liquid", 1.0, False),
    "log10 copies/l wastewater": ("liquid", 1.0, True),
    "log10 copies/l": ("liquid", 1.0, True),
    "copies/ml wastewater": ("liquid", 1000.0, False),
    "copies/ml": ("liquid", 1000.0, False),
    "copies/g dry sludge": ("solid", 1.0, False),
    "copies/g": ("solid", 1.0, False),
    "log10 copies/g dry sludge": ("solid", 1.0, True),
}
_YES = ("1", "yes", "y", "true", "t")
_NO_DETECT = ("0", "no", "n", "false", "f")  # of pcr_target_detect, which CDC's public table has instead
_NO = ("0", "no", "n", "false", "f", "", "na", "none", "null")


def read(source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """One record a row, with four columns more; two genes of one sample are two readings:

    `concentration`, copies per litre of wastewater or per gram of dry sludge, half the limit of detection where the
    reading is below it; `matrix`, liquid or solid; `series`, "target matrix"; `below_lod`, yes or no. Two laboratories
    of one plant are two records of one cell, which are averaged.
    """
    first = next(blocks, b"")
    blocks = itertools.chain([first], blocks)
    is_json = isinstance(first, bytes) and head_text(first).lstrip("\ufeff \t\r\n").startswith(("{", "["))
    for item in (table_jsonl if is_json else table_csv).read(source, blocks):
        if isinstance(item, Header):
            lower = tuple(c.lower() for c in item.columns)
            missing = [c for c in NEEDED if c not in lower]
            missing += [] if set(PLANTS) & set(lower) else [PLANTS[0]]
            if missing:
                message = f"has no column {', '.join(missing)}, so it is no NWSS file; it has {', '.join(lower)[:2000]}"
                yield Broken(item.line, "missing-column", message, field=", ".join(missing))
                return
            extra = (*MADE, "identity", *(c for c in (PLANTS[0], *OPTIONAL) if c not in lower))
            yield Header((*lower, *extra), item.line, frozenset(d.lower() for d in item.duplicates))
        elif isinstance(item, Record):
            yield _record(item)
        else:
            yield item


def _record(row: Record) -> Record | Broken:
    cells = dict.fromkeys((*NEEDED, *OPTIONAL), "") | {name.lower(): text(cell) for name, cell in row.cells.items()}
    cells["wwtp_name"] = next((cells[c] for c in PLANTS if cells.get(c)), "")
    raw = row.raw or b""
    said = " ".join(cells["pcr_target_units"].lower().split())
    if said not in _UNITS:
        message = f"{said[:40]!r} is no unit that is known; there are: {', '.join(_UNITS)}"
        return Broken(row.line, "unknown-unit", message, raw[:RAW], "pcr_target_units", cells["pcr_target_units"])
    matrix, factor, logarithm = _UNITS[said]
    told = "pcr_target_below_lod" if cells["pcr_target_below_lod"] else "pcr_target_detect"
    flag = cells.get(told, "").lower()
    if flag not in _YES + _NO:
        message = f"{flag[:40]!r} says neither yes nor no; expected 1, 0, yes or no"
        return Broken(row.line, "bad-value", message, raw[:RAW], told, flag)
    below = flag in _YES if told == "pcr_target_below_lod" else flag in _NO_DETECT
    field = "lod_sewage" if below else "pcr_target_avg_conc"
    reading = number(cells[field])
    if reading is None or math.isnan(reading) or math.isinf(reading) or (logarithm and abs(reading) > 300):
        why = "the reading is below the limit of detection, which is needed then" if below else "it is the reading"
        what = f"{cells[field][:40]!r} is no number" if cells[field] else f"{field} is empty"
        message = f"{what}; {why}. Fill it, or leave the row out"
        return Broken(row.line, "bad-value", message, raw[:RAW], field, cells[field])
    value = (10.0**reading if logarithm else reading) * factor
    if value < 0:
        message = f"{cells[field][:40]!r} is under zero, which no concentration is"
        return Broken(row.line, "bad-value", message, raw[:RAW], field, cells[field])
    cells |= {
        "concentration": repr(value / 2 if below else value),
        "matrix": matrix,
        "series": f"{cells['pcr_target'].lower()} {matrix}",
        "below_lod": "yes" if below else "no",
        "identity": "|".join([*(cells[c] for c in _IDENTITY), *filter(None, (cells.get(c) for c in _ALSO))]),
    }
    quality = cells["quality_flag"]
    odd = quality.lower() not in _NO
    message = f"the laboratory flags the reading: {quality[:80]!r}; it counts all the same. Ask the laboratory"
    notes = (Broken(row.line, "quality-flag", message, raw[:RAW], "quality_flag", quality),) if odd else ()
    return Record(row.line, cells, row.raw, False, notes)
