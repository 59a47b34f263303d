"""Whatever is thrown at `tocsin ingest`: findings and sentences, no traceback; good rows go on; raw bytes are kept."""

import gzip
import hashlib
import json
import os
import resource
import sqlite3

import pytest

from cli.conftest import HEAD, rows
from deadly import DEADLY
from tocsin.store.sqlite import FILE

GOOD = rows(0, 30)
PACKED = gzip.compress((HEAD + rows(0, 20000)).encode())
FILES = {  # what it is: (bytes, good rows that must have been taken)
    "empty": (b"", 0),
    "another encoding": ((HEAD + GOOD).encode("utf-16"), 30),
    "two encodings": (
        (HEAD + GOOD + "例,2026-03-01,2026-03-01,101,\n" * 2).encode()
        + "病,2026-03-01,2026-03-01,101,\n".encode("gb18030"),
        30,
    ),
    "torn gzip": (PACKED[: len(PACKED) // 2], 1000),
    "NUL bytes": (HEAD.encode() + b"a\0,2026-03-01,2026-03-02,101,\n" + GOOD.encode(), 30),
    "only NUL": (b"\0" * 3_000_000, 0),
    "1899": ((HEAD + "x,1899-12-30,2026-03-01,101,\ny,0000-00-00,2026-03-01,101,\n" + GOOD).encode(), 30),
    "swapped cells": ((HEAD + "x,101,2026-03-01,2026-03-01,1\ny,2026-03-09,2026-03-01,101,1\n" + GOOD).encode(), 30),
    "swapped header": ((HEAD.replace("id,onset", "onset,id") + GOOD).encode(), 0),
    "double header": (("id," + HEAD + GOOD).encode(), 0),
    "random": (os.urandom(300_000), 0),
    "deep JSON": (b"[" * 200_000 + b"]" * 200_000, 0),
    "no workbook": (b"PK\x03\x04" + b"x" * 1000, 0),
    "no Parquet": (b"PAR1" + b"x" * 1000 + b"PAR1", 0),
    "deadly Parquet": (DEADLY, 0),
    "deadly Parquet, gzip": (gzip.compress(DEADLY), 0),
    "many columns": ((",".join(["a"] * 200_000) + "\n" + GOOD).encode(), 0),
    "a long line": ((HEAD + "x" * 30_000_000 + "\n" + GOOD).encode(), 30),
    "markup": ((HEAD + "[/b],[/nope],\x1b[31m,[red]x,\n" + GOOD).encode(), 30),
}


@pytest.mark.parametrize("what", FILES)
def test_garbage_becomes_findings(what, tocsin, city):
    data, good = FILES[what]
    file = city / "in.csv"
    file.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = tocsin("ingest", file, "--source", "hospital", "--city", city, "--json")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    taken = json.loads(done.out)
    assert taken["accepted"] >= good
    assert taken["findings"] > 0 or what == "another encoding"
    assert done.code == (1 if taken["findings"] else 0)
    assert "Traceback" not in done.err
    assert grown < 120_000, f"{grown} KB for a file of {len(data) >> 10} KB"
    sha = hashlib.sha256(data).hexdigest()
    assert gzip.decompress((city / "raw" / sha[:2] / f"{sha}.gz").read_bytes()) == data
    told = tocsin("findings", "--city", city)
    assert "\x1b" not in told.out
    again = json.loads(tocsin("ingest", file, "--source", "hospital", "--city", city, "--json").out)
    assert (again["accepted"], again["before"]) == (0, True)
    # The mended file closes what was found.
    file.write_text(HEAD + GOOD, "utf-8")
    tocsin("ingest", file, "--source", "hospital", "--city", city)
    assert json.loads(tocsin("findings", "--city", city, "--json").out)["total"] == 0


def test_a_name_that_is_no_text(tocsin, city):
    file = os.path.join(os.fsencode(city), b"caf\xe9.csv")
    with open(file, "wb") as f:
        f.write((HEAD + GOOD + "x,bad,bad,101,\n").encode())
    done = tocsin("ingest", os.fsdecode(file), "--source", "hospital", "--city", city)
    assert done.code == 1
    assert "caf�.csv" in tocsin("findings", "--city", city).out


@pytest.mark.parametrize("what", ["nowhere.csv", "."])
def test_what_is_no_file_is_said(what, tocsin, city):
    done = tocsin("ingest", city / what, "--source", "hospital", "--city", city)
    assert done.code == 3
    assert "no such file" in done.err or "directory" in done.err


def test_an_area_added_later_closes_its_findings(tocsin, city):
    file = city / "in.csv"
    file.write_text(HEAD + "a,2026-03-01,2026-03-02,103,\n", "utf-8")
    assert tocsin("ingest", file, "--source", "hospital", "--city", city).code == 1
    with (city / "areas.csv").open("a") as f:
        f.write("103,1,district,南,South\n")
    assert tocsin("ingest", file, "--source", "hospital", "--city", city).code == 0
    assert json.loads(tocsin("findings", "--city", city, "--json").out)["total"] == 0
    known = tocsin("cube", "--signal", "ili", "--level", "district", "--as-of", "2026-03-02", "--city", city).out
    assert "103,2026-03-01,1" in known


def spoil(city, how):
    store = city / FILE
    db = sqlite3.connect(store)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for left in ("-wal", "-shm"):
        store.with_name(FILE + left).unlink(missing_ok=True)
    if how == "newer":
        db = sqlite3.connect(store)
        db.execute("PRAGMA user_version = 99")
        db.close()
    elif how == "noise":
        store.write_bytes(os.urandom(9000))
    elif how == "holes":
        data = bytearray(store.read_bytes())
        data[8192:] = b"\x55" * (len(data) - 8192)
        store.write_bytes(data)
    else:
        store.unlink()
        store.mkdir()


@pytest.mark.sqlite
@pytest.mark.parametrize("how", ["newer", "noise", "holes", "a directory"])
def test_a_store_that_cannot_be_used_is_said_in_a_sentence(how, tocsin, city):
    file = city / "in.csv"
    file.write_text(HEAD + rows(0, 3000), "utf-8")
    tocsin("ingest", file, "--source", "hospital", "--city", city)
    spoil(city, how)
    for command in (["alerts"], ["cube", "--signal", "ili", "--level", "city"], ["tick"]):
        done = tocsin(*command, "--city", city)
        assert done.code == 4
        assert done.err.startswith("tocsin: ")


@pytest.mark.sqlite
def test_a_full_disk_is_said_and_the_rest_goes_on_when_there_is_room(tocsin, city):
    file = city / "in.csv"
    file.write_text(HEAD + rows(0, 6000), "utf-8")
    tocsin("check", "--city", city)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        done = tocsin("ingest", file, "--source", "hospital", "--city", city)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done.code == 4
    assert "disk" in done.err
    assert tocsin("ingest", file, "--source", "hospital", "--city", city).code == 0
    known = tocsin("cube", "--signal", "ili", "--level", "city", "--as-of", "2026-04-01", "--city", city).out
    assert sum(int(line.split(",")[2] or 0) for line in known.splitlines()[1:]) == 6000
