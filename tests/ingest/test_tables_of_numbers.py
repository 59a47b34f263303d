"""Tables of numbers as offices export them, with groups of titles, days, schools, laboratories."""

import io
import zipfile
from typing import Any

import pytest

import tables
from tables import NOW, as_csv, as_xlsx, codes, events, findings, read, settings
from tocsin import config
from tocsin.areas import tree
from tocsin.errors import InputError
from tocsin.ingest.propose import propose
from tocsin.types import Area, Event, Finding, Title

CITY = """
[city]
name = "test"
levels = ["city", "district", "street"]
zone = "Asia/Shanghai"
[areas]
file = "areas.csv"
[[signals]]
name = "flu"
title = { zh = "流行性感冒", en = "Influenza" }
[[signals]]
name = "hfmd"
title = { zh = "手足口病", en = "HFMD" }
[[signals]]
name = "school.absent"
title = { zh = "因病缺勤", en = "Absent ill" }
[[signals]]
name = "water"
kind = "measure"
title = { zh = "污水", en = "Wastewater" }
"""
TWICE = Title("中街", "Middle Street")  # a name that two districts have
MIDDLE = Area("1102", "11", "street", TWICE), Area("1202", "12", "street", TWICE)
AREAS = tree([*tables.AREAS.areas, *MIDDLE], tables.AREAS.levels)


def proposed(data: bytes) -> str:
    city = config.parse(CITY)
    return propose(data, name="clinic", format_="auto", tree=AREAS, settings=city, received=NOW).toml


def taken(data: bytes) -> list[Event | Finding]:
    """What the sample says by the very mapping that is proposed for it."""
    return read(data, config.parse(CITY + proposed(data)), AREAS)


def merged(data: bytes, *ranges: str) -> bytes:
    """The workbook with cells merged."""
    cells = "".join(f'<mergeCell ref="{r}"/>' for r in ranges)
    return _changed(data, "xl/worksheets/sheet1.xml", "</sheetData>", f"</sheetData><mergeCells>{cells}</mergeCells>")


