"""What an event changes in the cells, given what its source said before under the same key. Pure."""

import math
from collections.abc import Callable
from typing import Literal

from tocsin.types import Event, Increment, Minute

Verdict = Literal["new", "duplicate", "stale"]


def same(a: Event, b: Event) -> bool:
    """Do two events of one key say the same, whenever they were reported? NaN equals NaN here."""
    values = a.value == b.value or (math.isnan(a.value) and math.isnan(b.value))
    return values and (a.signal, a.area, a.reference_time, a.imported) == (
        b.signal,
        b.area,
        b.reference_time,
        b.imported,
    )


def judge(before: Event | None, event: Event) -> Verdict:
    """Is an event news after what its key said before? Report times of one key go forward; the rest is stale."""
    if before is None:
        return "new"
    if same(before, event):
        return "duplicate"
    return "stale" if event.report_time < before.report_time else "new"


def fold(before: Event | None, event: Event, step: Callable[[Event], Minute]) -> list[Increment]:
    """The increments by which `event` replaces `before`, both at the report time of `event`.

    Moves (another area, time or signal) leave the old cell and enter the new; NaN says nothing and enters none.
    A count of 0 stays in its cell as a reported zero.
    """
    found = []
    for it, n in ((before, -1), (event, +1)):
        if it is not None and not math.isnan(it.value):
            found.append(Increment(it.signal, it.area, step(it), event.report_time, it.value, n, it.imported))
    return found
