"""MQTT through a real broker: acknowledged when durable, again when not, over reconnects and ends, counted once."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from paho.mqtt.client import MQTTMessage

import mosquitto
from feed.lines import ROWS, Failing, city, go, row, running, stored, until, up
from feed.test_mllp import certificates
from server.test_writes import EVENT
from tocsin import cli, loop
from tocsin.errors import FeedError
from tocsin.feed import mqtt
from tocsin.feed.contract import Status

pytestmark = pytest.mark.skipif(mosquitto.PROGRAM is None, reason="mosquitto is not installed (Debian: mosquitto)")
VERSIONS = ["5", "3.1.1"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[mosquitto.Broker]:
    made = mosquitto.Broker(tmp_path / "mosquitto").start()
    yield made
    made.stop(signal.SIGKILL)


def feed(broker: mosquitto.Broker, more: str = "") -> str:
    return f'kind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\ntopic = ["epi/+/rows"]\n{more}'


def rows(count: int, first: int = 0) -> list[bytes]:
    return [row(f"k{n}") for n in range(first, first + count)]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_comes_while_we_are_away_waits_and_nothing_counts_twice(
    tmp_path: Path, broker: mosquitto.Broker, version: str
) -> None:
    made = city(tmp_path, ROWS, feed(broker, f'version = "{version}"\n'))

    async def run(send: list[bytes], events: int, came: int, acknowledged: int) -> None:
        async with running(made) as (site, _):
            await until(up(site))
            if send:
                broker.publish("epi/1/rows", *send)
                broker.publish("epi/1/others", b"not for us")
            await until(lambda: site.feeds["rows"].messages == came, f"{came} messages")
            await until(lambda: broker.log().count("PUBACK from tocsin-rows") == acknowledged, "acknowledged")
            assert stored(site)[:2] == (events, 0)

    go(lambda: run(rows(50), 50, 50, 50))
    broker.publish("epi/1/rows", *rows(100, 30))  # 20 of them known
    go(lambda: run([], 130, 100, 150))
    go(lambda: run([], 130, 0, 150))  # nothing is left at the broker


@pytest.mark.parametrize(("version", "landed"), [("5", 0), ("5", 3), ("3.1.1", 0)])
def test_nothing_is_acknowledged_while_the_store_is_away(
    tmp_path: Path, broker: mosquitto.Broker, monkeypatch: pytest.MonkeyPatch, version: str, landed: int
) -> None:
    made = city(tmp_path, ROWS, feed(broker, f'version = "{version}"\nunder_way = 8\n'))

    async def first() -> None:
        async with running(made) as (site, _):
            await until(up(site))
            monkeypatch.setattr(loop, "receive", Failing(away=10**6, landed=landed))
            broker.publish("epi/1/rows", *rows(40))
            await until(lambda: site.feeds["rows"].state == "paused", "paused")
            assert "disk is full" in site.feeds["rows"].problem
            assert site.feeds["rows"].messages == 0
        assert "PUBACK from tocsin-rows" not in broker.log()
        monkeypatch.undo()

    async def second() -> None:
        async with running(made) as (site, _):
            await until(lambda: site.feeds["rows"].messages >= 40, "40 messages")
            assert stored(site)[:2] == (40, 0)
            await until(lambda: len(re.findall("PUBACK from tocsin-rows", broker.log())) >= 40, "acknowledged")

    go(first)
    go(second)


def test_a_store_that_comes_back_goes_on_without_a_new_line(
    tmp_path: Path, broker: mosquitto.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "receive", Failing(away=12, landed=2))

    async def main() -> None:
        async with running(city(tmp_path, ROWS, feed(broker))) as (site, _):
            await until(up(site))
            broker.publish("epi/1/rows", *rows(5))
            await until(lambda: site.feeds["rows"].messages == 5, "5 messages")
            assert stored(site) == (5, 0, 5)
            assert site.feeds["rows"].state == "up"
            assert site.feeds["rows"].errors >= 1

    go(main)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_that_goes_is_waited_for(
    tmp_path: Path, broker: mosquitto.Broker, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    now = Status.now
    monkeypatch.setattr(Status, "now", lambda self, state, why="": (said.append(why), now(self, state, why)))

    async def main() -> None:
        async with running(city(tmp_path, ROWS, feed(broker))) as (site, _):
            await until(up(site))
            broker.publish("epi/1/rows", *rows(5))
            await until(lambda: site.feeds["rows"].messages == 5, "5 messages")
            broker.stop(how)
            await until(lambda: site.feeds["rows"].state == "down", "down")
            broker.start()
            await until(up(site), "up again")
            broker.publish("epi/1/rows", *rows(5, 5))
            await until(lambda: stored(site)[0] == 10, "10 events")
            assert stored(site)[1] == 0

    go(main)
    assert any("use the client name 'tocsin-rows'?" in why for why in said)


def test_canonical_events_findings_and_the_one_that_leads(tmp_path: Path, broker: mosquitto.Broker) -> None:
    made, lead = city(tmp_path, '[[sources]]\nname = "rows"\n', feed(broker)), [False]
    event = b'{"source":"hospital","key":"%s","signal":"ed.ili","area":"11","reference_time":"2026-03-01"}'
    assert EVENT["source"] == "hospital"

    async def main() -> None:
        async with running(made, leads=lambda: lead[0]) as (site, _):
            await until(lambda: site.feeds["rows"].state == "standby", "standby")
            lead[0] = True
            await until(up(site))
            broker.publish("epi/1/rows", event % b"1", b"no JSON", b"", event % b"2")
            await until(lambda: stored(site)[0] == 2, "2 events")
            assert stored(site)[1] == 1
            lead[0] = False
            await until(lambda: site.feeds["rows"].state == "standby", "standby")

    go(main)


def test_over_tls_with_a_password(tmp_path: Path) -> None:
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    certificates(folder)
    subprocess.run([program, "-c", "-b", folder / "users", "city", "s3cret"], check=True, timeout=60)
    broker = mosquitto.Broker(
        folder, f"certfile {folder}/cert.pem", f"keyfile {folder}/key.pem", f"password_file {folder}/users",
        "allow_anonymous false",
    ).start()  # fmt: skip
    try:
        more = f'tls = true\nca = "{folder}/cert.pem"\nuser = "city"\npassword = "${{P}}"\n'
        made = city(tmp_path, ROWS, feed(broker, more))

        async def main() -> None:
            async with running(made, {"P": "wrong"}) as (site, _):
                await until(lambda: site.feeds["rows"].state == "down", "refused")
                assert "Not authorized" in site.feeds["rows"].problem
                assert "wrong" not in repr(site.feeds)
            async with running(made, {"P": "s3cret"}) as (site, _):
                await until(up(site))

        go(main)
    finally:
        broker.stop(signal.SIGKILL)


def test_a_try_leaves_the_session_alone(tmp_path: Path, broker: mosquitto.Broker) -> None:
    made = city(tmp_path, ROWS, feed(broker))

    async def session() -> None:
        async with running(made) as (site, _):
            await until(up(site))

    go(session)
    broker.publish("epi/1/rows", row("k1"), retain=True)
    done = CliRunner().invoke(cli._tocsin, ["feed", "test", "rows", "--city", str(made)], standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    assert "subscribed to epi/+/rows" in done.output
    assert "1 events, 0 findings" in done.output

    async def later() -> None:
        async with running(made) as (site, _):
            await until(lambda: stored(site)[0] == 1, "the message that was tried is still there")

    go(later)
    broker.stop()
    done = CliRunner().invoke(cli._tocsin, ["feed", "test", "rows", "--city", str(made)], standalone_mode=False)
    assert isinstance(done.exception, FeedError)
    assert f"port {broker.port}" in str(done.exception)


@pytest.mark.parametrize(
    ("topic", "name"), [(b"a\xff", "mqtt of a name that is not UTF-8"), (b"a\nb", "mqtt a\ufffdb")]
)
def test_a_topic_that_cannot_be_shown_keeps_nothing_from_being_taken(topic: bytes, name: str) -> None:
    came = MQTTMessage(topic=topic)
    came.payload = b"x"
    assert mqtt._message(came) == (b"x", name)
