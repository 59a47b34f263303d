"""The feeds of a city: made from its settings, run on the event loop, their messages written by the one writer. I/O."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from tocsin import loop
from tocsin.config import SourceTable
from tocsin.config.feeds import KafkaFeed, MllpFeed, MqttFeed, PollFeed, SftpFeed
from tocsin.desk import Desk
from tocsin.errors import ConfigError, StoreError
from tocsin.feed.contract import Deliver, Feed, Outcome, Status, keep
from tocsin.feed.mllp import Mllp
from tocsin.feed.poll import Poll
from tocsin.server.refuse import Refused
from tocsin.server.site import Site
from tocsin.types import Event, Finding, Instant
from tocsin.views.plain import iso

LOOK = 0.5  # seconds between looks at who leads


def made(desk: Desk, source: SourceTable, env: Mapping[str, str], clock: Callable[[], Instant]) -> Feed:
    """The feed of a source; ConfigError names the source and what is missing."""
    table, beside = source.feed, desk.directory
    try:
        if isinstance(table, MllpFeed):
            return Mllp(table, beside, clock, desk.tz)
        if isinstance(table, MqttFeed):
            from tocsin.feed.mqtt import Mqtt

            return Mqtt(table, source.name, beside, env)
        if isinstance(table, PollFeed):
            return Poll(table, source.name, beside, env, clock)
        if isinstance(table, KafkaFeed):
            from tocsin.feed.kafka import Kafka

            return Kafka(table, source.name, beside, env)
        if isinstance(table, SftpFeed):
            from tocsin.feed.sftp import Sftp

            return Sftp(table, source.name, beside, env, clock)
        raise ConfigError(f"no feed of kind {table.kind!r} is built in yet" if table else "it has no [sources.feed]")
    except ConfigError as e:
        raise ConfigError(f"{desk.directory / 'city.toml'}: source {source.name!r}: {e}") from e
    except ImportError as e:
        kind = table.kind if table else ""
        raise ConfigError(f"source {source.name!r}: its feed needs: pip install 'tocsin[{kind}]' ({e})") from e


class Feeds:
    """All feeds of a city that is served. Made before the server begins, so that a mistake in the settings shows."""

    def __init__(self, site: Site, leads: Callable[[], bool], env: Mapping[str, str] | None = None) -> None:
        """`leads`: whether this server is the one, of several on one store, that runs what must run once."""
        self._site, self._leads = site, leads
        env = os.environ if env is None else env
        sources = [s for s in site.desk.settings.sources if s.feed]
        self._made = {s.name: (s, made(site.desk, s, env, site.clock)) for s in sources}
        self._tasks: list[asyncio.Task[None]] = []
        for s in sources:
            assert s.feed is not None
            site.feeds[s.name] = Status(s.feed.kind, site.clock)

    def feed(self, source: str) -> Feed:
        """The feed of a source."""
        return self._made[source][1]

    def start(self) -> None:
        """Begin, on the running event loop."""
        for name, (source, feed) in self._made.items():
            self._tasks.append(asyncio.create_task(self._run(source, feed), name=f"feed {name}"))

    async def stop(self) -> None:
        """End; what was not acknowledged comes again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, source: SourceTable, feed: Feed) -> None:
        status = self._site.feeds[source.name]

        def broken(why: Exception) -> None:
            self._site.fault(f"feed {source.name}", why)

        if not feed.alone:
            await keep(feed, deliverer(self._site, source), status, broken)
        while True:
            status.now("standby")
            while not self._leads():
                await asyncio.sleep(LOOK)
            status.now("starting")
            running = asyncio.create_task(keep(feed, deliverer(self._site, source), status, broken))
            try:
                while self._leads():
                    await asyncio.sleep(LOOK)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running


def deliverer(site: Site, source: SourceTable) -> Deliver:
    """How a source's messages are taken: in its own format, or, where it has no mapping, as canonical events."""

    async def deliver(data: bytes, name: str) -> Outcome:
        def take() -> Outcome:
            if source.mapping is None:
                _, items = loop.push(site.desk, data, site.clock())
            else:
                _, items = loop.receive(site.desk, source, data, name, site.clock())
            return outcome(items)

        try:
            return await site.writer.join(take, site.desk.together)
        except Refused as e:  # the server ends
            raise StoreError(str(e)) from e

    return deliver


def outcome(items: list[Event | Finding]) -> Outcome:
    """What a message's items come to: findings are those that gave no event."""
    events = sum(isinstance(i, Event) for i in items)
    flaws = [i for i in items if isinstance(i, Finding) and not i.kept]
    said = f"{flaws[0].field}: {flaws[0].message}".removeprefix(": ") if flaws else ""
    return Outcome(events, len(flaws), said, flaws[0].code if flaws else "")


def told(status: Status) -> dict[str, Any]:
    """A feed as /sources says it."""
    return {
        "kind": status.kind,
        "state": status.state,
        "since": None if status.since is None else iso(status.since),
        "last_message": None if status.last is None else iso(status.last),
        "messages": status.messages,
        "errors": status.errors,
        "problem": status.problem,
    }


def faults(site: Site) -> list[dict[str, str]]:
    """Feeds that are not up, as /health says it."""
    return [
        {"at": iso(s.since or site.clock()), "part": f"feed {name}", "message": s.problem or s.state}
        for name, s in site.feeds.items()
        if s.state in ("down", "paused")
    ]
