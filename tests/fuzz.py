"""Changed samples to every parser: no exception that a user would see as a traceback, no hang, no flood of memory.

python tests/fuzz.py --minutes 10 --seed 1               every parser in turn; the input that fails is kept
python tests/fuzz.py --target hl7-adt --input FILE        that input again
"""

import argparse
import functools
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "src")]

import httpx2 as httpx  # noqa: E402 - after the path is set
import msgspec  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402 - after the path is set

import fuzz_intake  # noqa: E402
from messages import SAMPLES  # noqa: E402
from server import small  # noqa: E402
from tables import AREAS, CITY, GOOD, MAPPING, NOW, WRITERS, read, settings  # noqa: E402
from tocsin import config  # noqa: E402
from tocsin.areas import parse_areas  # noqa: E402
from tocsin.calendar import Step, parse_as_of, zone  # noqa: E402
from tocsin.desk import open_desk  # noqa: E402
from tocsin.errors import TocsinError  # noqa: E402
from tocsin.ingest import push, syndromes  # noqa: E402
from tocsin.ingest.propose import propose  # noqa: E402
from tocsin.scan import prm  # noqa: E402
from tocsin.server import wire  # noqa: E402
from tocsin.server.app import API, build  # noqa: E402
from tocsin.server.site import Site  # noqa: E402
from tocsin.types import Event, Finding  # noqa: E402

APART = ("parquet", "propose parquet")  # may end the process: Tocsin tries each file in one of its own first
SECONDS, MEGABYTES, SIZE = 5.0, 300, 1 << 16  # what one input of at most SIZE bytes may take
TOKENS = [
    b"", b"\0", b"\x0b", b"\x1c\r", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x84\x31\x95\x33",
    b"\xc0\x80",
    b"NaN", b"1e999", b"-1e-999", b"-0", b"9" * 400, b"0x1", b"9999-99-99", b"0000-00-00", b"2026-02-30T25:61",
    b"2026-03-01T00:00:00+99:99", b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b'"', b"'", b"\\", b"\\u0000",
    b"\\ud800",
    b"|^~\\&", b"MSH|", b"^^^^", b"~" * 500, b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"]]>", b"null",
    b"true", b"{}", b"[]", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"\x1b[31m", b"=cmd()", b"../../", b"%00", b"%ff",
    b"&", b"?",
    b"\xff" * 9, b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
]  # fmt: skip


class Target(NamedTuple):
    """A parser: samples to change, and what to do with bytes. What users are told in a sentence may be raised."""

    samples: list[bytes]
    run: Callable[[bytes], object]


class Failure(Exception):
    """What an input did."""


def text_of(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


def checked(data: bytes, city: config.Settings) -> None:
    """Everything in a file is an event or a finding that says something."""
    for item in read(data, city):
        assert isinstance(item, Event | Finding)
        assert (item.key and item.area in AREAS) if isinstance(item, Event) else (item.code and item.message)


@functools.cache
def targets() -> dict[str, Target]:
    """Every parser there is, by name."""
    plain = settings()
    found = {n: Target([write(GOOD)], functools.partial(checked, city=plain)) for n, write in WRITERS.items()}
    for name, sample in SAMPLES.items():
        city = settings(*sample.mapping(name))
        found[name] = Target([sample.write(GOOD)], functools.partial(checked, city=city))
        found[f"propose {name}"] = Target(
            [sample.write(GOOD)],
            functools.partial(
                propose, name="x", format_=name.partition("|")[0], tree=AREAS, settings=plain, received=NOW
            ),
        )
    every = [t.samples[0] for n, t in found.items() if n in WRITERS or n in SAMPLES]
    guess = functools.partial(propose, name="x", format_="auto", tree=AREAS, settings=plain, received=NOW)
    found["propose"] = Target(every, guess)
    case = b'{"source":"clinic","key":"k","signal":"flu","area":"11","reference_time":"2026-03-01","value":1}'
    pushed = [b"[" + case + b"]", case + b"\n" + case, b'[{"source":"clinic","value":null}]']
    found["push"] = Target(pushed, lambda d: list(push.parse(d, settings=plain, tree=AREAS, received=NOW)))
    found["note"] = Target([b'{"action":"comment","who":"a","text":"b"}'], _note)
    found["city.toml"] = Target([(CITY + MAPPING).encode(), small.TOML.encode()], text_of(config.parse))
    found["areas"] = Target([small.AREAS.encode()], lambda d: parse_areas(d, {}, "areas.csv"))
    found["terms"] = Target([b"syndrome,kind,term\nili,text,fever\nili,code,J11\n"],
                            text_of(lambda t: list(syndromes.read_terms(t, "f"))))  # fmt: skip
    found["as of"] = Target([b"2026-03-01", b"2026-03-01T10:00:00Z"], _as_of)
    found["step"] = Target([b"1d", b"15min", b"2w"], text_of(Step.parse))
    found["prm"] = Target([b"[Input]\nCaseFile=a.cas\nStartDate=2001/1/1\nEndDate=2002/1/1\nAnalysisType=3\n"],
                          text_of(prm.read))  # fmt: skip
    found["query"] = Target([f"/{p}".encode() for p in QUERIES], _asked)
    return found | {name: Target(*t) for name, t in fuzz_intake.targets().items()}


QUERIES = (
    "city", "signals", "areas?level=town", "areas.geojson",
    "series?signal=ed.ili&area=11&from=2026-01-01&as_of=2026-03-01",
    "explain?signal=ed.ili&area=11&time=2026-03-01&detector=ears_c2", "map?signal=ed.ili&level=town",
    "clusters?signal=ed.ili", "alerts?state=new&phase=open&limit=5", "alerts/abc", "sources",
    "findings?source=hospital&limit=2", "health", "metrics",
)  # fmt: skip


def _note(data: bytes) -> None:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):  # 422
        msgspec.json.decode(data, type=wire.NewNote)


