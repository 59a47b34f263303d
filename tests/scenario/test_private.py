"""Names, numbers and addresses of people, planted in every kind of feed: nowhere but in the bytes that came."""

import json
import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tocsin import loop, views
from tocsin.desk import Desk, open_desk
from tocsin.server.app import API, build
from tocsin.server.site import Site
from tocsin.store.copy import TABLES

NOW = 1_772_600_000_000_000  # 2026-03-04
# All made up. The last is the record's own number, by which corrections find it.
PLANTED = (
    "Zzyxfamily",
    "郑某测",
    "310999199001019999",
    "13900009999",
    "Lane-of-Nowhere-77",
    "MRN-5550001",
    "VISIT-8800042",
)
FAMILY, HAN, CARD, PHONE, STREET, MRN, VISIT = PLANTED
BYTES = {("finding", "raw"), ("message", "data")}

CITY = """
[city]
name = "private"
levels = ["city", "town"]
[areas]
file = "areas.csv"
[[signals]]
name = "ili"
detectors = ["ears_c2"]
[[sources]]
name = "adt"
format = "hl7-adt"
[sources.mapping]
area = "PID-11.9"
classify = { text = ["OBX[8661-1]"], codes = "DG1[*]-3", signals = { ili = "ili", "*" = "ili" } }
[[sources]]
name = "oru"
format = "hl7-oru"
[sources.mapping]
area = "PID-11.9"
signal = { column = "code", map = { "94500-6" = "ili" } }
value = "positive"
[[sources]]
name = "fhir"
format = "fhir"
records = "Encounter"
[sources.mapping]
reference = "/period/start"
area = "/serviceProvider/identifier/value"
signal = "ili"
[[sources]]
name = "table"
[sources.mapping]
key = "visit"
reference = "day"
area = "town"
signal = "ili"
value = { column = "n", default = "1" }
"""
AREAS = "code,parent,level,name_zh,name_en\n1,,city,城,City\n11,1,town,东,East\n"


def adt(area: str, when: str) -> bytes:
    return (
        f"MSH|^~\\&||East^99^NPI|||20260302084000||ADT^A04^ADT_A01|m|P|2.5.1|||||||||\rEVN||20260302084000\r"
        f"PID|1||{MRN}^^^^MR||{FAMILY}^{HAN}||19900101|F|||{STREET}^^^^^^^^{area}||{PHONE}||||||{CARD}\r"
        f"NK1|1|{FAMILY}^Mother|MTH|{STREET}|{PHONE}\r"
        f"PV1|1|{'|' * 17}{VISIT}^^^^VN{'|' * 25}{when}\rDG1|1||J11.1^^I10\r"
        f"OBX|1|CWE|8661-1^Chief complaint^LN||^^^^^^^^fever, says {FAMILY}||||||F\r"
    ).encode()


def oru(area: str, when: str) -> bytes:
    return (
        f"MSH|^~\\&||Lab|||20260302084000||ORU^R01^ORU_R01|m|P|2.5.1\rPID|1||{MRN}||{FAMILY}^{HAN}||||||"
        f"{STREET}^^^^^^^^{area}||{PHONE}\rOBR|1|p|{VISIT}|94500-6^^LN|||{when}\r"
        f"OBX|1|CWE|94500-6^^LN||260373001^Detected^SCT||||||F\rNTE|1||seen by {FAMILY}\r"
    ).encode()


def fhir(area: str, when: str) -> bytes:
    patient = {"resourceType": "Patient", "id": MRN, "identifier": [{"value": CARD}],
               "name": [{"family": FAMILY, "text": HAN}], "telecom": [{"value": PHONE}],
               "address": [{"line": [STREET]}]}  # fmt: skip
    visit = {"resourceType": "Encounter", "id": VISIT, "status": "finished", "period": {"start": when},
             "class": {"code": "EMER"}, "subject": {"reference": f"Patient/{MRN}", "display": FAMILY},
             "serviceProvider": {"identifier": {"value": area}}}  # fmt: skip
    entries = [{"fullUrl": f"urn:{p['id']}", "resource": p} for p in (patient, visit)]
    return json.dumps({"resourceType": "Bundle", "type": "message", "entry": entries}, ensure_ascii=False).encode()


def table(area: str, when: str) -> bytes:
    head = "visit,name,姓名,card,phone,street,mrn,day,town,n"
    return f"{head}\n{VISIT},{FAMILY},{HAN},{CARD},{PHONE},{STREET},{MRN},{when},{area},1\n".encode()


MAKERS = {"adt": adt, "oru": oru, "fhir": fhir, "table": table}
GOOD, BAD_DAY, BAD_AREA = ("11", "20260301"), ("11", "20261301"), ("99", "20260301")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "city.toml").write_text(CITY, "utf-8")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    return open_desk(tmp_path, {})


@pytest.mark.parametrize("source", MAKERS)
def test_people_are_nowhere_but_in_the_bytes(desk: Desk, source: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made, mapped = MAKERS[source], desk.settings.source(source)
    site = Site(desk, "operator", clock=lambda: NOW)
    write = {"Authorization": "Bearer operator"}
    with TestClient(build(site)) as client:
        messages = [made(*case) for case in (GOOD, BAD_DAY, BAD_AREA)]
        messages += [messages[0][: len(messages[0]) // 2], messages[0].replace(b"20260301", b"20300101")]
        said = [client.post(f"{API}/sources/{source}/messages", content=m, headers=write) for m in messages]
        assert said[0].json()["accepted"] >= 1
        assert sum(r.json()["findings"] for r in said) >= 3, "nothing was wrong: nothing is tested"
        file = desk.directory / "sent.dat"
        file.write_bytes(made("11", "20260302"))
        loop.take(desk, mapped, file, NOW)
        loop.tick(desk, NOW)
        asked = ["sources", "findings", "health", "metrics", "alerts", "areas", "series?signal=ili&area=11", "city"]
        said += [client.get(f"{API}/{path}") for path in asked]
        assert {r.status_code for r in said} == {200}
    text = "\n".join([*(r.text for r in said), *rows(desk), repr(views.findings(desk, None, 1000)), caplog.text])
    assert [p for p in PLANTED if p in text] == []
    bytes_ = [bytes(r[0]) for r in desk.store.db.execute("SELECT raw FROM finding")]
    assert any(FAMILY.encode() in b for b in bytes_), "the bytes are there to be mended from"


def rows(desk: Desk) -> list[str]:
    """All that the store says, but for the bytes that came."""
    found = []
    for name in TABLES:
        asked = desk.store.db.execute(f"SELECT * FROM {name}")
        columns = [c[0] for c in asked.description]
        for row in asked.fetchall():
            found += [str(v) for c, v in zip(columns, row, strict=True) if (name, c) not in BYTES]
    return found


def test_the_look_would_find_them(desk: Desk) -> None:
    """A name in a cell that the mapping reads as a place is told in its finding: the look sees it there."""
    loop.receive(desk, desk.settings.source("table"), table(FAMILY, "2026-03-01"), "POST", NOW)
    assert any(FAMILY in r for r in rows(desk))
