"""The tokens of a city: who may write what, by digests in a file of their own beside city.toml. I/O.

A token is 256 random bits, so that its SHA-256 says nothing of it and needs no salt or slow hash. The token itself is
shown once, when it is made, and is nowhere afterwards.
"""

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tocsin.errors import ConfigError, InputError, NotFound
from tocsin.types import Instant

FILE = "tokens.json"
NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
PREFIX = "tocsin_"  # so that a token that lies about is known for what it is
Role = Literal["push", "triage"]


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One token of a holder; two while it is rotated."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    made: Instant
    until: Instant | None = None  # no longer from then on


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may write: what, of which sources, how often, how far back."""

    name: Annotated[str, Meta(pattern=NAME)]
    may: list[Role]
    sources: list[str] = []  # push: these and no others
    signals: list[str] = []  # … of these; empty: any
    areas: list[str] = []  # … in these and what lies within; empty: any
    rate: Annotated[float, Meta(gt=0)] = 100.0  # requests a second, ten seconds' worth at once
    back_days: Annotated[int, Meta(ge=0)] = 31  # a report may be told so late; 0: however late
    secrets: list[Secret] = []


class Tokens:
    """The file, read again whenever it has changed, so that a token that is revoked is refused at the next request."""

    def __init__(self, directory: Path | None) -> None:
        """`directory` None: there are none."""
        self._path = None if directory is None else directory / FILE
        self._seen: tuple[int, ...] | None = None
        self._holders: list[Holder] = []
        self._lock = threading.Lock()

    def find(self, given: str, now: Instant) -> Holder | None:
        """Whose token it is, None if nobody's or no longer. All digests are compared, each in constant time.

        ConfigError when the file cannot be read: nobody is let in by what it said before.
        """
        digest, found = digested(given), None
        for holder in self._read():
            for secret in holder.secrets:
                valid = secret.until is None or now < secret.until
                if hmac.compare_digest(secret.sha256, digest) and valid:
                    found = holder
        return found

    def _read(self) -> list[Holder]:
        if self._path is None:
            return []
        with self._lock:
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                self._seen, self._holders = None, []
                return []
            seen = stat.st_mtime_ns, stat.st_size, stat.st_ino
            if seen != self._seen:
                self._seen = None
                self._holders = read(self._path.parent)
                self._seen = seen
            return self._holders


def digested(token: str) -> str:
    """SHA-256 of a token, hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read(directory: Path) -> list[Holder]:
    """All holders of a city, by name; ConfigError for a file that is not what `tocsin token` writes."""
    path = directory / FILE
    try:
        holders = msgspec.json.decode(path.read_bytes(), type=list[Holder])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: {e}; it is written by `tocsin token`, and by nobody else") from e
    return sorted(holders, key=lambda h: h.name)


def new(directory: Path, holder: Holder, now: Instant, until: Instant | None = None) -> str:
    """A token for a new holder: the only time that it is seen. InputError for a name that is taken or none."""
    if not re.fullmatch(NAME, holder.name):
        raise InputError(f"{holder.name!r}: a name is lower-case letters, digits, '.', '_' and '-', at most 64")
    with _changing(directory) as holders:
        if any(h.name == holder.name for h in holders):
            raise InputError(f"{holder.name!r} has a token; `tocsin token rotate {holder.name}` makes another")
        token = PREFIX + secrets.token_urlsafe(32)
        holders.append(msgspec.structs.replace(holder, secrets=[Secret(digested(token), now, until)]))
    return token


def rotate(directory: Path, name: str, now: Instant, overlap: Instant) -> str:
    """Another token for a holder; those there were hold for `overlap` microseconds more."""
    with _changing(directory) as holders:
        holder = _of(holders, name)
        token, last = PREFIX + secrets.token_urlsafe(32), now + overlap
        old = [msgspec.structs.replace(s, until=min(s.until or last, last)) for s in holder.secrets]
        left = [s for s in old if s.until is not None and s.until > now]
        holders.remove(holder)
        holders.append(msgspec.structs.replace(holder, secrets=[*left, Secret(digested(token), now)]))
    return token


def revoke(directory: Path, name: str) -> None:
    """All tokens of a holder, from now on."""
    with _changing(directory) as holders:
        holders.remove(_of(holders, name))


def _of(holders: list[Holder], name: str) -> Holder:
    for holder in holders:
        if holder.name == name:
            return holder
    raise NotFound(f"no token {name!r}; there are: {', '.join(h.name for h in holders) or 'none'}")


@contextmanager
def _changing(directory: Path) -> Iterator[list[Holder]]:
    """The list, to be changed; written whole and for the owner only, one change at a time."""
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        holders = read(directory)
        yield holders
        half = directory / f".{FILE}.{os.getpid()}.half"
        try:
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(msgspec.json.format(msgspec.json.encode(sorted(holders, key=lambda h: h.name)), indent=1))
                out.flush()
                os.fsync(out.fileno())
            half.replace(directory / FILE)
            os.fsync(held)
        finally:
            half.unlink(missing_ok=True)
    finally:
        os.close(held)
