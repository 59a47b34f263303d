"""A subscription to an MQTT broker, quality of service 1: a message is acknowledged when it is durable. I/O.

The session outlives the connection: what comes while we are away waits at the broker. A message that was not
acknowledged comes again. The broker sends no more than `under_way` messages ahead (version 5), and beyond that the
socket is not read.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tocsin.config.feeds import MqttFeed, password, words
from tocsin.errors import FeedError
from tocsin.feed import tls
from tocsin.feed.aside import aside
from tocsin.feed.contract import Deliver, Message, Say, Status, durable, sentence

KEEPALIVE = 30  # seconds between signs of life
ANSWER = 15.0  # seconds in which a broker must answer
LARGEST = 32 << 20  # bytes of a message that a broker may send
T = TypeVar("T")


class Mqtt:
    """One broker, some topics, one session."""

    alone = True  # a session has one holder

    def __init__(self, feed: MqttFeed, source: str, beside: Path, env: Mapping[str, str]) -> None:
        """ConfigError for secrets and certificates that cannot be had."""
        self._feed, self._name = feed, feed.client or f"tocsin-{source}"
        self._port = feed.port or (8883 if feed.tls else 1883)
        self._password = password(feed, beside, env)
        self._tls = tls.reaching(beside, feed.ca, feed.cert, feed.key) if feed.tls else None

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Take messages until cancelled; FeedError or OSError when the line breaks."""
        async with contextlib.AsyncExitStack() as ending:
            line = await self._connected(self._name, keep=True)
            ending.callback(line.close)
            line.subscribe(words(self._feed.topic), lambda: status.now("up") if status.state != "paused" else None)
            while True:
                came = await line.some()
                said = [_message(m) for m in came if m.payload]  # an empty one: "no longer retained"
                await line.unless_gone(durable(deliver, said, status))
                line.acknowledge(came)

    async def sample(self, say: Say) -> Message:
        """The next message, in a session of its own that leaves the real one alone."""
        line = await self._connected("", keep=False)
        try:
            say(f"connected to {self._feed.host} port {self._port}{', TLS' if self._tls else ''}")
            topics = words(self._feed.topic)
            line.subscribe(topics, lambda: say(f"subscribed to {', '.join(topics)}; waiting for a message"))
            return _message((await line.some())[0])
        finally:
            line.close()

    async def _connected(self, name: str, *, keep: bool) -> "_Line":
        feed, five = self._feed, self._feed.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if five else not keep,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = ANSWER
        if feed.user:
            client.username_pw_set(feed.user, self._password)
        if self._tls:
            client.tls_set_context(self._tls)
        line = _Line(client, name, feed.under_way)
        asked: dict[str, Any] = {"keepalive": KEEPALIVE}
        if five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own gap
            properties.SessionExpiryInterval = feed.session if keep else 0
            properties.ReceiveMaximum = feed.under_way
            properties.MaximumPacketSize = LARGEST
            asked |= {"clean_start": not keep, "properties": properties}
        try:
            await aside(lambda: client.connect(feed.host, self._port, **asked))
        except (OSError, ssl.SSLError, ValueError) as e:
            raise FeedError(f"cannot reach {feed.host} port {self._port}: {sentence(e)}") from e
        try:
            await line.open()
        except BaseException:
            line.close()
            raise
        return line


def _message(m: MQTTMessage) -> Message:
    try:
        topic = m.topic
    except (
        UnicodeDecodeError
    ):  # a broker that lets it pass; the message is taken all the same, or it would come for ever
        topic = "of a name that is not UTF-8"
    return Message(bytes(m.payload), f"mqtt {''.join(c if c.isprintable() else '�' for c in topic)}")


