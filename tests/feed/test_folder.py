"""A watched folder gives each file once, when it has stopped growing, and again when it changes."""

import os
from pathlib import Path

from tables import settings
from tocsin.feed.folder import QUIET_SECONDS, Seen, poll, took

SOURCE = settings(source='files = "inbox/*.csv*"').source("clinic")


def put(path: Path, data: bytes, modified: int = 1_700_000_000) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (modified, modified))
    return path


def settled(base: Path, seen: Seen, now: float) -> list[str]:
    poll(base, SOURCE, seen, now)
    return [p.name for p in poll(base, SOURCE, seen, now + QUIET_SECONDS)]


def test_a_new_file_is_ready_when_it_has_been_still(tmp_path: Path) -> None:
    seen = Seen()
    path = put(tmp_path / "inbox" / "a.csv", b"1")
    assert poll(tmp_path, SOURCE, seen, 0) == []
    assert poll(tmp_path, SOURCE, seen, QUIET_SECONDS / 2) == []
    assert poll(tmp_path, SOURCE, seen, QUIET_SECONDS) == [path]
    assert poll(tmp_path, SOURCE, seen, QUIET_SECONDS + 1) == [path]
    took(path, seen)
    assert settled(tmp_path, seen, 10) == []


def test_a_growing_file_waits(tmp_path: Path) -> None:
    seen = Seen()
    for i in range(5):
        put(tmp_path / "inbox" / "a.csv", b"x" * (i + 1))
        assert poll(tmp_path, SOURCE, seen, i * QUIET_SECONDS) == []
    assert poll(tmp_path, SOURCE, seen, 5 * QUIET_SECONDS) == [tmp_path / "inbox" / "a.csv"]


def test_a_changed_file_comes_again(tmp_path: Path) -> None:
    seen = Seen()
    path = put(tmp_path / "inbox" / "a.csv", b"1")
    assert settled(tmp_path, seen, 0) == ["a.csv"]
    took(path, seen)
    put(path, b"2", modified=1_700_000_001)
    assert settled(tmp_path, seen, 10) == ["a.csv"]
    took(path, seen)
    put(path, b"2", modified=1_700_000_002)
    assert settled(tmp_path, seen, 20) == ["a.csv"]
    took(path, seen)
    assert settled(tmp_path, seen, 30) == []


def test_oldest_first_and_nothing_half_done(tmp_path: Path) -> None:
    seen = Seen()
    put(tmp_path / "inbox" / "b.csv", b"1", modified=1)
    put(tmp_path / "inbox" / "a.csv", b"2", modified=2)
    put(tmp_path / "inbox" / ".c.csv", b"3")
    put(tmp_path / "inbox" / "d.csv.part", b"4")
    put(tmp_path / "inbox" / "e.txt", b"5")
    (tmp_path / "inbox" / "f.csv").mkdir()
    assert settled(tmp_path, seen, 0) == ["b.csv", "a.csv"]


def test_a_file_that_went_away_is_forgotten(tmp_path: Path) -> None:
    seen = Seen()
    path = put(tmp_path / "inbox" / "a.csv", b"1")
    poll(tmp_path, SOURCE, seen, 0)
    path.unlink()
    assert poll(tmp_path, SOURCE, seen, 10) == []
    assert not seen.waiting


def test_a_source_that_watches_nothing(tmp_path: Path) -> None:
    assert poll(tmp_path, settings().source("clinic"), Seen(), 0) == []
