"""Complaints in Chinese and English, and ICD-10 codes, as syndromes."""

import pytest

from tables import as_csv, events, read, settings
from tocsin.errors import ConfigError
from tocsin.ingest.classify import made
from tocsin.ingest.syndromes import Syndromes, read_terms, shipped

found = made(()).found


@pytest.mark.parametrize(
    ("said", "fever"),
    [
        ("发热3天", True),
        ("发烧", True),
        ("高烧不退", True),
        ("無發熱", False),
        ("無明顯", False),
        ("无发热", False),
        ("否认发热、咳嗽", False),
        ("没有发烧", False),
        ("咳嗽，无发热", False),
        ("无发热，咳嗽3天", False),
        ("无明显诱因发热3天", True),
        ("不明原因发热", True),
        ("不伴咳嗽，发热", True),
        ("无咳嗽但发热", True),
        ("无咳嗽有发热", True),
        ("全身无力，发热", True),
        ("发热(-)", False),
        ("发热：无", False),
        ("发热门诊就诊", False),
        ("退热药过敏", False),
        ("体温38℃", True),
        ("体温38.5", True),
        ("体温 ３８．５ ℃", True),
        ("T 39.2", True),
        ("体温37.2", False),
        ("38度5", True),
        ("腹痛38小时", False),
        ("37.8-38.5℃", True),
        ("temp 101.2 F", True),
        ("temp 98.6F", False),
        ("t:36.5", False),
        ("fever", True),
        ("FEVER x2 days", True),
        ("feverish", True),
        ("high temp", True),
        ("afebrile", False),
        ("denies fever", False),
        ("denies cough, chills, fever", False),
        ("no fever", False),
        ("no cough or fever", False),
        ("no cough, fever since monday", True),
        ("denies cough but has fever", True),
        ("without fever", False),
        ("negative for fever", False),
        ("fever: no", False),
        ("fever denied", False),
        ("fever not improving", True),
        ("no improvement, fever", True),
        ("no improvement fever", True),
        ("hay fever", False),
        ("fever blister", False),
        ("not sure if fever", True),
        ("", False),
        ("unknown", False),
    ],
)
def test_fever_is_said_or_denied(said: str, fever: bool) -> None:
    assert ("fever" in found(said, "")) == fever


@pytest.mark.parametrize(
    ("said", "codes", "within", "without"),
    [
        ("发热伴咳嗽", "", {"ili", "ari", "fever", "cough"}, {"gi"}),
        ("体温38.5，嗓子疼", "", {"ili"}, {"gi"}),
        ("fever, no cough", "", {"fever"}, {"ili", "cough"}),
        ("cough", "R50.9", {"ili"}, set()),
        ("flu shot", "", set(), {"ili"}),
        ("stomach flu", "", {"gi"}, {"ili"}),
        ("influenza", "", {"ili", "ari"}, set()),
        ("vomitting and diarrhoea", "", {"gi", "vomiting", "diarrhea"}, {"ili"}),
        ("呕吐腹泻3次", "", {"gi"}, set()),
        ("手足口病", "", {"hfmd"}, set()),
        ("", "J11.101", {"ili", "ari"}, {"pneumonia"}),
        ("", "j10 J18.9", {"ili", "pneumonia"}, set()),
        ("", "A09.901", {"gi"}, set()),
        ("", "B08.4", {"hfmd", "rash"}, set()),
        ("", "0074", set(), {"gi"}),
        ("", "K52.1", set(), {"gi"}),
        ("", "J06.900x003", {"ari"}, {"ili"}),
    ],
)
def test_syndromes(said: str, codes: str, within: set[str], without: set[str]) -> None:
    names = found(said, codes)
    assert within <= names
    assert not without & names


def test_the_longest_prefix_decides() -> None:
    table = Syndromes([("gi", "icd10", "A00-A09"), ("gi", "not-icd10", "A06"), ("gi", "icd10", "A06.0")])
    assert [bool(table.in_codes(c)) for c in ("A05", "A06", "A06.1", "A06.0", "A060")] == [
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_city_adds_its_own_words() -> None:
    mine = tuple(read_terms("syndrome,kind,term\n# ours\nili,zh,打摆子\nheat,zh,中暑\nheat,icd10,T67\n", "mine.csv"))
    table = made(mine)
    assert "ili" in table.found("打摆子", "")
    assert table.found("", "T67.0") == {"heat"}
    assert "ili" not in found("打摆子", "")


@pytest.mark.parametrize("row", ["ili,zh", "ili,klingon,x", ",zh,x", "ili,zh,a,b"])
def test_a_bad_row_of_the_file_is_named(row: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.csv, line 2"):
        list(read_terms(f"syndrome,kind,term\n{row}\n", "mine.csv"))


@pytest.mark.parametrize("term", [("a", "icd10", "fever"), ("a", "celsius", "warm"), ("a", "b", "c")])
def test_bad_terms_are_named(term: tuple[str, str, str]) -> None:
    with pytest.raises(ConfigError):
        Syndromes([term])


def test_every_shipped_word_is_found_by_itself() -> None:
    for name, kind, term in shipped():
        if kind in ("en", "zh"):
            assert name in found(term.removesuffix("*"), ""), (name, term)


MAPPING = """
[sources.mapping]
key = "id"
reference = "day"
area = "where"
classify = { text = "said", codes = "icd", signals = { ili = "flu", "*" = "pm25" } }
"""


def test_any_format_can_be_classified() -> None:
    columns = ["id", "day", "where", "said", "icd"]
    rows = [
        ["a", "2026-03-01", "11", "发热咳嗽", ""],
        ["b", "2026-03-01", "11", "", "S93"],
        ["a", "2026-03-01", "11", "", ""],
    ]
    city = settings(MAPPING)
    items = events(read(as_csv(rows, columns), city))
    assert [(e.signal, e.value) for e in items] == [
        ("flu", 1),
        ("pm25", 1),
        ("flu", 0),
        ("pm25", 1),
        ("flu", 0),
        ("pm25", 1),
    ]
    assert items[0].key == items[4].key
    assert {e.key.split("/")[1] for e in items} == {"flu", "pm25"}


def test_a_syndrome_nobody_defines_is_named() -> None:
    with pytest.raises(ConfigError, match="'iil' is no syndrome"):
        read(b"id\n", settings(MAPPING.replace("ili =", "iil =")))


def test_one_way_to_a_signal() -> None:
    with pytest.raises(ConfigError, match="one of the three"):
        settings(MAPPING.replace('area = "where"', 'area = "where"\nsignal = "flu"'))
