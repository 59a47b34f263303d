"""Rows of a table as bytes of every format that Tocsin reads, and a small city to read them into."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

from tocsin import config
from tocsin.areas import AreaTree, tree
from tocsin.ingest import parse
from tocsin.types import Area, Event, Finding, Title

NOW = 1_788_000_000_000_000  # 2026-08-29
COLUMNS = ("id", "day", "told", "where", "what", "n")
AREAS = tree(
    [
        Area("1", "", "city", Title("城", "City")),
        Area("11", "1", "district", Title("东区", "East")),
        Area("12", "1", "district", Title("西区", "West")),
        Area("1101", "11", "street", Title("河街", "River Street")),
    ],
    ["city", "district", "street"],
)

CITY = """
[city]
name = "test"
levels = ["city", "district", "street"]
zone = "Asia/Shanghai"
[areas]
file = "areas.csv"
[[signals]]
name = "flu"
[[signals]]
name = "pm25"
kind = "measure"
[[sources]]
name = "clinic"
"""

MAPPING = """
[sources.mapping]
reference = "day"
report = "told"
area = "where"
signal = { column = "what", map = { "流感" = "flu", "尘" = "pm25" } }
value = "n"
"""


def settings(mapping: str = MAPPING, source: str = "") -> config.Settings:
    """The test city with one source, `clinic`."""
    return config.parse(CITY + source + "\n" + mapping)


def read(data: Any, city: config.Settings | None = None, areas: AreaTree = AREAS) -> list[Event | Finding]:
    """Everything in a file's bytes (or a stream)."""
    city = city or settings()
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    return list(parse(city.source("clinic"), stream, file="f", tree=areas, settings=city, received=NOW))


def events(items: Sequence[Event | Finding]) -> list[Event]:
    return [i for i in items if isinstance(i, Event)]


def findings(items: Sequence[Event | Finding]) -> list[Finding]:
    return [i for i in items if isinstance(i, Finding)]


def codes(items: Sequence[Event | Finding]) -> list[str]:
    return [i.code for i in items if isinstance(i, Finding)]


def as_csv(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue().encode()


def as_csv_gz(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    return gzip.compress(as_csv(rows, columns), mtime=0)


def as_jsonl(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
    return "\n".join(lines).encode() + b"\n"


def as_array(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=1).encode()


def as_parquet(rows: Sequence[Sequence[Any]], columns: Sequence[str] = COLUMNS) -> bytes:
    out = io.BytesIO()
    pl.DataFrame([list(r) for r in rows], schema=list(columns), orient="row").write_parquet(out)
    return out.getvalue()


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="xl/workbook.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
    '<Relationship Id="r2" Target="styles.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/></Relationships>',
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
}


class Serial(float):
    """A date cell: days since 1899-12-30, shown as a date."""


def _cell(value: Any) -> str:
    if isinstance(value, Serial):
        return f'<c s="1"><v>{float(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>' if value else "<c/>"


def as_xlsx(rows: Sequence[Sequence[Any]], columns: Sequence[str] = COLUMNS) -> bytes:
    lines = "".join(
        f'<row r="{r}">' + "".join(_cell(v) for v in row) + "</row>" for r, row in enumerate([columns, *rows], 1)
    )
    sheet = f"<sheetData>{lines}</sheetData>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in _PARTS.items():
            packed.writestr(name, part)
        packed.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{sheet}</worksheet>',
        )
    return out.getvalue()


WRITERS = {"csv": as_csv, "csv.gz": as_csv_gz, "jsonl": as_jsonl, "array": as_array, "parquet": as_parquet}
WRITERS["xlsx"] = as_xlsx
FIRST_LINE = {"csv": 2, "csv.gz": 2, "jsonl": 1, "array": 1, "parquet": 1, "xlsx": 2}  # of the first row

GOOD = [
    ["a", "2026-03-01", "2026-03-02", "11", "流感", "1"],
    ["b", "2026/3/2", "2026-03-03", "1101", "流感", "2"],
    ["c", "20260303", "2026-03-04", "12", "尘", "35.5"],
    ["c", "20260303", "2026-03-04", "12", "尘", "35.5"],
    ["d", "2026年3月4日", "2026-03-05T08:30", "1", "流感", "3"],
]
