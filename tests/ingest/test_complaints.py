"""Complaints as triage nurses type them, labelled by hand: what the shipped words find of them, and what they miss."""

import csv
from pathlib import Path

import pytest

from tocsin.ingest.classify import made
from tocsin.ingest.syndromes import Syndromes

NAMES = (
    "fever", "cough", "sore_throat", "ili", "ari", "pneumonia", "dyspnea", "diarrhea", "bloody_diarrhea", "vomiting",
    "gi", "rash", "hfmd", "covid", "meningitis", "jaundice", "seizure",
)  # fmt: skip
MISSED = {  # docs/methods/syndromes.md says why each of these stays
    "st, fever", "son has fever", "F/C/cough", "blood in stool and diarrhea",
}  # fmt: skip
found = made(()).found


def labelled() -> list[tuple[str, set[str]]]:
    """(complaint, what it speaks of): the labels in the file, and the syndromes that are made up of others."""
    with (Path(__file__).parent / "complaints.csv").open(encoding="utf-8", newline="") as file:
        return [(r["said"], _whole(set(r["speaks of"].split()))) for r in csv.DictReader(file)]


def _whole(said: set[str]) -> set[str]:
    said |= {"ili"} if "flu" in said or ("fever" in said and said & {"cough", "sore_throat"}) else set()
    said |= {"ari"} if said & {"cough", "sore_throat", "ili", "pneumonia"} else set()
    said |= {"gi"} if said & {"diarrhea", "vomiting", "bloody_diarrhea"} else set()
    return said & set(NAMES)


@pytest.mark.parametrize(("said", "speaks"), labelled())
def test_what_a_complaint_speaks_of(said: str, speaks: set[str]) -> None:
    assert ((set(found(said, "")) & set(NAMES)) == speaks) == (said not in MISSED)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("荨麻疹3天", "measles"),
        ("cough - no fever", "fever"),
        ("no fever, vomiting or diarrhea", "diarrhea"),
        ("麻腮风疫苗接种", "measles"),
        ("-fever +cough", "fever"),
        ("溃疡性结肠炎复诊", "gi"),
        ("hx of seizures", "seizure"),
        ("发热已退", "fever"),
        ("接触水痘患者", "rash"),
        ("temp 99.1", "fever"),
        ("back pain t10", "fever"),
    ],
)
def test_what_only_sounds_like_it(said: str, name: str) -> None:
    assert name not in found(said, "")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("cough - no fever", "cough"),
        ("-fever +cough", "cough"),
        ("no fever, here with cough", "cough"),
        ("发热接种疫苗后1天", "fever"),
        ("接触水痘患者，发热", "fever"),
        ("烧到39", "fever"),
        ("103.2 temp", "fever"),
        ("temp 39 degrees", "fever"),
        ("发 热 3 天", "fever"),
        ("exposed to flu, now has fever", "fever"),
    ],
)
def test_what_is_said_beside_a_denial(said: str, name: str) -> None:
    assert name in found(said, "")


@pytest.mark.parametrize("code", ["J10.101", "J10101", "j10.1", "J10.1+J12", "急性 J10.101", "J10.100x001"])
def test_chinese_codes_fall_under_the_who_code(code: str) -> None:
    assert "ili" in found("", code)


def test_a_code_is_none_inside_a_word_and_a_block_may_cross_letters() -> None:
    assert "ili" not in found("", "LJ10 XJ11")
    infectious = Syndromes([("infectious", "icd10", "A00-B99"), ("infectious", "not-icd10", "B95-B98")])
    named = [bool(infectious.in_codes(c)) for c in ("A00", "A99.9", "B00", "B99", "B96.2", "C00", "Z00")]
    assert named == [True, True, True, True, False, False, False]
