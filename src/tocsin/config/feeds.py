"""[sources.feed]: the ways messages of a source come by themselves, as frozen values. Pure.

Secrets never stand in city.toml: a field that holds one names an environment variable (`${NAME}`) or a file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tocsin.errors import ConfigError

_NAME = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_SECRET = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)


class _Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """One way; `kind` says which."""

    @property
    def kind(self) -> str:
        """The word in the file."""
        return str(self.__struct_config__.tag)


class _Certified(_Feed, frozen=True, kw_only=True):
    """… that may speak TLS. Files are beside city.toml unless their path says otherwise."""

    ca: str = ""  # file of the authorities that are trusted; mllp: senders must then show a certificate of theirs
    cert: str = ""  # file of our own certificate
    key: str = ""  # … and of its key


class _Reached(_Certified, frozen=True, kw_only=True):
    """… that we reach over the network, perhaps with a user's name and password."""

    tls: bool = False
    user: str = ""
    password: str = ""  # "${NAME}": from the environment
    password_file: str = ""  # … or the first line of this file


class MllpFeed(_Certified, frozen=True, kw_only=True, tag="mllp"):
    """HL7 v2 over TCP, framed as MLLP; we listen. With `cert` and `key`: over TLS."""

    host: str = "127.0.0.1"
    port: int = 2575
    most: int = 1 << 20  # bytes of one message
    idle: float = 300.0  # seconds without a whole message after which a connection is closed
    connections: int = 32  # at once


class MqttFeed(_Reached, frozen=True, kw_only=True, tag="mqtt"):
    """A subscription to an MQTT broker, with quality of service 1."""

    host: str
    topic: str | list[str]
    port: int = 0  # 0: 1883, over TLS 8883
    client: str = ""  # the session's name at the broker; empty: tocsin-SOURCE
    version: str = "5"  # or "3.1.1"
    session: int = 604_800  # seconds the broker keeps what we miss (version 5)
    under_way: int = 64  # messages that may wait for the store at once


class KafkaFeed(_Reached, frozen=True, kw_only=True, tag="kafka"):
    """A consumer group of a Kafka cluster."""

    servers: str | list[str]
    topic: str | list[str]
    group: str = ""  # empty: tocsin-SOURCE
    mechanism: str = "SCRAM-SHA-512"  # with a user: or SCRAM-SHA-256, PLAIN
    since: str = "earliest"  # where a new group begins: or latest
    batch: int = 500  # messages that may wait for the store at once


class PollFeed(_Certified, frozen=True, kw_only=True, tag="poll"):
    """An address that is asked again and again over HTTP."""

    url: str
    seconds: float = 300.0  # from one round to the next
    headers: dict[str, str] = {}  # such as Authorization = "Bearer ${NAME}"
    proxy: str = ""  # address of an HTTP proxy; those of the environment are not used
    next: str = ""  # JSON pointer to the next page's address; empty: the header Link, or as the standard pages
    since: str = ""  # a query parameter that says from when on; its value is when the last whole round began …
    overlap: float = 600.0  # … less so many seconds
    begin: str = ""  # its value in the very first round; empty: none
    most: int = 32 << 20  # bytes of one page
    pages: int = 1000  # of one round


class SftpFeed(_Feed, frozen=True, kw_only=True, tag="sftp"):
    """A folder on an SFTP server, looked into again and again."""

    host: str
    user: str
    known_hosts: str  # file, as OpenSSH writes it, with the server's key; another key is refused, none is learnt
    port: int = 22
    path: str = "."  # the folder; "." is where the server puts us
    files: str = "*"  # which names of it
    key: str = ""  # file of our own private key …
    passphrase: str = ""  # … and what opens it: "${NAME}", from the environment
    password: str = ""  # "${NAME}": from the environment
    password_file: str = ""  # … or the first line of this file
    seconds: float = 60.0  # from one look to the next
    still: float = 10.0  # seconds without a change of size and time after which a file is whole
    after: str = "leave"  # what is done with a file that is durable: leave, mark (NAME.taken beside it) or move …
    done: str = "taken"  # … into this folder, made if need be; seen from `path`
    most: int = 32 << 20  # bytes of one file


AnyFeed = MllpFeed | MqttFeed | KafkaFeed | PollFeed | SftpFeed
KINDS: tuple[type[AnyFeed], ...] = (MllpFeed, MqttFeed, KafkaFeed, PollFeed, SftpFeed)


def allowed_feeds() -> list[str]:
    """Every kind with its keys, for messages."""
    return [f"{k.__struct_config__.tag} ({', '.join(k.__struct_encode_fields__)})" for k in KINDS]


