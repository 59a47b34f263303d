"""What a mapping makes of records: the rules, their names, and what is kept all the same."""

import io
import math
import zipfile
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tables import (
    COLUMNS,
    GOOD,
    MAPPING,
    NOW,
    Serial,
    as_csv,
    as_jsonl,
    as_parquet,
    as_xlsx,
    codes,
    events,
    findings,
    read,
    settings,
)
from tocsin import ingest
from tocsin.errors import ConfigError
from tocsin.types import Event, Finding

SHANGHAI = ZoneInfo("Asia/Shanghai")


def one(**cells: str) -> list[Event | Finding]:
    """What the first good row gives when some of its cells are others."""
    row = [cells.get(c, v) for c, v in zip(COLUMNS, GOOD[0], strict=True)]
    return read(as_csv([row]))


def local(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=SHANGHAI).timestamp()) * 1_000_000  # type: ignore[misc,arg-type] # year … second


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01",
        "2026/03/01",
        "2026/3/1",
        "2026.3.1",
        "20260301",
        "2026年3月1日",
        "２０２６年３月１日",
        "２０２６／０３／０１",
        " 2026-03-01 ",
        "2026-03-01T00:00:00",
        "2026-03-01 00:00",
        "2026-02-28T16:00:00Z",
        "2026-02-28T16:00:00+00:00",
        "2026-03-01T00:00+0800",
    ],
)
def test_dates_as_people_write_them(written: str) -> None:
    (event,) = events(one(day=written))
    assert event.reference_time == local(2026, 3, 1)


def test_times() -> None:
    (event,) = events(one(day="2026/3/1 8:05", told="2026-03-01T08:30:15.5"))
    assert event.reference_time == local(2026, 3, 1, 8, 5)
    assert event.report_time == local(2026, 3, 1, 8, 30, 15) + 500_000


def test_formats_of_ones_own() -> None:
    city = settings(
        MAPPING.replace('reference = "day"', 'reference = { column = "day", format = ["%d.%m.%Y", "%d %b %y"] }')
    )
    items = read(as_csv([["a", "05.03.2026", *GOOD[0][2:]], ["b", "3/5/26", *GOOD[0][2:]]]), city)
    assert [f.code for f in findings(items)] == ["reference-after-report", "bad-date"]
    assert "%d.%m.%Y" in findings(items)[1].message


@pytest.mark.parametrize(
    "written", ["yesterday", "2026-02-30", "2026-13-01", "01/03/2026", "1", "2026", "-", "২০২৬-০১-০১"]
)
def test_what_is_no_date(written: str) -> None:
    (found,) = one(day=written)
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.value) == ("bad-date", "day", written)
    assert "2014-09-01" in found.message


@pytest.mark.parametrize("written", ["1899-12-31", "1899/12/30", "0001-01-01", "2126-03-01", "9999-12-31"])
def test_dates_that_cannot_be(written: str) -> None:
    (found,) = one(day=written, told="2026-03-02")
    assert isinstance(found, Finding)
    assert found.code == "date-out-of-range"


def test_swapped_columns() -> None:
    (found,) = one(day="2026-03-02", told="2026-03-01")
    assert isinstance(found, Finding)
    assert found.code == "reference-after-report"
    assert "swapped" in found.message
    assert one(day="2026-03-02T13:00", told="2026-03-02") == events(one(day="2026-03-02T13:00", told="2026-03-02"))


def test_a_report_is_stamped_on_arrival_where_the_file_has_none() -> None:
    (event,) = read(as_csv(GOOD[:1]), settings(MAPPING.replace('report = "told"', "")))
    assert isinstance(event, Event)
    assert event.report_time == NOW


