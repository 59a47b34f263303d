"""Tables as people export them: captions, delimiters, dates; what `tocsin source new` proposes for them."""

import json

import pytest

from tables import AREAS, CITY, NOW, as_csv, as_xlsx, codes, events, findings, read, settings
from tocsin import config
from tocsin.areas import tree
from tocsin.ingest.propose import propose
from tocsin.types import Area, Title

TITLES = ["工单编号", "来电时间", "诉求标题", "诉求内容", "所属区县", "办结时间"]
CALLS = [["G1", "2026-03-02 08:15:00", "食堂腹泻", "学生呕吐", "东区", ""],
         ["G2", "2026/3/2 9:15", "噪音", "夜里施工，扰民", "西区", "2026/3/3 9:00"]]  # fmt: skip
PLAIN = "\r\n".join("\t".join(r) for r in [TITLES, *CALLS]) + "\r\n"
HOTLINES = {
    "tabs in gb18030": PLAIN.encode("gb18030"),
    "excel's unicode text": PLAIN.encode("utf-16"),
    "semicolons with a mark": PLAIN.replace("\t", ";").encode("utf-8-sig"),
    "bars": PLAIN.replace("\t", "|").encode(),
    "excel's own first line": b"sep=;\r\n" + PLAIN.replace("\t", ";").encode(),
    "captions above the titles": as_csv([["导出：2026-03-05", *[""] * 5], TITLES, *CALLS], ["12345工单", *[""] * 5]),
    "a caption without delimiters": "热线工单\r\n\r\n".encode("gb18030") + PLAIN.encode("gb18030"),
    "a caption over a sheet": as_xlsx([TITLES, *CALLS], ["12345工单导出", *[""] * 5]),
}


@pytest.mark.parametrize("name", HOTLINES)
def test_hotline_exports_are_read_as_they_stand(name: str) -> None:
    data = HOTLINES[name]
    found = propose(data, name="clinic", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert 'reference = "来电时间"' in found.toml
    assert 'text = ["诉求标题", "诉求内容"]' in found.toml
    mapping = found.toml.replace("ili = ", "gi = ")  # the signal of this city is named after nothing
    items = read(data, config.parse(CITY.replace('[[sources]]\nname = "clinic"\n', "") + mapping))
    assert [(e.area, e.value) for e in events(items)] == [("11", 1), ("12", 0)]
    assert findings(items) == []


def test_one_title_alone_is_no_caption() -> None:
    mapping = '[sources.mapping]\nreference = "complaint"\narea = { value = "11" }\nsignal = "flu"'
    assert codes(read(b"complaint\nfever, cough\n", settings(mapping))) == ["wrong-column-count"]


@pytest.mark.parametrize(
    ("days", "line"),
    [
        (["3/14/2026", "03/15/2026 8:30"], '["%m/%d/%Y", "%m/%d/%Y %H:%M"]'),
        (["14.03.2026", "15.03.2026"], '["%d.%m.%Y"]'),
        (["3/4/2026", "5/4/2026"], '["%d/%m/%Y"] }  # day or month first? both fit'),
        (["2026-03-14", "2026/3/15"], 'reference = "visit_date"'),
    ],
)
def test_dates_are_proposed_as_the_table_writes_them(days: list[str], line: str) -> None:
    rows = [[str(i), day, "11", "3"] for i, day in enumerate(days)]
    data = as_csv(rows, ["id", "visit_date", "district", "n"])
    found = propose(data, name="clinic", format_="auto", tree=AREAS, settings=settings(), received=NOW)
    assert line in found.toml
    assert 'signal = "flu"' in found.toml, "the district is where, not what"
    items = read(data, config.parse(CITY.replace('[[sources]]\nname = "clinic"\n', "") + found.toml))
    assert [e.value for e in events(items)] == [3, 3]


def test_a_time_of_report_is_proposed_if_it_never_comes_before() -> None:
    def proposed(told: str) -> str:
        value = {"dataElement": "a", "period": "202602", "orgUnit": "11", "value": "3", "lastUpdated": told}
        data = json.dumps({"dataValues": [value]}).encode()
        return propose(data, name="x", format_="auto", tree=AREAS, settings=settings(), received=NOW).toml

    assert 'report = "lastUpdated"' in proposed("2026-03-02T08:00:00.000+0000")
    assert "report =" not in proposed("2026-01-02T08:00:00.000+0000")


CARD = ["卡片编号", "性别", "现住地址国标", "疾病名称", "发病日期", "报告卡录入时间", "审核状态"]
CARDS = [["c1", "男", "12000001", "流行性感冒", "2026/03/01", "2026/03/02 10:00:00", "已终审卡"],
         ["c2", "女", "12000002", "手足口病", "2026/03/02", "2026/03/03 10:00:00", "已终审卡"],
         ["c3", "女", "11010000", "流行性感冒", "2026/03/02", "2026/03/03 10:00:00", "已删除卡"]]  # fmt: skip
DISTRICTS = tree(
    [Area("1", "", "city", Title("城", "City")), Area("1200", "1", "district", Title("西区", "West")),
     Area("1101", "1", "district", Title("东区", "East"))], ["city", "district"]
)  # fmt: skip


def test_cards_of_notifiable_diseases_count_where_and_what_they_say() -> None:
    data = as_csv(CARDS, CARD)
    found = propose(data, name="clinic", format_="auto", tree=DISTRICTS, settings=settings(), received=NOW).toml
    for line in (
        'key = "卡片编号"',
        'reference = "发病日期"',
        'report = "报告卡录入时间"',
        'area = { column = "现住地址国标", prefix = 4 }',
        '"流行性感冒" = "flu"',
        '"已删除卡" = "0"',
        '"未审核卡" = "1"',
    ):
        assert line in found
    kept = found.replace(', "手足口病" = "flu"', "")
    city = config.parse(CITY.replace('[[sources]]\nname = "clinic"\n', "") + kept)
    items = read(data, city, DISTRICTS)
    assert [(e.area, e.value) for e in events(items)] == [("1200", 1), ("1101", 0)]
    assert findings(items) == []


def test_names_of_streets_stand_under_those_of_districts() -> None:
    rows = [["1", "2026-03-01", "河街", "东区"], ["2", "2026-03-02", "河街", "东区"]]
    data = as_csv(rows, ["编号", "日期", "街道", "区县"])
    found = propose(data, name="clinic", format_="auto", tree=AREAS, settings=settings(), received=NOW).toml
    assert 'names = ["区县", "街道"]' in found