def _as_of(data: bytes) -> None:
    with suppress(ValueError, OverflowError):  # its caller turns them into a sentence
        parse_as_of(data.decode("utf-8", "replace"), zone("Asia/Shanghai"))


@functools.cache
def _client() -> TestClient:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))
    site = Site(open_desk(small.city(folder / "city"), {}), "t", clock=lambda: NOW)
    return TestClient(build(site), raise_server_exceptions=True)


def _asked(data: bytes) -> None:
    """A path and query as a careless client sends them; no answer is 500."""
    path = data[:2000].decode("latin-1")
    if path.startswith("/live"):
        return  # never ends
    try:
        url = httpx.URL(f"http://testserver{API}{path}")
    except (httpx.InvalidURL, ValueError):
        return  # not sent
    if url.path.rstrip("/").endswith("/live"):
        return
    got = _client().get(url)
    assert got.status_code < 500, got.text


def changed(samples: list[bytes], chance: random.Random) -> bytes:
    """A sample after a few changes."""
    data = bytearray(chance.choice(samples))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.choice((0, 1, 1, 2, 8, 64)))
        kind = chance.randrange(7)
        if kind == 0:
            data[at:to] = chance.choice(TOKENS)
        elif kind == 1:
            data[at:to] = chance.randbytes(to - at)
        elif kind == 2:
            del data[at:to]
        elif kind == 3:
            data[at:at] = data[at : at + chance.randint(1, 40)] * chance.choice((1, 2, 50))
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            other = chance.choice(samples)
            cut = chance.randint(0, len(other))
            data[at:to] = other[cut : cut + chance.randint(1, 200)]
        elif data and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data[:SIZE])


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Failure after so many seconds."""

    def over(*_: Any) -> None:
        raise Failure(f"no end after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tried(target: Target, data: bytes, seconds: float = SECONDS) -> None:
    """Failure if the parser raises what is none of ours, does not end, or takes too much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with bounded(seconds):
            target.run(data)
    except (TocsinError, Failure) as e:
        if isinstance(e, Failure):
            raise
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # a panic of a native library is no Exception
        raise Failure(f"{type(e).__name__}: {e}\n{traceback.format_exc()}") from e
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > MEGABYTES:
        raise Failure(f"{grown:.0f} MB for {len(data)} bytes")


def low_water() -> None:
    """Let the peak of this process's memory be counted anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def fuzz(name: str, seed: object, inputs: int) -> None:
    """So many inputs to one parser; Failure with how to see it again."""
    target, chance = targets()[name], random.Random(f"{name} {seed}")
    for sample in target.samples:
        tried(target, sample, 60.0)  # the first may have to load and compile
    low_water()
    for _ in range(inputs):
        data = changed(target.samples, chance)
        try:
            tried(target, data)
        except Failure as e:
            kept = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-")) / "input"
            kept.write_bytes(data)
            again = f"{sys.executable} {Path(__file__)} --target '{name}' --input {kept}"
            raise Failure(f"{name}: {e}\ninput: {data[:300]!r}\nagain: {again}") from e


def apart(name: str, seed: str) -> None:
    """As `fuzz`, in a process of its own; that the decoder ends it is no failure: see tocsin.feed.trial."""
    args = [sys.executable, __file__, "--target", name, "--seed", seed, "--once"]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    if done.returncode > 0:
        raise Failure(done.stdout + done.stderr)


def main() -> int:
    """Rounds over all parsers until the time is over; every failure is printed, 1 if there was one."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--seed", default="1")
    asked.add_argument("--once", action="store_true", help="one round, here")
    asked.add_argument("--target", choices=sorted(targets()), action="append")
    asked.add_argument("--input", type=Path)
    a = asked.parse_args()
    if a.input:
        tried(targets()[a.target[0]], a.input.read_bytes())
        return 0
    end, names, done, failed = time.monotonic() + 60 * a.minutes, a.target or list(targets()), 0, set()
    round_ = 0
    while time.monotonic() < end and len(failed) < len(names):
        for name in [n for n in names if n not in failed]:
            try:
                if name in APART and not a.once:
                    apart(name, f"{a.seed} {round_}")
                else:
                    fuzz(name, f"{a.seed} {round_}", 300)
                done += 300
            except Failure as e:
                failed.add(name)
                print(f"FAILED {e}\n", flush=True)
        round_ += 1
        if a.once:
            break
        print(f"round {round_}: {done:,} inputs to {len(names)} parsers, {len(failed)} of them failed", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
