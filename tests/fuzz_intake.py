"""What fuzz.py gives to the doors that bytes come by: frames, topics, listings, feed settings, requests with bodies."""

import functools
import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import MQTTMessage
from starlette.testclient import TestClient

from feed.lines import ROWS, VISITS, adt, row
from server import small
from server.test_messages import zstd
from tables import NOW
from tocsin import config, loop
from tocsin.config import SourceTable
from tocsin.config.feeds import SftpFeed
from tocsin.desk import Desk, open_desk
from tocsin.errors import TocsinError
from tocsin.feed import memory, mqtt, sftp, sftp_line
from tocsin.feed.contract import Message
from tocsin.feed.folder import Stamp
from tocsin.feed.frames import END, HEAD, START, Frames
from tocsin.feed.hl7_ack import acknowledge, header
from tocsin.server.app import API, build
from tocsin.server.site import Site

MOST = 200
FEEDS = [
    'kind = "mllp"\nhost = "0.0.0.0"\nport = 2575\ncert = "a.pem"\nkey = "a.key"\nca = "ca.pem"\nidle = 3.5\n',
    'kind = "mqtt"\nhost = "b"\ntopic = ["a/#", "b"]\ntls = true\nuser = "u"\npassword = "${P}"\nversion = "3.1.1"\n',
    'kind = "kafka"\nservers = ["k:9092"]\ntopic = "t"\nuser = "u"\npassword_file = "p"\nmechanism = "SCRAM-SHA-256"\n',
    'kind = "poll"\nurl = "https://h/p?q=1"\nheaders = { Cookie = "Bearer ${T}" }\nnext = "/a/b"\nseconds = 1.5\n',
    'kind = "sftp"\nhost = "h"\nuser = "u"\nknown_hosts = "k"\nkey = "id"\nfiles = "*.csv"\nafter = "move"\n',
]
KNOWN = b"""# ours
[sftp.example]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqvBfVQyZG8Zl7iC0sSTUPh2t5Tl4UZI8mWDpHqLs0a
@cert-authority *.example,!bad.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqvBfVQyZG8Zl7iC0sSTUPh2t5Tl4UZI8mWDpHqLs0a
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 \
AAAAC3NzaC1lZDI1NTE5AAAAIJqvBfVQyZG8Zl7iC0sSTUPh2t5Tl4UZI8mWDpHqLs0a
"""


def targets() -> dict[str, tuple[list[bytes], Callable[[bytes], object]]]:
    """Samples and what to do with changes of them, by name."""
    framed = [START + adt("C1") + END, START + adt("C2", more="|||AL|NE") + b"\x1c" + START + adt("C3") + END]
    listing = b"a.csv\n\xb7\xa2\xc8\xc8.csv\n../b.csv\n.c.csv\nd.csv.part\ne.csv.taken\n"
    remembered = json.dumps({"of": ["x"], "memory": {"taken": {"a.csv": [5, 7], "%B7.csv": [1, 2]}}}).encode()
    case = json.dumps(
        {"source": "hospital", "key": "k", "signal": "ed.ili", "area": "11", "reference_time": "2026-03-01"}
    )
    table = b"id,day,town\nk1,2026-03-01,11\n"
    bombs = [
        gzip.compress(b"[" + b" " * (24 << 20)),
        zstd.compress(b"\n" * (16 << 20)),
        gzip.compress(b"{" * (24 << 20)),
    ]
    return {
        "mllp frames": (framed, _framed),
        "mqtt message": ([b"epi/1/rows\n" + row("a"), "epi/发热\n".encode() + row("b")], _published),
        "feed settings": ([f.encode() for f in FEEDS], _set),
        "sftp listing": ([listing], _listed),
        "sftp memory": ([remembered], _remembered),
        "known hosts": ([KNOWN], _trusted),
        "http bodies": (
            [*(bytes([n]) + b for n, b in enumerate((case.encode(), f"[{case}]".encode(), table, b"[]", b"") * 3)),
             *(bytes([n]) + bomb for n in (3, 4, 5, 6, 7, 8) for bomb in bombs)],
            _posted,
        ),
    }  # fmt: skip


