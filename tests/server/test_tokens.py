"""Tokens of their own: what each lets its holder do and what not, revoked and rotated, and kept as digests alone."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tocsin import cli, loop
from tocsin.calendar import end_of_day
from tocsin.desk import open_desk
from tocsin.errors import ConfigError, InputError, NotFound, TocsinError
from tocsin.server import tokens
from tocsin.server.app import API, build
from tocsin.server.gate import BURST, Gate
from tocsin.server.refuse import Refused
from tocsin.server.site import Site
from tocsin.server.tokens import Holder, Tokens
from tocsin.store.copy import digests

from . import small
from .conftest import TOKEN, WRITE

NOW = 1_772_445_600_000_000  # 2026-03-02, 10:00 UTC
HOUR = 3_600_000_000
CASE = {"source": "hospital", "key": "k1", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
PAGE = b"id,day,town\nk1,2026-03-01,11\nk3,2026-03-01,12\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(open_desk(small.city(tmp_path / "city"), {}), TOKEN, clock=lambda: NOW)
    yield made
    made.desk.store.close()


@pytest.fixture
def real(site: Site) -> Iterator[TestClient]:
    with TestClient(build(site)) as client:
        yield client


def made(site: Site, name: str = "east", **bounds: Any) -> dict[str, str]:
    """Headers with a new token; may push for the hospital unless told."""
    holder = Holder(name, **{"may": ["push"], "sources": ["hospital"], **bounds})
    return bearer(tokens.new(site.desk.directory, holder, NOW))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def push(real: TestClient, headers: dict[str, str], *records: dict[str, Any]) -> Any:
    return real.post(f"{API}/events", json=list(records), headers=headers)


@pytest.mark.parametrize(
    ("bounds", "record", "words"),
    [
        ({}, {"source": "inbox"}, "source 'inbox'"),
        ({}, {"source": "nobody's"}, "source"),
        ({"signals": ["ww.sars2"]}, {}, "signal 'ed.ili'"),
        ({"areas": ["12"]}, {}, "area '11'"),
        ({"areas": ["12"]}, {"area": "unheard of"}, "area '1'"),  # it would count in the city as a whole
        ({}, {"reference_time": "2026-01-01", "report_time": "2026-01-02"}, "59 days late"),
        ({"back_days": 1}, {"report_time": "2026-03-01T09:59:00Z"}, "1 days late"),
    ],
)
def test_one_record_beyond_the_bounds_and_nothing_is_taken(real, site, bounds, record, words) -> None:
    mine = made(site, **bounds)
    before = digests(site.desk.store)
    good = CASE | {"area": "12", "signal": "ww.sars2", "value": 2.0}
    refused = push(real, mine, good, CASE | record)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "not-yours"
    assert words in refused.json()["error"]["message"]
    assert digests(site.desk.store) == before
    assert push(real, WRITE, CASE | record).status_code == 200, "the operator's token has no such bounds"


def test_within_its_bounds_a_token_writes(real, site) -> None:
    mine = made(site, signals=["ed.ili"], areas=["11"], back_days=31)
    said = push(real, mine, CASE | {"report_time": "2026-03-02T08:00:00Z"}).json()  # a sender two hours late
    assert said["accepted"] == 1
    assert push(real, made(site, "whole", areas=["1"]), CASE | {"key": "k2"}).json()["accepted"] == 1
    late = made(site, "archive", back_days=0)
    assert push(real, late, CASE | {"key": "k3", "report_time": "2025-03-02"}).json()["accepted"] == 0  # before the day
    assert push(real, late, CASE | {"key": "k4", "reference_time": "2025-03-01", "report_time": "2025-03-02"}).json()[
        "accepted"
    ]


def test_messages_of_another_source_are_not_even_read(real, site) -> None:
    path = f"{API}/sources/inbox/messages"
    assert real.post(path, content=PAGE, headers=made(site)).status_code == 403
    mine = made(site, "inbox-sender", sources=["inbox"])
    assert real.post(path, content=PAGE, headers=mine).json()["accepted"] == 2
    narrow = made(site, "narrow", sources=["inbox"], areas=["11"])
    refused = real.post(path, content=PAGE.replace(b"k", b"m"), headers=narrow)
    assert refused.status_code == 403
    assert site.desk.store.db.execute("SELECT COUNT(*) FROM message").fetchone() == (1,)


def test_roles_are_apart_and_notes_say_whose_token_it_was(real, site) -> None:
    assert push(real, WRITE, *small.outbreak(site.desk.day(NOW))).status_code == 200
    alert = loop.tick(site.desk, end_of_day(site.desk.day(NOW), site.desk.tz)).opened[0]
    site.clock = lambda: NOW + 24 * HOUR
    path, note = f"{API}/alerts/{alert}/notes", {"action": "acknowledge", "who": "on duty", "text": ""}
    sender, desk = made(site), made(site, "duty-desk", may=["triage"], sources=[])
    assert real.post(path, json=note, headers=sender).status_code == 403
    assert push(real, desk, CASE).status_code == 403
    detail = real.post(path, json=note, headers=desk)
    assert detail.status_code == 201
    assert "on duty (duty-desk)" in [n["who"] for n in detail.json()["notes"]]
    can = {name: real.get(f"{API}/city", headers=h).json()["can_write"] for name, h in (("s", sender), ("d", desk))}
    assert can == {"s": False, "d": True}


def test_revoked_rotated_and_ended_tokens(real, site) -> None:
    folder = site.desk.directory
    old = made(site)
    new = bearer(tokens.rotate(folder, "east", NOW, HOUR))
    assert [push(real, h, CASE).status_code for h in (old, new)] == [200, 200]
    site.clock = lambda: NOW + HOUR
    assert [push(real, h, CASE).status_code for h in (old, new)] == [401, 200]
    tokens.rotate(folder, "east", NOW + HOUR, 0)
    assert push(real, new, CASE).status_code == 401
    brief = bearer(tokens.new(folder, Holder("brief", ["push"], ["hospital"]), NOW, NOW + 2 * HOUR))
    assert push(real, brief, CASE).status_code == 200
    tokens.revoke(folder, "brief")
    assert push(real, brief, CASE).status_code == 401
    with pytest.raises(NotFound, match="east"):
        tokens.revoke(folder, "brief")
    with pytest.raises(InputError, match="rotate"):
        tokens.new(folder, Holder("east", ["push"]), NOW)


def test_a_file_that_cannot_be_read_lets_nobody_in_but_the_operator(real, site) -> None:
    mine = made(site)
    assert push(real, mine, CASE).status_code == 200
    (site.desk.directory / tokens.FILE).write_text("[{")
    assert push(real, mine, CASE).status_code == 500
    assert push(real, WRITE, CASE).status_code == 200
    with pytest.raises(ConfigError, match=r"tokens\.json"):
        Tokens(site.desk.directory).find("x", NOW)
    (site.desk.directory / tokens.FILE).unlink()
    assert push(real, mine, CASE).status_code == 401


def test_asking_too_often_is_told_when_to_come_again(real, site) -> None:
    at = 0.0
    site.gate = Gate(lambda: at)
    mine = made(site, rate=0.2)
    assert [push(real, mine, CASE).status_code for _ in range(3)] == [200, 200, 429]
    refused = push(real, mine, CASE)
    assert refused.json()["error"]["code"] == "too-often"
    assert refused.headers["retry-after"] == "5"
    assert push(real, made(site, "other"), CASE).status_code == 200, "one must not stop another"
    at = 5.0
    assert push(real, mine, CASE).status_code == 200


@given(st.floats(0.01, 1000), st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_never_more_than_the_rate_and_a_burst(rate: float, gaps: list[float]) -> None:
    at, entered = 0.0, 0
    gate, holder = Gate(lambda: at), Holder("x", ["push"], rate=rate)
    for gap in gaps:
        at += gap
        try:
            gate.enter(holder)
            entered += 1
        except Refused as e:
            at += float(e.headers["Retry-After"])
            gate.enter(holder)  # whoever waits as told is let in
            entered += 1
    assert entered <= max(1.0, BURST * rate) + at * rate + 1e-6


def run(city: Path, *args: str) -> str:
    done = CliRunner().invoke(cli._tocsin, ["token", *args, "--city", str(city)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_prints_a_token_once_and_keeps_its_digest(tmp_path: Path) -> None:
    city = small.city(tmp_path / "city")
    token = run(city, "new", "east", "--source", "hospital", "--area", "11", "--days", "30").strip()
    other = run(city, "rotate", "east").strip()
    file = city / tokens.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for shown in (file.read_text(), run(city, "list"), run(city, "list", "--json")):
        assert token not in shown
        assert other not in shown
    (row,) = json.loads(run(city, "list", "--json"))
    assert (row["name"], row["may"], row["sources"], row["areas"]) == ("east", ["push"], ["hospital"], ["11"])
    assert len(row["until"]) == 2
    run(city, "revoke", "east")
    assert json.loads(run(city, "list", "--json")) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["east"], "--source"),
        (["east", "--source", "nobody"], "hospital"),
        (["east", "--source", "hospital", "--signal", "x"], "ed.ili"),
        (["east", "--source", "hospital", "--area", "x"], "no area"),
        (["../x", "--triage"], "lower-case"),
    ],
)
def test_a_token_that_would_be_for_nothing_is_refused(tmp_path: Path, args: list[str], words: str) -> None:
    city = small.city(tmp_path / "city")
    done = CliRunner().invoke(cli._tocsin, ["token", "new", *args, "--city", str(city)])
    assert isinstance(done.exception, TocsinError)
    assert words in str(done.exception)
    assert not (city / tokens.FILE).exists()


def test_a_stream_is_bounded_too(real, site) -> None:
    headers = made(site) | {"Content-Type": "application/x-ndjson"}
    lines = [json.dumps(CASE | {"key": f"s{i}", "source": s}) for i, s in enumerate(["hospital", "inbox"])]
    assert '"accepted":1' in real.post(f"{API}/stream", content=lines[0], headers=headers).text
    assert "not-yours" in real.post(f"{API}/stream", content=lines[1], headers=headers).text
    desk = made(site, "desk", may=["triage"]) | {"Content-Type": "application/x-ndjson"}
    assert real.post(f"{API}/stream", content=lines[0], headers=desk).status_code == 403