@pytest.mark.parametrize(
    ("cells", "code", "field"),
    [
        ({"n": "many"}, "bad-value", "n"),
        ({"n": "-1"}, "bad-value", "n"),
        ({"n": "110101199003071234"}, "bad-value", "n"),
        ({"n": "1e300"}, "bad-value", "n"),
        ({"n": "1,000"}, "bad-value", "n"),
        ({"n": "1_000"}, "bad-value", "n"),
        ({"n": "nan"}, "bad-value", "n"),
        ({"n": "1e999"}, "bad-value", "n"),
        ({"n": "inf", "what": "尘"}, "bad-value", "n"),
        ({"n": "NaN", "what": "尘"}, "bad-value", "n"),
        ({"n": ""}, "empty-required", "n"),
        ({"what": "麻疹"}, "unknown-signal", "what"),
        ({"what": ""}, "empty-required", "what"),
        ({"day": ""}, "empty-required", "day"),
        ({"told": ""}, "empty-required", "told"),
    ],
)
def test_rules(cells: dict[str, str], code: str, field: str) -> None:
    (found,) = one(**cells)
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.kept, found.line, found.source, found.file) == (
        code, field, False, 2, "clinic", "f",
    )  # fmt: skip
    assert found.key
    assert found.raw.startswith(b"a,")


def test_every_bad_field_is_told() -> None:
    assert codes(one(day="x", told="y", what="z")) == ["bad-date", "bad-date", "unknown-signal"]


@pytest.mark.parametrize(("written", "value"), [("0", 0.0), ("１２", 12.0), ("2.5", 2.5), ("1e2", 100.0), (".5", 0.5)])
def test_numbers(written: str, value: float) -> None:
    (event,) = events(one(n=written))
    assert event.value == value


def test_measurements_are_withdrawn_only_when_the_mapping_says_so() -> None:
    city = settings(MAPPING.replace('value = "n"', 'value = { column = "n", default = "nan" }'))
    items = read(as_csv([["a", "2026-03-01", "2026-03-02", "11", what, ""] for what in ("尘", "流感")]), city)
    (event,) = events(items)
    assert event.signal == "pm25"
    assert math.isnan(event.value)
    assert codes(items) == ["bad-value"]  # a count is withdrawn by 0


def test_an_unknown_area_is_kept_under_the_root() -> None:
    found, event = one(where="99")
    assert isinstance(found, Finding)
    assert isinstance(event, Event)
    assert (found.code, found.kept, found.value, event.area) == ("unknown-area", True, "99", "1")
    assert found.key == event.key


WAYS = MAPPING.replace(
    'area = "where"',
    'area = [{ column = "code" }, { column = "code", prefix = 2 }, { names = ["d", "s"], map = { "东" = "东区" } }, '
    '{ column = "d_code" }]',
)


@pytest.mark.parametrize(
    ("code", "district", "street", "d_code", "area", "kept"),
    [
        ("1101", "", "", "", "1101", False),
        ("1101.0", "", "", "", "1101", False),
        ("１１０１", "", "", "", "1101", False),
        ("1199", "", "", "", "11", True),
        ("", "东区", "河街", "", "1101", True),
        ("", "东", "河街", "", "1101", True),
        ("", "East", "River Street", "", "1101", True),
        ("", "东区", "", "", "11", True),
        ("", "东区", "其他", "", "11", True),
        ("", "东区", "其他", "1101", "1101", True),
        ("", "无", "", "12", "12", True),
        ("", "", "", "", "1", True),
        ("None", "None", "None", "None", "1", True),
    ],
)
def test_ways_to_an_area(code: str, district: str, street: str, d_code: str, area: str, kept: bool) -> None:
    columns = ["day", "told", "what", "n", "code", "d", "s", "d_code"]
    row = ["2026-03-01", "2026-03-02", "流感", "1", code, district, street, d_code]
    items = read(as_csv([row], columns), settings(WAYS))
    (event,) = events(items)
    assert event.area == area
    assert codes(items) == ["unknown-area"] * kept
    assert all(f.kept for f in findings(items))


