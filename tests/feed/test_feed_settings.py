"""[sources.feed] is checked in words, and holds no secret."""

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from feed.lines import ROWS
from server import small
from tocsin import loop
from tocsin.config import parse
from tocsin.config.feeds import KINDS, MllpFeed, MqttFeed, password, secret
from tocsin.desk import open_desk
from tocsin.errors import ConfigError
from tocsin.server import wire

MQTT = 'kind = "mqtt"\nhost = "broker"\ntopic = "epi/#"\n'
SFTP = 'kind = "sftp"\nhost = "h"\nuser = "u"\nknown_hosts = "k"\n'
POLL = 'kind = "poll"\nurl = "https://city.example/events"\n'


def parsed(feed: str):
    return parse(f"{small.TOML}{ROWS}[sources.feed]\n{feed}").source("rows").feed


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        ('kind = "carrier-pigeon"\n', ["feed", "carrier-pigeon", "mllp (", "mqtt (", "poll ("]),
        ('kind = "mqtt"\nhost = "b"\n', ["topic", "mqtt ("]),
        (MQTT + "tpoic = 1\n", ["tpoic", "mqtt ("]),
        (MQTT + "port = 70000\n", ["sources[2].feed.port", "65535"]),
        (MQTT + 'version = "4"\n', ["feed.version", "3.1.1"]),
        (MQTT + 'user = "u"\npassword = "hunter2"\n', ["feed.password", "${NAME}"]),
        (MQTT + 'password = "${P}"\n', ["feed.user"]),
        (MQTT + 'user = "u"\npassword = "${P}"\npassword_file = "p"\n', ["feed.password", "twice"]),
        (MQTT + 'cert = "c.pem"\n', ["feed.cert", "key"]),
        (MQTT.replace('"epi/#"', "[]"), ["feed.topic"]),
        (POLL + 'headers = { Authorization = "Bearer hunter2" }\n', ["feed.headers", "Authorization", "${NAME}"]),
        (POLL.replace("https://", "https://me:hunter2@"), ["feed.url", "headers"]),
        (POLL.replace("https", "file"), ["feed.url", "http"]),
        (POLL + 'next = "links.next"\n', ["feed.next", "/links/next"]),
        ('kind = "sftp"\nhost = "h"\nuser = "u"\nkey = "id"\n', ["known_hosts", "sftp ("]),
        (SFTP, ["feed.key", "password_file"]),
        (SFTP + 'password = "hunter2"\n', ["feed.password", "${NAME}"]),
        (SFTP + 'key = "id"\npassphrase = "hunter2"\n', ["feed.passphrase", "${NAME}"]),
        (SFTP + 'key = "id"\nafter = "delete"\n', ["feed.after", "leave, mark, move"]),
        (SFTP + 'key = "id"\nfiles = "out/*.csv"\n', ["feed.files", "path"]),
        (SFTP.replace('"k"', '""') + 'key = "id"\n', ["feed.known_hosts", "empty"]),
        ('kind = "mllp"\nca = "ca.pem"\n', ["feed.ca", "cert"]),
        ('kind = "poll"\nurl = "https://[city]/events"\n', ["feed.url", "IPv4 or IPv6"]),
        ('kind = "kafka"\nservers = "k:9092"\ntopic = "t"\nuser = "u"\npassword = "${P}"\nmechanism = "PLAIN"\n',
         ["feed.mechanism", "tls"]),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_what_is_allowed(feed: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as e:
        parsed(feed)
    said = str(e.value)
    assert [w for w in words if w not in said] == []
    assert "hunter2" not in said


def test_the_wire_knows_every_kind() -> None:
    kinds = get_args(get_type_hints(wire.Feed)["kind"])
    assert sorted(kinds) == sorted(k.__struct_config__.tag for k in KINDS)


def test_only_this_machine_unless_told() -> None:
    feed = parsed('kind = "mllp"\n')
    assert isinstance(feed, MllpFeed)
    assert (feed.host, feed.port) == ("127.0.0.1", 2575)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    feed = parsed(MQTT + 'user = "u"\npassword = "${P}"\n')
    assert isinstance(feed, MqttFeed)
    assert password(feed, tmp_path, {"P": "s3"}) == "s3"
    assert secret("Bearer ${T} ${U:-x}", {"T": "t"}) == "Bearer t x"
    with pytest.raises(ConfigError, match="variable P is not set"):
        password(feed, tmp_path, {})
    feed = parsed(MQTT + 'user = "u"\npassword_file = "p"\n')
    with pytest.raises(ConfigError, match="password_file"):
        password(feed, tmp_path, {})
    (tmp_path / "p").write_text("s4\n")
    assert password(feed, tmp_path, {}) == "s4"
    (tmp_path / "p").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        password(feed, tmp_path, {})


def test_another_way_to_come_makes_no_other_message(tmp_path: Path) -> None:
    """The same bytes by another line are the same delivery."""
    desk = open_desk(small.city(tmp_path / "city"), {})
    digests = {
        loop.mapping_digest(desk, parse(f"{small.TOML}{ROWS}{feed}").source("rows"))
        for feed in ("", f"[sources.feed]\n{MQTT}", '[sources.feed]\nkind = "mllp"\nport = 2600\n')
    }
    assert len(digests) == 1
    desk.store.close()
