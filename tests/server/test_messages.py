"""A source's own format pushed, packed bodies, and bodies that pretend."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tocsin import loop
from tocsin.desk import open_desk
from tocsin.server.app import API, build
from tocsin.server.site import Site
from tocsin.store import deliveries

from . import small
from .conftest import TOKEN, WRITE
from .test_writes import EVENT

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOW = 1_772_445_600_000_000
PAGE = b"id,day,town\nk1,2026-03-01,11\nk2,2026-02-30,11\nk3,2026-03-01,12\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(open_desk(small.city(tmp_path / "city"), {}), TOKEN, clock=lambda: NOW)
    yield made
    made.desk.store.close()


@pytest.fixture
def real(site: Site) -> Iterator[TestClient]:
    with TestClient(build(site)) as client:
        yield client


def test_a_message_is_mapped_kept_and_once(real: TestClient, site: Site) -> None:
    path = f"{API}/sources/inbox/messages"
    got = real.post(path, content=PAGE, headers=WRITE).json()
    assert (got["accepted"], got["duplicates"], got["findings"]) == (2, 0, 1)
    assert [(p["line"], p["field"], p["code"]) for p in got["problems"]] == [(3, "day", "bad-date")]
    again = real.post(path, content=PAGE, headers=WRITE).json()
    assert (again["accepted"], again["duplicates"], again["findings"]) == (0, 2, 1)  # it is as wrong as before …
    assert again["problems"] == got["problems"]
    (sha,) = [r[0] for r in site.desk.store.db.execute("SELECT sha256 FROM delivery")]
    assert deliveries.read_message(site.desk.store, sha) == PAGE
    row = next(s for s in real.get(f"{API}/sources").json() if s["name"] == "inbox")
    assert (row["events"], row["duplicates"], row["findings_open"]) == (2, 2, 1)  # … and that is kept once
    real.post(path, content=PAGE.replace(b"k1", b"k9"), headers=WRITE)  # another message closes nothing of this one
    row = next(s for s in real.get(f"{API}/sources").json() if s["name"] == "inbox")
    assert row["findings_open"] == 2


def test_unknown_sources_and_strangers_are_refused(real: TestClient) -> None:
    assert real.post(f"{API}/sources/inbox/messages", content=PAGE).status_code == 401
    for name in ("nobody", "hospital"):  # the hospital has no mapping
        got = real.post(f"{API}/sources/{name}/messages", content=PAGE, headers=WRITE)
        assert (got.status_code, "inbox" in got.json()["error"]["message"]) == (404, True)
    assert real.post(f"{API}/sources/inbox/messages", content=b"", headers=WRITE).json()["findings"] == 1


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_packed_bodies(real: TestClient, encoding: str, pack) -> None:
    headers = {**WRITE, "Content-Encoding": encoding, "Content-Type": "application/x-ndjson"}
    line = b'{"source":"hospital","key":"%d","signal":"ed.ili","area":"11","reference_time":"2026-03-01"}'
    lines = b"\n".join(line % n for n in range(500))
    assert real.post(f"{API}/events", content=pack(lines), headers=headers).json()["accepted"] == 500
    assert real.post(f"{API}/events", content=lines, headers=headers).status_code == 400
    assert real.post(f"{API}/events", content=pack(lines)[:-5], headers=headers).status_code == 400
    assert real.post(f"{API}/events", content=pack(lines) + pack(lines), headers=headers).status_code == 400
    bomb = pack(b" " * (200 << 20))
    assert len(bomb) < 1 << 20
    assert real.post(f"{API}/events", content=bomb, headers=headers).status_code == 413
    assert real.post(f"{API}/sources/inbox/messages", content=pack(PAGE), headers=headers).json()["accepted"] == 2


def test_events_and_messages_of_other_types_are_told_what_is_taken(real: TestClient) -> None:
    raw = zlib.compress(b"[]")
    got = real.post(f"{API}/events", content=raw, headers={**WRITE, "Content-Encoding": "deflate"}, params={})
    assert got.status_code == 415
    assert real.post(f"{API}/events", json=[EVENT], headers=WRITE).json()["accepted"] == 1


def test_a_little_that_unpacks_to_much_is_refused_and_what_is_all_wrong_is_not_read_to_its_end(
    real: TestClient, site: Site
) -> None:
    """Each wrong row is a finding, which takes hundreds of times its room and many times its time."""
    path = f"{API}/sources/inbox/messages"
    wrong = b"id,day,town\n" + b'"\n' * (1 << 20)
    got = real.post(path, content=zstd.compress(wrong), headers=WRITE | {"Content-Encoding": "zstd"})
    assert (got.status_code, got.json()["error"]["code"]) == (413, "too-large")
    assert "times its size" in got.json()["error"]["message"]
    got = real.post(path, content=wrong, headers=WRITE).json()
    assert (got["accepted"], got["findings"]) == (0, loop.WRONG + 1)
    codes = site.desk.store.db.execute("SELECT code, COUNT(*) FROM finding GROUP BY code").fetchall()
    assert sorted(map(tuple, codes)) == [("too-many", 1), ("wrong-column-count", loop.WRONG)]
    honest = b"id,day,town\n" + b"".join(b"k%d,2026-03-01,11\n" % n for n in range(130_000))  # over 2 MiB
    got = real.post(path, content=zstd.compress(honest), headers=WRITE | {"Content-Encoding": "zstd"})
    assert (got.status_code, got.json()["accepted"]) == (200, 130_000), "tables shrink to a tenth or so"