def _framed(data: bytes) -> None:
    """However a stream is cut into pieces, the same messages come of it; every one of them can be answered."""
    whole = Frames(MOST)
    found = whole.feed(data)
    assert all(len(f.data) <= (HEAD if f.too_long else MOST) for f in found)
    size = 1 + hashlib.sha256(data).digest()[0] % 97
    pieces, cut = Frames(MOST), []
    for at in range(0, len(data), size):
        cut += pieces.feed(data[at : at + size])
        assert len(pieces._held) <= MOST + HEAD + size, "it holds more than a message"
    # A message that is too long may be known for one sooner, and then keeps another head.
    assert [(f.too_long or f.data, f.too_long) for f in cut] == [(f.too_long or f.data, f.too_long) for f in found]
    for f in found:
        asked = header(f.data)
        for verdict in ("A", "E", "R"):
            for answer in acknowledge(asked, verdict, "why | not ^ \r so", "20260302080000+0000", "T1"):  # type: ignore[arg-type]
                assert answer.startswith(b"MSH")
                assert START not in answer
                assert b"\x1c" not in answer


@functools.cache
def _desk() -> Desk:
    folder = small.city(Path(tempfile.mkdtemp(prefix="tocsin-fuzz-")) / "city")
    with (folder / "city.toml").open("a", encoding="utf-8") as out:
        out.write(ROWS + VISITS)
    return open_desk(folder, {})


class _TakenBack(Exception):
    """Nothing of it stays in the store."""


def received(source: SourceTable, message: Message) -> None:
    """What a feed's message comes to, written and taken back."""
    desk = _desk()
    assert message.name.isprintable(), "findings show it"
    try:
        with desk.store.transaction():
            loop.receive(desk, source, message.data, message.name, NOW)
            raise _TakenBack
    except _TakenBack:
        pass


def _published(data: bytes) -> None:
    topic, _, payload = data.partition(b"\n")
    came = MQTTMessage(topic=topic)
    came.payload = payload
    received(_desk().settings.source("rows"), mqtt._message(came))


def _set(data: bytes) -> None:
    config.parse(f"{small.TOML}{ROWS}[sources.feed]\n{data.decode('utf-8', 'replace')}")


@functools.cache
def _sftp() -> sftp.Sftp:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))
    (folder / "k").write_bytes(KNOWN)
    feed = SftpFeed(host="h", user="u", known_hosts="k", password="${P}", files="*.csv")
    return sftp.Sftp(feed, "s", folder, {"P": "x"}, lambda: NOW)


def _listed(data: bytes) -> None:
    """Only names that were asked for are taken, and none leads out of its folder on a page or in a log."""
    feed = _sftp()
    names = {n: Stamp(len(n), 1) for n in data.split(b"\n") if n}
    for name in feed._ours(names):
        assert name.endswith(b".csv")
        assert not name.startswith(b".")
        message = feed._message(name, b"x")
        assert message.name.isprintable()
    kept = {sftp.quote_from_bytes(n): list(s) for n, s in names.items()}
    assert sftp._taken(json.loads(json.dumps({"taken": kept}))) == names


def _remembered(data: bytes) -> None:
    file = Path(tempfile.gettempdir()) / "tocsin-fuzz-memory.json"
    file.write_bytes(data)
    for name, stamp in sftp._taken(memory.read(file, ["x"])).items():
        assert isinstance(name, bytes)
        assert stamp == Stamp(int(stamp.size), int(stamp.modified_ns))


def _trusted(data: bytes) -> None:
    file = Path(tempfile.gettempdir()) / "tocsin-fuzz-known"
    file.write_bytes(data)
    for host, port in (("sftp.example", 2222), ("bad.example", 22)):
        sftp_line.known_hosts(file).match(host, "", port)
    with_key = Path(tempfile.gettempdir()) / "tocsin-fuzz-key"
    with_key.write_bytes(data)
    try:
        sftp_line.private_key(with_key, "")
    except TocsinError:
        return


@functools.cache
def _web() -> TestClient:
    site = Site(_desk(), "t", clock=lambda: NOW)
    return TestClient(build(site), raise_server_exceptions=True)


DOORS = ["/events", "/stream", "/sources/inbox/messages"]
PACKINGS = ["identity", "gzip", "zstd", "br"]
KINDS = ["application/json", "application/x-ndjson", "text/csv", "application/x-ndjson; charset=gb18030"]


def _posted(data: bytes) -> None:
    """Any body by any door, packed or said to be, is answered with less than 500; a stream also by its last line."""
    way = data[0] if data else 0
    door = DOORS[way % 3]
    headers: dict[str, Any] = {"Authorization": "Bearer t", "Content-Encoding": PACKINGS[way // 3 % 4]}
    headers["Content-Type"] = "application/x-ndjson" if door == "/stream" and way < 128 else KINDS[way // 12 % 4]
    got = _web().post(f"{API}{door}", content=data[1:], headers=headers)
    assert got.status_code < 500, got.text
    said = [json.loads(line) for line in got.content.splitlines()]
    assert said
    codes = {s["error"]["code"] for s in said if "error" in s}
    assert not codes & {"internal", "failed", "store"}, said[-1]
