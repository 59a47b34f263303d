"""What every feed is given and gives back: messages in, an answer only when they are durable. I/O.

A feed hands each message to `deliver` and acknowledges it to its sender when that returns. StoreError means that the
message is not durable: it is kept unacknowledged and tried again, and nothing more is read meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from tocsin.errors import FeedError, StoreError, TocsinError
from tocsin.types import Instant

PAUSE, LONGEST = 0.5, 30.0  # seconds before a second try, doubled each time, and at most


class Message(NamedTuple):
    """Bytes in the source's own format, and where they came from, as findings will say it."""

    data: bytes
    name: str


class Outcome(NamedTuple):
    """What became of a message; `problem` is the first sentence about it."""

    events: int  # new or known already
    findings: int  # of records that gave no event
    problem: str = ""
    code: str = ""  # … and its rule's name


Deliver = Callable[[bytes, str], Awaitable[Outcome]]
Say = Callable[[str], None]
State = Literal["starting", "up", "paused", "down", "standby"]


@dataclass
class Status:
    """How a feed does. Paused: the store does not take what came; standby: another server runs it."""

    kind: str
    clock: Callable[[], Instant]
    state: State = "starting"
    since: Instant | None = None  # … in this state
    last: Instant | None = None  # the last message that was durable
    messages: int = 0
    errors: int = 0
    problem: str = ""  # the last one, until it is over

    def now(self, state: State, problem: str = "") -> None:
        """Enter a state; a problem counts as an error."""
        if state != self.state:
            self.state, self.since = state, self.clock()
        self.errors += bool(problem)
        self.problem = problem

    def wrong(self, problem: str) -> None:
        """Something was wrong with what a sender sent; the feed goes on."""
        self.errors += 1
        self.problem = problem[:300]

    def took(self, messages: int) -> None:
        """So many messages are durable."""
        self.messages += messages
        self.last = self.clock()


class Feed(Protocol):
    """One way for messages to come."""

    alone: bool  # of several servers on one store, only the one that leads runs it

    async def run(self, deliver: Deliver, status: Status) -> None:
        """Deliver until cancelled. Raises FeedError or OSError when the line breaks."""

    async def sample(self, say: Say) -> Message:
        """One message, acknowledged to nobody; `say` hears what is seen on the way. FeedError, OSError."""


async def keep(feed: Feed, deliver: Deliver, status: Status, broken: Callable[[Exception], None]) -> None:
    """Run a feed until cancelled, again and again with longer and longer pauses; `broken` hears of our own mistakes."""
    wait = PAUSE
    while True:
        before = status.messages
        try:
            await feed.run(deliver, status)
            raise FeedError("it ended by itself")
        except (OSError, TimeoutError, TocsinError) as e:
            status.now("down", sentence(e))
        except Exception as e:
            status.now("down", f"{type(e).__name__}; the log has the details")
            broken(e)
        wait = PAUSE if status.messages > before else min(wait * 2, LONGEST)
        await asyncio.sleep(wait)


async def durable(
    deliver: Deliver, messages: Sequence[Message], status: Status, patience: float = float("inf")
) -> list[Outcome]:
    """Deliver messages, in order, sharing what can be shared; all are durable when this returns.

    While the store does not take them they wait, and with them their sender. StoreError after `patience` seconds.
    """
    outcomes: list[Outcome] = []
    wait, waited = PAUSE, 0.0
    while True:
        tried = [deliver(m.data, m.name) for m in messages[len(outcomes) :]]
        for done in await asyncio.gather(*tried, return_exceptions=True):
            if isinstance(done, BaseException):
                break
            outcomes.append(done)
        else:
            if status.state == "paused":
                status.now("up")
            status.took(len(messages))
            return outcomes
        if not isinstance(done, StoreError) or waited >= patience:
            raise done
        status.now("paused", sentence(done))  # what came after the first that failed is tried again after it
        await asyncio.sleep(min(wait, patience))
        waited, wait = waited + wait, min(wait * 2, LONGEST)


def sentence(why: BaseException) -> str:
    """An exception in words, one line, at most 300 characters."""
    said = str(why) or type(why).__name__
    return " ".join(said.split())[:300]