class _Line:
    """A connection on the event loop: paho speaks the protocol, the loop reads and writes its socket."""

    def __init__(self, client: Client, name: str, room: int) -> None:
        self._client, self._room, self._name = client, room, name
        self._loop = asyncio.get_running_loop()
        self._came: asyncio.Queue[MQTTMessage] = asyncio.Queue()
        self._under_way = 0
        self._reading = False
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: Callable[[], None] = lambda: None
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._alive: asyncio.Task[None] | None = None
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_disconnect, client.on_message = self._on_disconnect, self._on_message
        client.on_socket_close = self._on_socket_close

    async def open(self) -> None:
        """Wait until the broker has accepted us."""
        self._watch()
        self._alive = self._loop.create_task(self._stay_alive())
        try:
            async with asyncio.timeout(ANSWER):
                await asyncio.wait((self._accepted, self._gone), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as e:
            raise FeedError(f"what listens there did not answer as a broker within {ANSWER:g} s") from e
        (self._accepted if self._accepted.done() else self._gone).result()

    def subscribe(self, topics: list[str], subscribed: Callable[[], None]) -> None:
        """Ask for topics; `subscribed` is called when we have them, the line breaks when the broker refuses one.

        Not waited for: a broker may first send all it has kept for us, more than we read before it is durable.
        """
        self._subscribed = subscribed
        self._client.subscribe([(t, 1) for t in topics])
        self._write()

    async def some(self) -> list[MQTTMessage]:
        """All messages that wait, at least one."""
        found = [await self.unless_gone(self._came.get())]
        while not self._came.empty():
            found.append(self._came.get_nowait())
        return found

    def acknowledge(self, messages: list[MQTTMessage]) -> None:
        """They are durable: the broker may forget them."""
        for m in messages:
            self._client.ack(m.mid, m.qos)
        self._under_way -= len(messages)
        self._write()
        self._watch()

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something while the line holds; what is under way when it breaks comes again on the next."""
        task = self._loop.create_task(work)
        try:
            await asyncio.wait((task, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._gone.result()
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def close(self) -> None:
        """Say goodbye, if anybody listens; nothing more is acknowledged."""
        if self._alive:
            self._alive.cancel()
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_misc()
        sock = self._client.socket()
        if sock is not None:
            self._on_socket_close(self._client, None, sock)
            sock.close()
        for future in (self._accepted, self._gone):
            if future.done() and not future.cancelled():
                future.exception()  # it is known
            future.cancel()

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._client.loop_misc()
            self._write()

    def _watch(self) -> None:
        """Read the socket while there is room for what comes."""
        sock, room = self._client.socket(), self._under_way < 2 * self._room
        if sock is not None and room != self._reading:
            self._reading = room
            if room:
                self._loop.add_reader(sock, self._read)
                self._loop.call_soon(self._read)  # TLS may hold bytes that the socket no longer shows
            else:
                self._loop.remove_reader(sock)

    def _read(self) -> None:
        while self._reading and self._client.socket() is not None:
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            sock: Any = self._client.socket()
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                break
        self._write()

    def _write(self) -> None:
        sock = self._client.socket()
        if sock is None:
            return
        if self._client.want_write():
            self._client.loop_write()
        if self._client.want_write() and self._client.socket() is not None:
            self._loop.add_writer(sock, self._write)
        elif self._client.socket() is not None:
            self._loop.remove_writer(sock)

    def _on_connect(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure and not self._accepted.done():
            self._accepted.set_exception(FeedError(f"the broker refused the connection: {reason}"))
        elif not self._accepted.done():
            self._accepted.set_result(None)

    def _on_subscribe(self, client: Client, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        refused = [str(r) for r in reasons if r.is_failure]
        if not refused:
            self._subscribed()
        elif not self._gone.done():
            self._gone.set_exception(FeedError(f"the broker refused a subscription: {', '.join(refused)}"))

    def _on_disconnect(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not self._gone.done():
            why = f"the broker's line broke: {reason}; does another program use the client name {self._name!r}?"
            self._gone.set_exception(FeedError(why))

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self._came.put_nowait(message)
        self._under_way += 1
        if self._under_way >= 2 * self._room:
            self._watch()

    def _on_socket_close(self, client: Client, data: Any, sock: Any) -> None:
        self._reading = False
        with contextlib.suppress(ValueError, OSError):  # it was never watched
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
