"""A blocking call beside the event loop, in a thread that nobody waits for at the end. I/O."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def aside(call: Callable[[], T]) -> T:
    """What the call gives or raises. Whoever is cancelled goes at once; the call ends in its own time, unheard."""
    found: Future[T] = Future()

    def run() -> None:
        try:
            said = call()
        except BaseException as e:
            with contextlib.suppress(Exception):  # nobody hears it any more
                found.set_exception(e)
        else:
            with contextlib.suppress(Exception):
                found.set_result(said)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return await asyncio.wrap_future(found)
