"""A small city whose sources come by feeds, served without HTTP, and what its store holds."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from server import small
from tocsin import loop
from tocsin.desk import open_desk
from tocsin.errors import StoreError
from tocsin.server.feeds import Feeds
from tocsin.server.live import Broker
from tocsin.server.site import Site

NOW = 1_772_445_600_000_000  # 2026-03-02T10:00Z
PATIENCE = 60.0  # seconds for a busy machine; nothing here measures speed

VISITS = """
[[sources]]
name = "visits"
format = "hl7-adt"
[sources.mapping]
area = "PID-11.9"
signal = "ed.ili"
"""
ROWS = """
[[sources]]
name = "rows"
format = "jsonl"
[sources.mapping]
key = "id"
reference = "day"
area = "town"
signal = "ed.ili"
"""


def city(folder: Path, source: str, feed: str) -> Path:
    """The small city with one more source and its feed."""
    made = small.city(folder / "city")
    text = (made / "city.toml").read_text("utf-8")
    (made / "city.toml").write_text(f"{text}{source}[sources.feed]\n{feed}", "utf-8")
    return made


def row(key: str, town: str = "11") -> bytes:
    """One record of `rows`."""
    return b'{"id":"%s","day":"2026-03-01","town":"%s"}\n' % (key.encode(), town.encode())


def adt(control: str, visit: str = "v1", kind: str = "A04", told: str = "20260302090000", more: str = "") -> bytes:
    """One message of `visits`; `more` is what follows MSH-12."""
    segments = [
        f"MSH|^~\\&|ED|East^99^NPI|TOCSIN|CDC|{told}+0000||ADT^{kind}^ADT_A01|{control}|P|2.5.1{more}",
        "PID|1||33333^^^^MR||^^^^^^~^^^^^^S|||F|||^^^^^^^^11",
        f"PV1|1|{'|' * 17}{visit}^^^^VN{'|' * 25}202603020830+0000",
    ]
    return "".join(f"{s}\r" for s in segments).encode()


def stored(site: Site) -> tuple[int, int, int]:
    """Events, findings and messages that are in the store."""
    db = site.desk.store.db
    tables = ("event", "finding", "message")
    return tuple(db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in tables)  # type: ignore[return-value]


@asynccontextmanager
async def running(
    city: Path, env: Mapping[str, str] | None = None, leads: Callable[[], bool] = lambda: True
) -> AsyncIterator[tuple[Site, Feeds]]:
    """The city's feeds, running; ended as a server ends."""
    site = Site(open_desk(city, {}), clock=lambda: NOW, broker=Broker(first=1))
    feeds = Feeds(site, leads, env or {})
    site.open()
    feeds.start()
    try:
        yield site, feeds
    finally:
        site.close()
        await feeds.stop()
        site.desk.store.close()


async def until(true: Callable[[], Any], what: str = "") -> None:
    """Wait for something to become true, at most `PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"it did not happen: {what}"
        await asyncio.sleep(0.01)


def up(site: Site) -> Callable[[], bool]:
    """Whether all feeds of a site are up."""
    return lambda: all(s.state == "up" for s in site.feeds.values())


class Failing:
    """`loop.receive` while the store is away: `away` calls fail, the first `landed` of them after they have landed."""

    def __init__(self, away: int, landed: int = 0) -> None:
        self.away, self.landed, self.failed = away, landed, 0
        self._real = loop.receive

    def __call__(self, *args: Any) -> Any:
        if self.failed < self.away:
            self.failed += 1
            if self.failed <= self.landed:
                with args[0].store.transaction():
                    self._real(*args)
            raise StoreError("the disk is full")
        return self._real(*args)


def go(main: Callable[[], Awaitable[None]]) -> None:
    """Run a test that waits, at most two minutes."""

    async def bounded() -> None:
        async with asyncio.timeout(120):
            await main()

    asyncio.run(bounded())