def _changed(data: bytes, part: str, old: str, new: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w") as packed:
        for name in given.namelist():
            text = given.read(name).decode()
            assert name != part or old in text
            packed.writestr(name, text.replace(old, new) if name == part else text)
    return out.getvalue()


COUNTS = ["日期", "区县", "流行性感冒", "手足口病"]
DAILY: list[list[Any]] = [
    ["填报：疾控中心", "", "", "填报日期：2026-03-05", "", ""],
    ["报告日期", "区县", "丙类传染病", "", "", "备注"],
    ["", "", "流行性感冒", "手足口病", "腹泻", ""],
    ["2026年3月1日", "东区", 5, 1, 0, ""],
    ["", "西区", 7, 2, 0, ""],
    ["2026年3月2日", "东区", 6, 3, 1, ""],
    ["", "西区", 8, 4, 2, ""],
]


def test_captions_groups_of_titles_and_merged_days_are_read_as_they_are_seen() -> None:
    data = merged(as_xlsx(DAILY, ["传染病日报表", *[""] * 5]), "A1:F1", "C3:E3", "A5:A6", "A7:A8")
    items = taken(data)
    assert findings(items) == []
    assert [(e.signal, e.area, e.value) for e in events(items)[:4]] == [
        ("flu", "11", 5), ("hfmd", "11", 1), ("flu", "12", 7), ("hfmd", "12", 2)
    ]  # fmt: skip
    assert len({e.reference_time for e in events(items)}) == 2
    assert 'key = ["报告日期", "区县"]' in proposed(data)
    assert "numbers that are not read: 腹泻" in proposed(data)
    apart = as_xlsx(DAILY, ["传染病日报表", *[""] * 5])
    assert "# key = …" in proposed(apart), "of rows without their day, none is named by the day alone"


def test_a_caption_of_two_cells_above_a_csv_is_left_out() -> None:
    rows = [
        ["填报：疾控中心", "", "", "2026-03-05"],
        COUNTS,
        ["2026-03-01", "东区", "5", "1"],
    ]
    assert [e.value for e in events(taken(as_csv(rows, ["日报", "", "", ""])))] == [5, 1]


def test_a_row_without_its_title_is_still_no_title() -> None:
    rows = [["a", "2026-03-01", "11", "x"], ["b", "2026-03-02", "11", ""]]
    mapping = '[sources.mapping]\nkey = "id"\nreference = "day"\narea = "where"\nsignal = "flu"'
    items = read(as_xlsx(rows, ["id", "day", "where", ""]), settings(mapping))
    assert codes(items) == ["wrong-column-count"]
    assert len(events(items)) == 1


def test_a_cover_before_the_sheet_is_passed_over_or_named() -> None:
    with zipfile.ZipFile(io.BytesIO(as_xlsx([["2026-03-01", "东区", 5, 1]], COUNTS))) as packed:
        table = packed.read("xl/worksheets/sheet1.xml")
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    link = f'<Relationship Id="r9" Target="worksheets/sheet9.xml" Type="{kind}"/></Relationships>'
    data = _changed(as_xlsx([], ["封面"]), "xl/_rels/workbook.xml.rels", "</Relationships>", link)
    data = _changed(data, "xl/workbook.xml", "</sheets>", '<sheet name="数据" sheetId="2" r:id="r9"/></sheets>')
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("xl/worksheets/sheet9.xml", table)
    assert 'sheet = "数据"' in proposed(out.getvalue())
    assert [e.value for e in events(taken(out.getvalue()))] == [5, 1]
    mapping = '[sources.mapping]\nreference = "日期"\narea = { value = "11" }\nsignal = "flu"'
    (found,) = findings(read(out.getvalue(), settings(mapping)))
    assert "sheet = '…' names one: 数据" in found.message
    anywhere = '[sources.mapping]\nreference = "封面"\narea = { value = "11" }\nsignal = "flu"'
    (found,) = findings(read(out.getvalue(), settings(anywhere)))
    assert "the sheet one holds no records, but the workbook has more: 数据" in found.message


@pytest.mark.parametrize("days", [["2026-03-01", "2026-03-02", "2026-03-03"], ["3月1日", "3月2日", "3月3日"]])
def test_days_as_columns_are_to_be_turned(days: list[str]) -> None:
    data = as_csv([["河街", "退热药", "5", "6", "7"]], ["街道", "类别", *days])
    with pytest.raises(InputError, match=r"3 of its columns are days .*逆透视"):
        proposed(data)


SCHOOL = ["日期", "学校名称", "所在街道", "应到人数", "实到人数", "缺勤人数", "因病缺勤人数", "主要症状", "填报时间"]


def test_pupils_absent_ill_are_what_counts_at_schools() -> None:
    rows = [[f"2026-03-0{d}", school, "河街", "600", "590", "10", "4", "发热", f"2026-03-0{d} 10:00"]
            for d in (1, 2) for school in ("一小", "二小")]  # fmt: skip
    data = as_csv(rows, SCHOOL)
    assert 'key = ["日期", "学校名称"]' in proposed(data)
    items = taken(data)
    assert [(e.signal, e.area, e.value) for e in events(items)] == [("school.absent", "1101", 4)] * 4
    assert len(items) == 4
    without = [[r[0], r[1], r[2], r[3], r[4]] for r in rows]
    toml = proposed(as_csv(without, SCHOOL[:5]))
    assert 'signal = "school.absent"' in toml
    assert "FILL IN: how many were absent" in toml


def test_a_concentration_is_measured_and_what_is_below_the_limit_is_told() -> None:
    rows = [[f"W{n}", 46082 + n, "东区", reading] for n, reading in enumerate([12000, 5300.5, "<LOD", "未检出", 88000])]
    data = as_xlsx(rows, ["样本编号", "采样日期", "所在区", "N1基因浓度(copies/L)"])
    toml = proposed(data)
    assert 'signal = "water"' in toml
    assert 'format = "excel"' in toml
    assert "2 of its cells are no numbers (<LOD, 未检出)" in toml
    items = taken(data)
    assert [e.value for e in events(items)] == [12000, 5300.5, 88000]
    assert codes(items) == ["bad-value"] * 2
    assert all("half the limit" in f.message for f in findings(items))


def test_a_number_in_a_row_names_no_record() -> None:
    rows = [[str(n), f"MZ{n}", f"2026-03-0{n}", "东区", "发热"] for n in (1, 2, 3)]
    assert 'key = "门诊号"' in proposed(as_csv(rows, ["序号", "门诊号", "就诊时间", "区", "主诉"]))


def test_a_long_table_of_diseases_has_a_key_and_counts_no_kind_of_another_name() -> None:
    rows = [
        [f"2026-03-0{d}", where, what, "2"]
        for d in (1, 2)
        for where in ("东区", "西区")
        for what in ("手足口病", "水痘")
    ]
    toml = proposed(as_csv([*rows, ["合计", "", "", "16"]], ["统计日期", "区县", "疾病名称", "病例数"]))
    assert 'map = { "手足口病" = "hfmd" }' in toml
    assert "not counted: 水痘" in toml
    assert 'key = ["统计日期", "区县", "疾病名称"]' in toml


def test_a_street_is_found_by_its_own_name_if_no_other_has_it() -> None:
    assert AREAS.by_names(["河街"]) == AREAS["1101"]
    assert AREAS.by_names(["中街"]) is None
    assert AREAS.by_names(["西区", "中街"]) == AREAS["1202"]
    assert AREAS.by_names(["西区", "河街"]) == AREAS["12"]
    assert AREAS.by_names(["城"]) is None
