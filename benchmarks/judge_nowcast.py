"""How many days earlier alerts come when detectors judge the nowcast: two replays of one city, side by side. I/O.

    python benchmarks/judge_nowcast.py AS_REPORTED NOWCAST

Both are city directories, replayed over the same days with `judge = "reported"` and `judge = "nowcast"`. Episodes of
one signal in one place are matched if their days overlap or lie within a week. "First known" is the beat that opened.
"""

import os
import sys
from pathlib import Path

import numpy as np

from tocsin.alert import episode
from tocsin.calendar import DAY
from tocsin.desk import open_desk
from tocsin.store import notes
from tocsin.types import Alert


def alerts(folder: Path, until: int) -> list[Alert]:
    """The episodes of a city's store as of a moment."""
    desk = open_desk(folder, os.environ)
    return sorted(episode.fold(notes.read_notes(desk.store, until)).values(), key=lambda a: a.began)


def judged_until(folder: Path) -> int:
    """The last beat."""
    return notes.last_tick(open_desk(folder, os.environ).store) or 0


def compare(before: list[Alert], after: list[Alert], signal: str) -> str:
    """One line for a signal: how many alerts, how many alike, and the days gained by those."""
    one, two = ([a for a in x if a.signal == signal] for x in (before, after))
    gained, left = [], list(two)
    for a in one:
        near = [b for b in left if b.area == a.area and b.opened <= a.last + 7 * DAY and a.opened <= b.last + 7 * DAY]
        if near:
            left.remove(near[0])
            gained.append((a.began - near[0].began) / 86_400_000_000)
    days = np.array(gained)
    places = {a.area: a.began for a in reversed(one)}, {a.area: a.began for a in reversed(two)}
    first = np.array([(places[0][p] - places[1][p]) / 86_400_000_000 for p in places[0].keys() & places[1].keys()])
    return (
        f"{signal}: {len(one)} as reported, {len(two)} nowcast, {len(days)} alike; of these earlier "
        f"{(days > 0).sum()}, later {(days < 0).sum()}, mean {days.mean() if len(days) else 0:.2f} days earlier; "
        f"first alert of a place ({len(first)}): mean {first.mean() if len(first) else 0:.2f}, "
        f"median {np.median(first) if len(first) else 0:g}, earlier {(first > 0).sum()}, later {(first < 0).sum()}; "
        f"only as reported {len(one) - len(days)}, only nowcast {len(left)}"
    )


if __name__ == "__main__":
    folders = [Path(p) for p in sys.argv[1:3]]
    end = min(judged_until(p) for p in folders)
    print(f"as of {np.datetime64(end, 'us')} UTC")
    reported, nowcast = (alerts(p, end) for p in folders)
    for name in sorted({a.signal for a in [*reported, *nowcast]}):
        print(compare(reported, nowcast, name))