def test_imported() -> None:
    mapping = MAPPING + 'imported = { column = "id", map = { "是" = "yes", "否" = "no", "x" = "perhaps" } }'
    items = read(as_csv([[said, *GOOD[0][1:]] for said in ("是", "否", "", "x", "?")]), settings(mapping))
    assert [e.imported for e in events(items)] == ["yes", "no", "unknown"]
    assert codes(items) == ["bad-imported", "bad-imported"]
    plain = read(
        as_csv([[said, *GOOD[0][1:]] for said in ("Yes", "N", "1", "false")]), settings(MAPPING + 'imported = "id"')
    )
    assert [e.imported for e in events(plain)] == ["yes", "no", "yes", "no"]


WIDE = """
[sources.mapping]
key = ["where", "day"]
reference = "day"
area = "where"
values = { "cases" = "flu", "dust" = "pm25" }
"""


def test_wide_tables() -> None:
    columns = ["day", "where", "cases", "dust"]
    rows = [["2026-03-01", "11", "3", "40"], ["2026-03-02", "11", "", "41"], ["2026-03-03", "11", "x", "42"]]
    items = read(as_csv(rows, columns), settings(WIDE))
    assert [(e.signal, e.value) for e in events(items)] == [("flu", 3), ("pm25", 40), ("pm25", 41), ("pm25", 42)]
    assert [e.key.split("/")[1] for e in events(items)] == ["flu", "pm25", "pm25", "pm25"]
    assert len({e.key for e in events(items)}) == 4
    (found,) = findings(items)
    assert (found.field, found.code, found.key.split("/")[1]) == ("cases", "bad-value", "flu")
    late = read(as_csv([["never", "11", "3", "40"]], columns), settings(WIDE))
    assert codes(late) == ["bad-date"]


def test_keys_tell_nothing_and_stay() -> None:
    city = settings(MAPPING + 'key = ["id", "where"]')
    items = events(read(as_csv(GOOD), city))
    assert all(len(e.key) == 24 and int(e.key, 16) for e in items)
    changed = [[*GOOD[0][:5], "9"], *GOOD[1:]]
    assert [e.key for e in events(read(as_csv(changed), city))] == [e.key for e in items]
    assert codes(read(as_csv([["", "2026-03-01", "2026-03-02", "", "流感", "1"]]), city)) == ["empty-required"]


def test_digest_keys_know_the_same_row_again() -> None:
    keys = [e.key for e in events(read(as_csv(GOOD)))]
    assert len(set(keys)) == len(GOOD)
    assert sorted(e.key for e in events(read(as_csv(GOOD[::-1])))) == sorted(keys)
    wider = as_csv([[*row, ""] for row in GOOD], [*COLUMNS, "new column"])
    assert [e.key for e in events(read(wider))] == keys
    assert {e.key for e in events(read(as_csv([*GOOD, GOOD[2]])))} - set(keys) == {keys[2].split("#")[0] + "#3"}


def test_a_missing_column_is_one_finding() -> None:
    (found,) = read(as_csv([r[1:] for r in GOOD], ["Day", *COLUMNS[2:]]))
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.line) == ("missing-column", "day", 1)
    assert "it has Day, told, where, what, n" in found.message


def test_the_wrong_delimiter_is_guessed_at() -> None:
    (found,) = findings(read(as_csv(GOOD).replace(b",", b";")))
    assert "delimiter" in found.message
    assert len(events(read(as_csv(GOOD).replace(b",", b";"), settings(source='delimiter = ";"')))) == len(GOOD)


def test_a_column_that_stands_twice() -> None:
    (found,) = findings(read(as_csv([[*r, "x"] for r in GOOD], [*COLUMNS, "day"])))
    assert found.code == "duplicate-header"
    assert len(events(read(as_csv([[*r, "x", "y"] for r in GOOD], [*COLUMNS, "more", "more"])))) == len(GOOD)


def test_sheets_with_dates_and_numbers_in_their_cells() -> None:
    rows = [["a", Serial(46082), Serial(46083), 11, "流感", 1], ["b", Serial(46082.5), Serial(46083), 1101, "尘", 2.5]]
    items = read(as_xlsx(rows))
    assert [(e.area, e.value) for e in events(items)] == [("11", 1.0), ("1101", 2.5)]
    assert [e.reference_time for e in events(items)] == [local(2026, 3, 1), local(2026, 3, 1, 12)]


