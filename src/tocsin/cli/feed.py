"""`tocsin feed`: the feeds that sources come by, and a try of one. I/O."""

import asyncio
import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import click

from tocsin import loop
from tocsin.cli.common import city_option, json_option, now, open_city, plain, print_json, print_table
from tocsin.config import SourceTable
from tocsin.config.feeds import SftpFeed
from tocsin.desk import Desk
from tocsin.errors import ConfigError, FeedError, TocsinError
from tocsin.feed.contract import Message, sentence
from tocsin.ingest import push
from tocsin.server.feeds import made
from tocsin.types import Event, Finding

SHOWN = 10


@click.group("feed")
def command() -> None:
    """The feeds of city.toml: `list` names them, `test` tries one and says what it saw.

    \b
    Example:
      tocsin feed list --city my-city
      tocsin feed test laboratory --city my-city
    """


@command.command("list")
@city_option
@json_option
def list_(city: Path, as_json: bool) -> None:
    """Every source and the way it comes. How the lines do while the server runs is on its Sources page."""
    desk = open_city(city)
    rows = [(s.name, s.format, s.feed.kind if s.feed else "folder" if s.files else "push", _where(s))
            for s in desk.settings.sources]  # fmt: skip
    if as_json:
        print_json([dict(zip(("source", "format", "feed", "where"), row, strict=True)) for row in rows])
    else:
        print_table(["source", "format", "feed", "where"], rows)


@command.command("test")
@click.argument("name")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="How long to wait for a message."
)
@city_option
@json_option
def test(name: str, seconds: float, city: Path, as_json: bool) -> int:
    """Try the feed of source NAME: reach it, see one message, show what the message would give.

    Nothing is stored and nothing acknowledged: the message comes again when `tocsin serve` runs. Ends with 1 if
    the message gave findings, 3 if the feed could not be reached or sent nothing.
    """
    desk = open_city(city)
    source = desk.settings.source(name)
    if source.feed is None:
        raise ConfigError(f"source {name!r} has no [sources.feed]; `tocsin feed list` shows those that have")
    feed = made(desk, source, os.environ, now)

    def say(text: str) -> None:
        click.echo(plain(text), err=as_json)

    async def look() -> Message:
        async with asyncio.timeout(seconds):
            return await feed.sample(say)

    try:
        message = asyncio.run(look())
    except TimeoutError as e:
        raise FeedError(f"nothing came within {seconds:g} s; wait longer with --seconds, or have one sent") from e
    except OSError as e:
        raise FeedError(f"{_where(source)}: {sentence(e)}; are host and port right, and is it running?") from e
    return _show(desk, source, message, as_json)


def items(desk: Desk, source: SourceTable, message: Message) -> list[Event | Finding]:
    """What a message would give."""
    if source.mapping is None:
        pushed = push.parse(message.data, settings=desk.settings, tree=desk.tree, received=now())
        return [item for _, item in pushed]
    return list(loop.parsed(desk, source, BytesIO(message.data), message.name, now()))


def _show(desk: Desk, source: SourceTable, message: Message, as_json: bool) -> int:
    try:
        found = items(desk, source, message)
    except TocsinError as e:
        raise type(e)(f"{message.name}: {e}") from e
    events = [i for i in found if isinstance(i, Event)]
    flaws = [i for i in found if isinstance(i, Finding)]
    shown = [
        (e.key, e.signal, e.area, str(desk.day(e.reference_time)), e.value if e.value == e.value else None)
        for e in events[:SHOWN]
    ]
    columns = ("key", "signal", "area", "day", "value")
    kinds = Counter((f.code, f.field, f.message) for f in flaws)
    if as_json:
        print_json(
            {
                "source": source.name, "message": message.name, "bytes": len(message.data), "events": len(events),
                "first": [dict(zip(columns, row, strict=True)) for row in shown],
                "findings": [{"code": c, "field": f, "message": m, "count": n} for (c, f, m), n in kinds.most_common()],
            }
        )  # fmt: skip
        return 1 if flaws else 0
    click.echo(f"one message from {plain(message.name)}, {len(message.data):,} bytes, begins:")
    click.echo(f"  {plain(message.data[:200].decode('utf-8', 'replace'))}")
    click.echo(f"it gives {len(events):,} events, {len(flaws):,} findings; nothing stored, nothing acknowledged")
    if shown:
        print_table(columns, shown, "First events")
    if kinds:
        rows = [(c, f, n, m) for (c, f, m), n in kinds.most_common(SHOWN)]
        print_table(["finding", "field", "how many", "what to do"], rows, "Findings")
    return 1 if flaws else 0


def _where(source: SourceTable) -> str:
    """Where it comes from, without secrets: there are none in city.toml."""
    feed = source.feed
    if feed is None:
        return source.files
    topic = getattr(feed, "topic", "")
    topics = ", ".join([topic] if isinstance(topic, str) else topic)
    servers = getattr(feed, "servers", "")
    host = getattr(feed, "url", "").split("?")[0] or (", ".join([servers] if isinstance(servers, str) else servers))
    host = host or f"{getattr(feed, 'host', '')}:{getattr(feed, 'port', 0) or ''}".rstrip(":")
    folder = f"{feed.path} {feed.files}" if isinstance(feed, SftpFeed) else ""
    return " ".join(filter(None, (host, topics, folder)))
