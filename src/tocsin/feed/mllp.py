"""HL7 v2 over TCP, framed as MLLP: we listen, and answer a message when it is durable. I/O.

While the store does not take what came, its connection is not read on: the sender waits, or sends again later. After
`PATIENCE` seconds the connection is closed without an answer; a message is never answered as wrong for our sake.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tocsin.config.feeds import MllpFeed
from tocsin.errors import FeedError, StoreError
from tocsin.feed import tls
from tocsin.feed.contract import Deliver, Message, Outcome, Say, Status, durable, sentence
from tocsin.feed.frames import END, START, Frame, Frames
from tocsin.feed.hl7_ack import Header, Verdict, acknowledge, header
from tocsin.types import Instant

PIECE = 1 << 16
TOGETHER = 32  # messages of one connection that are written together
PATIENCE = 30.0
AGAIN = 2.0  # seconds between tries of a port that is taken: a server that ends leaves its senders to us


class Mllp:
    """One address that senders come to."""

    alone = False

    def __init__(self, feed: MllpFeed, beside: Path, clock: Callable[[], Instant], zone: ZoneInfo) -> None:
        """ConfigError for certificates that cannot be used."""
        self._feed, self._clock, self._zone = feed, clock, zone
        self._tls = tls.serving(beside, feed.cert, feed.key, feed.ca)
        self._numbers = itertools.count(1)
        self.port = feed.port  # the one we have; 0 in the settings: any free one

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Listen until cancelled; every connection is read at its own pace."""
        open_ones: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            me = asyncio.current_task()
            assert me is not None
            if len(open_ones) >= self._feed.connections:
                status.wrong(f"{_peer(writer)} was sent away: {len(open_ones)} connections are open already")
                writer.transport.abort()
                return
            open_ones.add(me)
            try:
                await self._talk(reader, writer, deliver, status)
            except (OSError, TimeoutError, StoreError) as e:
                status.wrong(f"{_peer(writer)}: {sentence(e)}; the connection was closed")
            except asyncio.CancelledError:  # the feed ends; asyncio would log it as a failure
                pass
            except Exception as e:
                status.wrong(f"{_peer(writer)}: {type(e).__name__}: {sentence(e)}; the connection was closed")
                raise
            finally:
                open_ones.discard(me)
                writer.close()

        while True:
            try:
                server = await self._listen(talk)
                break
            except FeedError as e:
                if status.problem != sentence(e):
                    status.now("down", sentence(e))
                await asyncio.sleep(AGAIN)
        status.now("up")
        try:
            await asyncio.Event().wait()  # until cancelled
        finally:
            server.close()  # not waited for: that would wait for the senders
            for task in open_ones:
                task.cancel()

    async def sample(self, say: Say) -> Message:
        """Wait for one message; its connection is closed without an answer, so that it is sent again."""
        came: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            say(f"{_peer(writer)} has connected")
            frames = Frames(self._feed.most)
            try:
                while data := await reader.read(PIECE):
                    found = frames.feed(data)
                    if frames.garbage:
                        say(f"{frames.garbage} bytes outside a frame (0x0B … 0x1C 0x0D): is this MLLP?")
                        frames.garbage = 0
                    if found and not came.done():
                        came.set_result(self._message(found[0], writer))
                        return
                say(f"{_peer(writer)} has gone")
            finally:
                writer.close()

        server = await self._listen(talk)
        try:
            say(f"listening on {self._feed.host} port {self.port}{', TLS' if self._tls else ''}; waiting for a message")
            return await came
        finally:
            server.close()

    async def _listen(
        self, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> asyncio.Server:
        host, port = self._feed.host, self._feed.port
        try:
            server = await asyncio.start_server(talk, host, port, limit=PIECE, ssl=self._tls)
        except OSError as e:
            raise FeedError(f"cannot listen on {host} port {port}: {e.strerror or e}; is it taken already?") from e
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deliver: Deliver, status: Status
    ) -> None:
        frames = Frames(self._feed.most)
        while True:
            found: list[Frame] = []
            async with asyncio.timeout(self._feed.idle):
                while not found:
                    data = await reader.read(PIECE)
                    if not data:
                        return
                    found = frames.feed(data)
                    if frames.garbage:
                        status.wrong(f"{_peer(writer)}: {frames.garbage} bytes outside a frame were passed over")
                        frames.garbage = 0
            for at in range(0, len(found), TOGETHER):
                answers = await self._answers(found[at : at + TOGETHER], writer, deliver, status)
                writer.write(b"".join(START + a + END for a in answers))  # at once: asyncio logs writes to who has gone
                async with asyncio.timeout(self._feed.idle):
                    await writer.drain()

    async def _answers(
        self, frames: Sequence[Frame], writer: asyncio.StreamWriter, deliver: Deliver, status: Status
    ) -> list[bytes]:
        headers = [header(f.data) for f in frames]
        taken = [i for i, f in enumerate(frames) if headers[i] is not None and not f.too_long]
        messages = [self._message(frames[i], writer) for i in taken]
        outcomes = dict(zip(taken, await durable(deliver, messages, status, PATIENCE), strict=True)) if taken else {}
        said: list[bytes] = []
        for i, (frame, asked) in enumerate(zip(frames, headers, strict=True)):
            verdict, text = self._verdict(frame, asked, outcomes.get(i))
            if verdict != "A":  # a finding's sentence may quote a record; it goes to its sender, not to every reader
                outcome = outcomes.get(i)
                status.wrong(f"{_peer(writer)}: " + (f"only findings ({outcome.code})" if outcome else text))
            said += acknowledge(asked, verdict, text, self._moment(), f"T{self._clock()}-{next(self._numbers)}")
        return said

    def _verdict(self, frame: Frame, asked: Header | None, outcome: Outcome | None) -> tuple[Verdict, str]:
        if frame.too_long:
            return "R", f"the message is over {self._feed.most} bytes"
        if asked is None or outcome is None:
            return "R", "this is no HL7 v2 message: it does not begin with MSH"
        if outcome.findings and not outcome.events:
            return "R" if outcome.code == "unknown-message" else "E", outcome.problem
        return "A", ""

    def _message(self, frame: Frame, writer: asyncio.StreamWriter) -> Message:
        asked = header(frame.data)
        control = asked.control.decode("ascii", "replace")[:64] if asked else ""
        return Message(frame.data, f"mllp {_peer(writer)} {control}".rstrip())

    def _moment(self) -> str:
        return datetime.fromtimestamp(self._clock() / 1e6, self._zone).strftime("%Y%m%d%H%M%S%z")


def _peer(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else "a sender"
