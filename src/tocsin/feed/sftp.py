"""A folder on an SFTP server: each file taken once it is whole, then left, marked or moved when it is durable. I/O.

A connection lasts for one look. What was taken is remembered by name, size and time beside the city; a file that comes
again all the same is known by its bytes and adds nothing.
"""

import asyncio
import fnmatch
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from tocsin.config.feeds import SftpFeed, password, secret
from tocsin.errors import FeedError
from tocsin.feed import memory
from tocsin.feed.contract import Deliver, Message, Say, Status, durable, sentence
from tocsin.feed.folder import Seen, Stamp, partial, still
from tocsin.feed.sftp_line import Changed, Gone, Line, Refused, connected, known_hosts, private_key, shown
from tocsin.types import Instant

MARK = b".taken"
AT_ONCE = 100  # files between two times that it is remembered
AFTER_REFUSAL = 300.0  # seconds at least: servers lock out who tries a wrong password again and again


class Sftp:
    """One folder."""

    alone = True

    def __init__(
        self, feed: SftpFeed, source: str, beside: Path, env: Mapping[str, str], clock: Callable[[], Instant]
    ) -> None:
        """ConfigError for secrets, keys and known hosts that cannot be had."""
        self._feed, self._clock = feed, clock
        self._known = known_hosts(beside / feed.known_hosts)
        self._password = password(feed, beside, env)
        self._key = private_key(beside / feed.key, secret(feed.passphrase, env)) if feed.key else None
        self._folder = feed.path.rstrip("/").encode() or b"/"
        self._done = _join(self._folder, feed.done.rstrip("/").encode())
        self._file = memory.file(beside, source)
        self._seen = Seen[bytes](_taken(memory.read(self._file, self._of())))
        self._left: dict[bytes, tuple[Stamp, str]] = {}  # files that stay where they are, and why
        self._unsaved = 0  # files taken since it was remembered

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Look after look until cancelled; after one that failed, sooner and then later and later."""
        failed = 0
        while True:
            try:
                await self._look(deliver, status)
                status.now("up")
                status.problem = self._standing()
                failed, wait = 0, self._feed.seconds
                if self._seen.waiting.keys() - self._left.keys():
                    wait = min(wait, max(self._feed.still, 0.05))
            except FeedError as e:
                failed += 1
                status.now("down", sentence(e))
                wait = min(2.0 ** min(failed, 12), self._feed.seconds)
                if isinstance(e, Refused):
                    wait = max(AFTER_REFUSAL, self._feed.seconds)
            await asyncio.sleep(wait)

    async def sample(self, say: Say) -> Message:
        """The newest file that would be taken, as it is now; nothing is marked, moved or remembered."""
        feed = self._feed
        async with self._line() as line:
            say(f"connected to {feed.host} port {feed.port}, which has the key that known_hosts says: {line.host_key}")
            say(f"let in as {feed.user}, by {'key' if self._key else 'password'}")
            names = await line.names(self._folder)
            there = self._ours(names)
            whole = {n: s for n, s in there.items() if s.size <= feed.most}
            say(f"the folder {feed.path} has {len(names):,} names: {len(there):,} files to take by {feed.files!r},"
                f" {len(there) - len(whole):,} of them over {feed.most:,} bytes")  # fmt: skip
            if not whole:
                raise FeedError(f"no file to take in {feed.path}; are path and files right, and is one there?")
            name = max(whole, key=lambda n: (whole[n].modified_ns, n))
            say(f"serve would take a file once it is still for {feed.still:g} s, and then {self._then()}")
            return self._message(name, await line.read(_join(self._folder, name), whole[name]))

    async def _look(self, deliver: Deliver, status: Status) -> None:
        async with self._line() as line:
            names = await line.names(self._folder)
            there = self._ours(names)
            for name in [n for n in self._seen.taken if n not in there]:
                del self._seen.taken[name]
            self._left = {n: left for n, left in self._left.items() if there.get(n) == left[0]}
            ready = still(there, self._seen, asyncio.get_running_loop().time(), self._feed.still)
            await self._answer_for(line, [n for n in there if self._seen.taken.get(n) == there[n]], names, status)
            try:
                for name in sorted(ready, key=lambda n: (there[n].modified_ns, n)):
                    await self._take(line, name, there[name], names, deliver, status)
                    if self._unsaved >= AT_ONCE:
                        self._remember()
            finally:
                if self._unsaved:
                    self._remember()

    async def _take(
        self, line: Line, name: bytes, stamp: Stamp, names: Mapping[bytes, object], deliver: Deliver, status: Status
    ) -> None:
        """Take one file; one that cannot be had is left, and the others go on."""
        if stamp.size > self._feed.most:
            why = f"{shown(name)} has {stamp.size:,} bytes, over {self._feed.most:,}; raise `most`, or have it split"
            self._leave(name, stamp, why, status)
            return
        try:
            data = await line.read(_join(self._folder, name), stamp)
        except (Gone, Refused):
            raise
        except Changed:
            self._seen.waiting.pop(name, None)  # from now on it is watched anew
            return
        except FeedError as e:
            self._leave(name, stamp, sentence(e), status)
            return
        await durable(deliver, [self._message(name, data)], status)
        self._seen.taken[name] = stamp
        self._seen.waiting.pop(name, None)
        self._unsaved += 1
        await self._answer_for(line, [name], names, status)

    async def _answer_for(self, line: Line, taken: list[bytes], names: Mapping[bytes, object], status: Status) -> None:
        """Mark or move files that are durable; what cannot be is told, once, and tried again at the next look."""
        for name in taken if self._feed.after != "leave" else []:
            stamp = self._seen.taken[name]
            try:
                if self._feed.after == "move":
                    await self._move(line, name, stamp)
                elif name + MARK not in names:
                    await line.mark(_join(self._folder, name + MARK))
                self._left.pop(name, None)
            except Gone:
                raise
            except FeedError as e:
                self._leave(name, stamp, f"it was taken, but {sentence(e)}", status)
                return

    async def _move(self, line: Line, name: bytes, stamp: Stamp) -> None:
        await line.folder(self._done)
        here, to = _join(self._folder, name), _join(self._done, name)
        if await line.stamp(to) is not None:  # one of that name was there before
            to += b".%d" % self._clock()
        await line.move(here, to)
        if await line.stamp(to) != stamp:  # replaced a moment ago: what was moved is not what was taken
            await line.move(to, here)

    def _leave(self, name: bytes, stamp: Stamp, why: str, status: Status) -> None:
        if self._left.get(name) != (stamp, why):
            self._left[name] = (stamp, why)
            status.wrong(why)

    def _standing(self) -> str:
        """What is wrong with files that are still there."""
        if not self._left:
            return ""
        more = f"; so are {len(self._left) - 1} more" if len(self._left) > 1 else ""
        return next(iter(self._left.values()))[1][:280] + more

    def _ours(self, names: Mapping[bytes, Stamp | None]) -> dict[bytes, Stamp]:
        """The files to take: regular, not empty, named as asked, not marked as half done."""
        found = {}
        for name, stamp in names.items():
            text = name.decode("utf-8", "surrogateescape")
            asked = fnmatch.fnmatchcase(text, self._feed.files) and not partial(text) and not name.endswith(MARK)
            if asked and stamp and stamp.size:
                found[name] = stamp
        return found

    def _line(self) -> AbstractAsyncContextManager[Line]:
        f = self._feed
        return connected(f.host, f.port, f.user, self._known, self._key, self._password)

    def _message(self, name: bytes, data: bytes) -> Message:
        return Message(data, f"sftp {self._feed.host} {shown(_join(self._folder, name))}")

    def _then(self) -> str:
        return {
            "leave": "leave it where it is",
            "mark": "mark it with a file NAME.taken",
            "move": f"move it into {shown(self._done)}",
        }[self._feed.after]

    def _remember(self) -> None:
        self._unsaved = 0
        taken = {quote_from_bytes(n): list(s) for n, s in self._seen.taken.items()}
        memory.write(self._file, self._of(), {"taken": taken})

    def _of(self) -> list[str]:
        """What the memory speaks of: another folder is another memory."""
        return ["sftp", self._feed.host, str(self._feed.port), self._feed.user, self._feed.path]


def _taken(found: Any) -> dict[bytes, Stamp]:
    """What was remembered; whatever is not as we write it is forgotten."""
    taken = found.get("taken") if isinstance(found, dict) else None
    return {
        unquote_to_bytes(name): Stamp(*stamp)
        for name, stamp in (taken.items() if isinstance(taken, dict) else ())
        if isinstance(stamp, list) and [type(n) for n in stamp] == [int, int]
    }


def _join(folder: bytes, name: bytes) -> bytes:
    return name if name.startswith(b"/") else folder.rstrip(b"/") + b"/" + name