def feed_problems(feed: AnyFeed) -> Iterator[tuple[str, str]]:
    """(key, what is wrong and what is allowed) for what single types cannot say."""
    if isinstance(feed, _Certified) and bool(feed.cert) != bool(feed.key):
        yield "cert", "cert and key go together: the certificate's file and its key's"
    if isinstance(feed, _Reached | SftpFeed):
        if feed.password and not _NAME.fullmatch(feed.password):
            yield "password", 'a secret does not belong in this file; write "${NAME}" and set NAME, or password_file'
        if feed.password and feed.password_file:
            yield "password", "given twice, here and by password_file; keep one"
        if (feed.password or feed.password_file) and not feed.user:
            yield "user", "a password needs a user"
    yield from _numbers(feed)
    yield from _own(feed)


def _numbers(feed: AnyFeed) -> Iterator[tuple[str, str]]:
    for name, least, most in (
        ("port", 0, 65535), ("most", 64, 1 << 30), ("idle", 0.1, 86_400), ("connections", 1, 10_000),
        ("under_way", 1, 10_000), ("batch", 1, 100_000), ("seconds", 0.1, 86_400 * 7), ("overlap", 0, 86_400 * 366),
        ("pages", 1, 1_000_000), ("session", 0, 4_294_967_295), ("still", 0, 86_400),
    ):  # fmt: skip
        value = getattr(feed, name, None)
        if value is not None and not least <= value <= most:
            yield name, f"{value}; allowed: {least} to {most}"


def _own(feed: AnyFeed) -> Iterator[tuple[str, str]]:
    for name, choices in _CHOICES.get(feed.kind, {}).items():
        if getattr(feed, name) not in choices:
            yield name, f"{getattr(feed, name)!r}; allowed: {', '.join(choices)}"
    if isinstance(feed, MllpFeed) and feed.ca and not feed.cert:
        yield "ca", "asking senders for a certificate needs our own: give cert and key"
    if isinstance(feed, MqttFeed | KafkaFeed) and not all(words(feed.topic) or [""]):
        yield "topic", "name at least one topic"
    if isinstance(feed, KafkaFeed) and feed.user and feed.mechanism == "PLAIN" and not feed.tls:
        yield "mechanism", "PLAIN sends the password as it is; it needs tls = true"
    if isinstance(feed, PollFeed):
        yield from _poll(feed)
    if isinstance(feed, SftpFeed):
        yield from _sftp(feed)


_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "mqtt": {"version": ("5", "3.1.1")},
    "kafka": {"since": ("earliest", "latest"), "mechanism": ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")},
    "sftp": {"after": ("leave", "mark", "move")},
}


def _poll(feed: PollFeed) -> Iterator[tuple[str, str]]:
    try:
        at = urlsplit(feed.url)
    except ValueError as e:  # brackets that hold no address
        yield "url", str(e)
        return
    if at.scheme not in ("http", "https") or not at.hostname:
        yield "url", "write http:// or https:// and a host; no other address is asked"
    if at.username or at.password:
        yield "url", 'a secret does not belong in this file; use headers = { Authorization = "Bearer ${NAME}" }'
    for name, value in feed.headers.items():
        if _SECRET.search(name) and not _NAME.search(value):
            yield "headers", f'{name}: a secret does not belong in this file; write "${{NAME}}" and set NAME'
    if feed.next and not feed.next.startswith("/"):
        yield "next", f"{feed.next!r} is no JSON pointer; write for example /links/next"


def _sftp(feed: SftpFeed) -> Iterator[tuple[str, str]]:
    for name in ("host", "user", "known_hosts", "path", "files", "done"):
        if not getattr(feed, name).strip():
            yield name, "it is empty"
    if not (feed.key or feed.password or feed.password_file):
        yield "key", "nothing to sign in with: give key, password or password_file"
    if feed.passphrase and not _NAME.fullmatch(feed.passphrase):
        yield "passphrase", 'a secret does not belong in this file; write "${NAME}" and set NAME'
    if "/" in feed.files:
        yield "files", "names of one folder, such as *.csv; the folder goes into path"


def words(one_or_more: str | list[str]) -> list[str]:
    """A setting that may be one word or a list of them."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def secret(text: str, env: Mapping[str, str]) -> str:
    """A value with its `${NAME}` filled; ConfigError names a variable that is not set. The value is never told."""
    for name, default in _NAME.findall(text):
        if not env.get(name) and not default:
            raise ConfigError(f"the environment variable {name} is not set; the feed needs it")
    return _NAME.sub(lambda m: env.get(m[1]) or m[2] or "", text)


def password(feed: _Reached | SftpFeed, beside: Path, env: Mapping[str, str]) -> str:
    """The password of a feed, "" for none; ConfigError when it cannot be had."""
    if not feed.password_file:
        return secret(feed.password, env)
    path = beside / feed.password_file
    try:
        found = path.read_text("utf-8").split("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"password_file: {path} cannot be read as text; is the path right, may you read it?") from e
    if not found:
        raise ConfigError(f"password_file: {path} is empty; its first line is the password")
    return found


def secret_files(feed: AnyFeed | None) -> list[str]:
    """The files that a feed's secrets stand in, as city.toml names them."""
    names = (getattr(feed, "key", ""), getattr(feed, "password_file", ""))
    return [name for name in names if name]