@pytest.mark.parametrize("serial", [1e12, -5.0, 1e300, 3e6, 0.0])
def test_date_cells_that_are_no_dates(serial: float) -> None:
    rows = [["a", Serial(serial), Serial(46083), 11, "流感", 1], GOOD[1]]
    items = read(as_xlsx(rows))
    assert len(events(items)) == 1
    assert codes(items)[0] in ("bad-date", "date-out-of-range")


def test_a_sheet_by_name() -> None:
    assert events(read(as_xlsx(GOOD), settings(source='sheet = "one"')))
    (found,) = findings(read(as_xlsx(GOOD), settings(source='sheet = "two"')))
    assert "one" in found.message


@pytest.mark.parametrize("at", ["XFD1048576", "A1048577", "ZZZ9999999"])
def test_a_cell_in_the_far_corner_takes_no_memory(at: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(GOOD))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(
                name, old.read(name).replace(b"</sheetData>", b'<row><c r="%s"/></row></sheetData>' % at.encode())
            )
    found = read(out.getvalue())
    assert codes(found) == (["too-long"] if at != "A1048577" else [])


def test_typed_parquet_is_what_its_text_is() -> None:
    rows = [["a", datetime(2026, 3, 1), datetime(2026, 3, 2, 8, 30), 11, "流感", 1.0]]
    text = [["a", "2026-03-01", "2026-03-02T08:30:00", "11", "流感", "1"]]
    assert read(as_parquet(rows)) == read(as_csv(text))


def test_json_cells_of_every_kind() -> None:
    data = b'{"id": {"a": [1, null]}, "day": "2026-03-01", "told": "2026-03-02", "where": 11, '
    data += b'"what": "\xe5\xb0\x98", "n": 1}\n'
    assert len(events(read(data))) == 1
    bad = b'{"day": true}\n[1, 2]\n{"a": \n"x"\n' + data
    assert len(events(read(bad))) == 1
    assert {f.line for f in findings(read(bad))} == {1, 2, 3, 4}
    assert len(events(read(as_jsonl(GOOD).replace(b"\n", b"\r\n\r\n")))) == len(GOOD)


def test_a_source_without_mapping_is_a_mistake_of_the_city() -> None:
    city = settings("")
    with pytest.raises(ConfigError, match="mapping"):
        read(b"", city)
    assert "clinic" in {s.name for s in city.sources}


@pytest.mark.parametrize(
    ("mapping", "source", "key"),
    [
        (MAPPING, 'encoding = "klingon"', "encoding"),
        (MAPPING, 'delimiter = "||"', "delimiter"),
        (MAPPING.replace('value = "n"', "value = { default = '1' }"), "", "mapping.value"),
        (MAPPING.replace('area = "where"', "area = [{ prefix = 2 }]"), "", "mapping.area"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(mapping: str, source: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        settings(mapping, source)


def test_sniffing() -> None:
    assert ingest.sniff(b'\xef\xbb\xbf \n{"a": 1}') == "jsonl"
    assert ingest.sniff('{"a": 1}'.encode("utf-16")) == "jsonl"
    assert ingest.sniff(b"a,b\n") == "csv"


def test_records_of_others_are_neither_events_nor_findings() -> None:
    rows = [*GOOD, ["e", "never", "2026-03-05", "99", "尘", "x"]]
    items = read(as_csv(rows), settings(MAPPING + 'only = { where = ["11", "12"] }'))
    assert [e.area for e in events(items)] == ["11", "12", "12"]
    assert codes(items) == []
    assert codes(read(as_csv(rows), settings(MAPPING + 'only = { nowhere = "11" }'))) == ["missing-column"]
    mapped = MAPPING.replace('"尘" = "pm25" }', '"尘" = "pm25" }, others = "ignore"').replace('"流感" = "flu", ', "")
    assert {e.signal for e in events(read(as_csv(GOOD), settings(mapped)))} == {"pm25"}
    assert codes(read(as_csv(GOOD), settings(mapped))) == []
