"""HL7 over real TCP and TLS: what is answered, when, and what comes again."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from feed.lines import NOW, VISITS, Failing, adt, city, go, running, stored, until, up
from tocsin import loop
from tocsin.errors import ConfigError
from tocsin.feed.frames import END, START
from tocsin.server.feeds import Feeds
from tocsin.server.site import Site

MLLP = 'kind = "mllp"\nport = 0\n'


class Line:
    """A sender's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *messages: bytes) -> None:
        self.writer.write(b"".join(START + m + END for m in messages))

    async def answer(self) -> dict[str, list[str]]:
        """The segments of one answer by name."""
        said = await self.reader.readuntil(END)
        assert said.startswith(START)
        return {s[:3]: s.split("|") for s in said[1:-2].decode().split("\r") if s}


@asynccontextmanager
async def line(feeds: Feeds, tls: ssl.SSLContext | None = None) -> AsyncIterator[Line]:
    """Connect."""
    port = feeds.feed("visits").port  # type: ignore[attr-defined]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def answered(feeds: Feeds, message: bytes, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a message on a connection of its own is answered at all."""
    try:
        async with line(feeds, tls) as one:
            one.send(message)
            await one.answer()
            return True
    except (OSError, asyncio.IncompleteReadError):
        return False


def test_a_message_is_answered_in_its_own_words_and_once_however_often_it_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                for _ in range(2):
                    one.send(adt("C1"))
                    said = await one.answer()
                    assert said["MSA"] == ["MSA", "AA", "C1"]
                    assert said["MSH"][2:6] == ["TOCSIN", "CDC", "ED", "East^99^NPI"]
                    assert said["MSH"][6] == "20260302180000+0800"
                    assert said["MSH"][8] == "ACK^A04^ACK"
                    assert said["MSH"][10:12] == ["P", "2.5.1"]
                    assert "ERR" not in said
            assert stored(site) == (1, 0, 1)
            status = site.feeds["visits"]
            assert (status.messages, status.errors, status.last) == (2, 0, NOW)

    go(main)


def test_many_in_one_piece_and_one_in_many(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one, line(feeds) as other:
                one.send(*(adt(f"C{n}", f"v{n}") for n in range(100)))
                for byte in START + adt("slow", "slow") + END:
                    other.writer.write(bytes([byte]))
                    await other.writer.drain()
                assert [(await one.answer())["MSA"][2] for _ in range(100)] == [f"C{n}" for n in range(100)]
                assert (await other.answer())["MSA"][1:] == ["AA", "slow"]
            assert stored(site)[0] == 101

    go(main)


def test_garbage_torn_frames_and_long_messages_cost_nobody_else_anything(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP + "most = 2000\n")) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.writer.write(b"GET / HTTP/1.1\r\n\r\n" + START + adt("torn")[:50])
                one.send(adt("C1"), b"no message", b"", adt("long") + b"NTE|" + b"x" * 5000, adt("C2", "v2"))
                verdicts = [(await one.answer())["MSA"][1:3] for _ in range(5)]
            assert verdicts == [["AA", "C1"], ["AR", ""], ["AR", ""], ["AR", "long"], ["AA", "C2"]]
            assert stored(site) == (2, 0, 2)
            assert site.feeds["visits"].errors >= 4
            assert site.feeds["visits"].state == "up"

    go(main)


def test_a_message_that_becomes_only_findings_is_an_error_and_a_type_not_taken_is_rejected(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1", told="20270101000000"), adt("C2", kind="A24"), adt("C3"))
                bad, other, good = [await one.answer() for _ in range(3)]
                one.send(adt("C1", told="20270101000000"), adt("C2", kind="A24"))  # sent again, it is no better
                assert [(await one.answer())["MSA"] for _ in range(2)] == [bad["MSA"], other["MSA"]]
            assert (bad["MSA"][1:3], other["MSA"][1:3], good["MSA"][1:3]) == (["AE", "C1"], ["AR", "C2"], ["AA", "C3"])
            assert bad["ERR"][3:5] == ["207^Application internal error^HL70357", "E"]
            assert bad["MSA"][3] == bad["ERR"][8] != ""
            assert "ADT" in other["MSA"][3]
            assert stored(site)[:2] == (1, 2)
            assert "only findings (unknown-message)" in site.feeds["visits"].problem

    go(main)


@pytest.mark.parametrize(
    ("asks", "said"),
    [("|||AL|NE", ["CA"]), ("|||NE|AL", ["AA"]), ("|||AL|AL", ["CA", "AA"]), ("|||SU|ER", ["CA"]), ("|||ER|NE", [])],
)
def test_the_enhanced_mode_answers_what_is_asked_for(tmp_path: Path, asks: str, said: list[str]) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1", more=asks), adt("end", "v2"))
                got = []
                while not got or got[-1][1] != "end":
                    got.append((await one.answer())["MSA"][1:3])
            assert got == [[code, "C1"] for code in said] + [["AA", "end"]]

    go(main)


@pytest.mark.parametrize("landed", [0, 1])
def test_nothing_is_answered_until_the_store_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landed: int
) -> None:
    # Each write is tried together and then alone.
    away = Failing(away=4, landed=landed)
    monkeypatch.setattr(loop, "receive", away)

    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1"))
                await until(lambda: site.feeds["visits"].state == "paused", "paused")
                one.send(adt("C2", "v2"))
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await one.answer()
                assert away.failed < away.away
                assert [(await one.answer())["MSA"][1:] for _ in range(2)] == [["AA", "C1"], ["AA", "C2"]]
            assert stored(site) == (2, 0, 2)
            assert up(site)()

    go(main)


