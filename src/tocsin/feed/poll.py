"""An address asked again and again: pages taken in one round, remembered only when all of them are durable. I/O."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from tocsin.config.feeds import PollFeed, secret
from tocsin.errors import FeedError
from tocsin.feed import memory, tls
from tocsin.feed.aside import aside
from tocsin.feed.contract import Deliver, Message, Say, Status, durable, sentence
from tocsin.feed.http import Answer, Getter, within
from tocsin.feed.pages import next_link
from tocsin.types import Instant

LONGEST = 3600.0  # seconds that a server may ask us to stay away
# What is found of a page that holds none of our records: an error in words, a form to sign in, a page of maintenance.
NO_PAGE = ("not-a-table", "bad-json", "bad-xml", "bad-fhir", "bad-protobuf", "missing-column", "service-error")


class Refused(FeedError):
    """The server answered, but not with a page; it may say when to come again."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Memory(msgspec.Struct):
    """What is known of the last whole round."""

    url: str = ""  # of which the two below speak: only of a round that was one page
    etag: str = ""
    modified: str = ""
    since: Instant | None = None  # when it began


class Poll:
    """One address."""

    alone = True

    def __init__(
        self, feed: PollFeed, source: str, beside: Path, env: Mapping[str, str], clock: Callable[[], Instant]
    ) -> None:
        """ConfigError for secrets and certificates that cannot be had."""
        self._feed, self._clock = feed, clock
        self._headers = {name: secret(value, env) for name, value in feed.headers.items()}
        self._getter = Getter(tls.reaching(beside, feed.ca, feed.cert, feed.key), feed.proxy, feed.most)
        self._file = memory.file(beside, source)

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Round after round until cancelled; after a round that failed, sooner and then later and later."""
        failed = 0
        while True:
            try:
                await self._round(deliver, status)
                status.now("up")
                failed, wait = 0, self._feed.seconds
            except FeedError as e:
                failed += 1
                status.now("down", sentence(e))
                asked = e.after if isinstance(e, Refused) else 0.0
                wait = max(min(2.0 ** min(failed, 12), self._feed.seconds), asked)
            await asyncio.sleep(wait)

    async def sample(self, say: Say) -> Message:
        """The first page, as a very first round would ask for it."""
        answer = await self._get(self._first(Memory()), {})
        kind = answer.headers.get("content-type", "no content type")
        say(f"GET {_plain(answer.url)}: {answer.status}, {len(answer.body):,} bytes, {kind}")
        kept = [name for name in ("ETag", "Last-Modified") if name in answer.headers]
        say(f"an unchanged page is told by {' and '.join(kept)}" if kept else "nothing says whether it has changed")
        following = self._next(answer)
        say(f"the next page is {_plain(following)}" if following else "there is no next page")
        return Message(answer.body, f"poll {_plain(answer.url)}")

    async def _round(self, deliver: Deliver, status: Status) -> None:
        known, began = self._remembered(), self._clock()
        url = self._first(known)
        asked = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known.url == url else {}
        answer = await self._get(url, {k: v for k, v in asked.items() if v})
        seen = {url}
        while answer.status != 304:
            await self._take(answer, deliver, status)
            following = self._next(answer)
            if not following:
                break
            if following in seen or len(seen) >= self._feed.pages:
                raise FeedError(f"page {len(seen)} leads on without end; raise `pages` if there are more")
            seen.add(following)
            answer = await self._get(following, {})
        if len(seen) == 1 and answer.status != 304:
            h = answer.headers
            known = Memory(url, h.get("etag", ""), h.get("last-modified", ""))
        elif len(seen) > 1:
            known = Memory()
        known.since = began
        memory.write(self._file, self._of(), known)

    async def _take(self, page: Answer, deliver: Deliver, status: Status) -> None:
        """Have a page taken. FeedError if it is none: what it should have held must be asked for again."""
        name = f"poll {_plain(page.url)}"
        (outcome,) = await durable(deliver, [Message(page.body, name)], status)
        if outcome.findings and not outcome.events and outcome.code in NO_PAGE:
            # Without the finding's sentence: it may quote a record, and this one everybody may read.
            why = f"answered {page.status}, but with no page of records ({outcome.code}; `tocsin findings` says more)"
            raise FeedError(f"{_plain(page.url)} {why}; it is asked for again")

    async def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        gone = threading.Event()
        try:
            answer = await aside(lambda: self._getter.get(url, {**self._headers, **headers}, gone))
        finally:
            gone.set()
        if answer.status not in (200, 304) or (answer.status == 304 and not headers):
            after = answer.headers.get("retry-after", "")
            wait = min(float(after), LONGEST) if after.isdigit() else 0.0
            raise Refused(f"{_plain(url)} answered {answer.status}", wait)
        return answer

    def _first(self, known: Memory) -> str:
        value = self._feed.begin
        if known.since is not None:
            at = known.since - int(self._feed.overlap * 1e6)
            value = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if not self._feed.since or not value:
            return self._feed.url
        parts = urlsplit(self._feed.url)
        query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != self._feed.since]
        return parts._replace(query=urlencode([*query, (self._feed.since, value)])).geturl()

    def _next(self, answer: Answer) -> str:
        """The next page's address, "" after the last."""
        found = next_link(answer.headers, answer.body, self._feed.next)
        return within(answer.url, found) if found else ""

    def _remembered(self) -> Memory:
        found = memory.read(self._file, self._of())
        try:
            return msgspec.convert(found, Memory)
        except msgspec.ValidationError:
            return Memory()

    def _of(self) -> list[str]:
        """What the memory speaks of: another address or parameter is another memory."""
        return [self._feed.url, self._feed.since]


def _plain(url: str) -> str:
    """An address without its query, which may hold what is nobody's business."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