def test_a_store_that_stays_away_closes_the_line_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.feed.mllp.PATIENCE", 0.2)
    monkeypatch.setattr(loop, "receive", Failing(away=99))

    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1"))
                assert await one.reader.read() == b""
            assert stored(site) == (0, 0, 0)
            assert "disk is full" in site.feeds["visits"].problem

    go(main)


def test_a_sender_that_has_gone_costs_no_line_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "receive", Failing(away=2))

    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(*(adt(f"C{n}", f"v{n}") for n in range(20)))
                await until(lambda: site.feeds["visits"].state == "paused", "paused")
                one.writer.transport.abort()
            await until(up(site))
            assert await answered(feeds, adt("next", "next"))
            assert stored(site)[0] == 21

    with caplog.at_level("WARNING"):
        go(main)
    assert caplog.messages == []


def test_idle_and_too_many_connections_are_closed(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP + "idle = 0.5\nconnections = 1\n")) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1"))
                await one.answer()
                assert not await answered(feeds, adt("C2"))
                one.writer.write(START)
                assert await one.reader.read() == b""

    go(main)


def certificates(folder: Path) -> None:
    """A self-made authority that is also the server's and the sender's certificate."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        check=True, cwd=folder, capture_output=True, timeout=60,
    )  # fmt: skip


def test_over_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    made = city(tmp_path, VISITS, MLLP + 'cert = "cert.pem"\nkey = "key.pem"\nca = "cert.pem"\n')
    certificates(made)

    async def main() -> None:
        async with running(made) as (site, feeds):
            await until(up(site))
            tls = ssl.create_default_context(cafile=made / "cert.pem")
            assert not await answered(feeds, adt("C1"), tls)  # without a certificate of its own
            tls.load_cert_chain(made / "cert.pem", made / "key.pem")
            assert await answered(feeds, adt("C1"), tls)
            assert not await answered(feeds, adt("C2"))
            assert stored(site)[0] == 1

    go(main)


def test_a_port_that_is_taken_is_a_fault_in_words_and_is_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        holder = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        port = holder.sockets[0].getsockname()[1]
        async with running(city(tmp_path, VISITS, f'kind = "mllp"\nport = {port}\n')) as (site, _):
            await until(lambda: site.feeds["visits"].state == "down", "down")
            assert f"port {port}" in site.feeds["visits"].problem
            holder.close()
            await holder.wait_closed()
            await until(up(site))

    go(main)


def test_a_port_that_is_taken_is_asked_for_without_longer_and_longer_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.feed.contract.PAUSE", 1000.0)
    monkeypatch.setattr("tocsin.feed.contract.LONGEST", 1000.0)
    monkeypatch.setattr("tocsin.feed.mllp.AGAIN", 0.01, raising=False)

    async def main() -> None:
        holder = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
        port = holder.sockets[0].getsockname()[1]
        async with running(city(tmp_path, VISITS, f'kind = "mllp"\nport = {port}\n')) as (site, _):
            await until(lambda: site.feeds["visits"].state == "down", "down")
            holder.close()
            await holder.wait_closed()
            await until(up(site))
            assert (site.feeds["visits"].errors, site.feeds["visits"].problem) == (1, "")

    go(main)


def test_certificates_that_cannot_be_read_stop_the_server_before_it_begins(tmp_path: Path) -> None:
    made = city(tmp_path, VISITS, MLLP + 'cert = "gone.pem"\nkey = "gone.pem"\n')
    with pytest.raises(ConfigError, match=r"visits.*gone\.pem"):
        go(lambda: running(made).__aenter__())  # type: ignore[arg-type]


def test_a_server_that_ends_answers_nothing_it_did_not_keep(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(adt("C1"))
                await one.answer()
                site.writer.close()
                one.send(adt("C2", "v2"))
                await feeds.stop()
                assert await one.reader.read() == b""
            assert isinstance(site, Site)
            assert stored(site)[0] == 1

    go(main)


def test_an_older_message_of_a_visit_that_comes_late_is_kept_and_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, VISITS, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                elsewhere = adt("old", told="20260302090000").replace(b"^11\r", b"^12\r")
                one.send(adt("new", kind="A03", told="20260302094500"), elsewhere)
                assert [(await one.answer())["MSA"][1:3] for _ in range(2)] == [["AA", "new"], ["AA", "old"]]
            events, findings, messages = stored(site)
            assert (events, messages) == (1, 2)
            assert findings == 1
            said = site.desk.store.db.execute("SELECT message FROM finding").fetchone()[0]
            assert "Known: 1 reported at 2026-03-02 09:45:00+00:00." in said

    go(main)
