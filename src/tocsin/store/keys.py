"""Which events a key names: an index in the store that is filled in sorted batches, and what came since in memory. I/O.

Keys are opaque, so they come in random order, and an index that took each at once would write a page for each. Here the
newest are held in memory, as a list and then as sorted runs; a run that is full goes into the table `known` in its
order, a slice with each batch of events, so that a page takes many of its digests at a time and no batch has to wait
for a run (the log-structured merge tree of O'Neil et al. 1996, doi:10.1007/s002360050048, with two components).
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tocsin.types import Ints

if TYPE_CHECKING:  # a store holds its index
    from tocsin.store.db import Connection, Store

FEW, MOST = 8192, 262_144  # events of the list, and of a run: 16 bytes each
AHEAD = 1.25  # how much faster a full run is written than the next one fills
AT_ONCE = 900  # bound variables in one statement, under SQLite's oldest limit of 999
_AFTER = "SELECT seq, source, key FROM event WHERE seq > ? ORDER BY seq LIMIT ?"


def digest(source: int, key: str) -> int:
    """64 bits of a key and its source's number, signed."""
    said = f"{source}\x1f{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


class _Run(NamedTuple):
    """Digests in ascending order and the events that they name."""

    digests: Ints
    seqs: Ints

    def newest(self, wanted: Ints) -> Ints:
        """The last event of each digest, 0 for none."""
        if not len(self.digests):
            return np.zeros(len(wanted), dtype=np.int64)
        at = np.searchsorted(self.digests, wanted, side="right") - 1
        return np.where((at >= 0) & (self.digests[at] == wanted), self.seqs[at], 0)

    def every(self, wanted: int) -> list[int]:
        """All events of a digest."""
        first, end = np.searchsorted(self.digests, wanted), np.searchsorted(self.digests, wanted, side="right")
        return self.seqs[first:end].tolist()  # type: ignore[no-any-return]  # numpy does not say what its lists hold

    def after(self, seq: int) -> "_Run":
        """The events after one."""
        later = self.seqs > seq
        return _Run(self.digests[later], self.seqs[later])

    def merged(self, digests: Ints, seqs: Ints) -> "_Run":
        """With later events."""
        order = np.argsort(digests, kind="stable")
        digests, seqs = digests[order], seqs[order]
        at = np.searchsorted(self.digests, digests, side="right")
        return _Run(np.insert(self.digests, at, digests), np.insert(self.seqs, at, seqs))


_NONE = _Run(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


class Keys:
    """The index as one process knows it. Used inside the store's transactions alone, so by one thread at a time."""

    def __init__(self) -> None:
        self._upto = -1  # the table has all events up to this one; -1: nothing has been read
        self._base = -1  # the last event of the runs
        self._new: list[int] = []  # digests of the events after it, in their order
        self._at: dict[int, int] = {}  # the last event of each of these digests
        self._run = self._full = _NONE  # of `_full`, the part that is not yet in the table
        self._landed: tuple[int, int, _Run] | None = None  # what to go back to when a transaction does not land

    @property
    def last(self) -> int:
        """The newest event."""
        return self._base + len(self._new)

    def look(self, db: "Connection") -> None:
        """Learn what other processes have written: once in a transaction, before anything is asked or told."""
        if self._landed is not None:
            return
        upto = int(db.execute("SELECT seq FROM known_upto").fetchone()[0])
        if upto > self._upto:
            self._run, self._full = self._run.after(upto), self._full.after(upto)
            self._upto = upto
            if upto > self.last:
                self._base, self._new, self._at = upto, [], {}
        last = _last(db)
        self._tidy(last)
        while self.last < last:
            self.add(_after(db, self.last))
            self._tidy(last)
        self._landed = len(self._new), self._upto, self._full

    def add(self, digests: Iterable[int]) -> None:
        """The digests of the events that are next, in their order."""
        for seq, one in enumerate(digests, self.last + 1):
            self._new.append(one)
            self._at[one] = seq

    def newest(self, db: "Connection", digests: Iterable[int]) -> dict[int, int]:
        """The last event of each digest that names any."""
        wanted = np.array(sorted(set(digests)), dtype=np.int64)
        held = np.maximum(self._run.newest(wanted), self._full.newest(wanted))
        ordered = wanted.tolist()
        found = {one: seq for one, seq in zip(ordered, held.tolist(), strict=True) if seq}
        found.update((one, self._at[one]) for one in ordered if one in self._at)
        rest = [one for one in ordered if one not in found]  # what is in the table alone came before
        for start in range(0, len(rest), AT_ONCE):
            part = rest[start : start + AT_ONCE]
            marks = ",".join("?" * len(part))
            found.update(
                db.execute(f"SELECT digest, MAX(seq) FROM known WHERE digest IN ({marks}) GROUP BY digest", part)
            )
        return found

    def every(self, db: "Connection", one: int) -> list[int]:
        """All events of a digest, ascending."""
        stored = [row[0] for row in db.execute("SELECT seq FROM known WHERE digest = ?", (one,))]
        listed = [seq for seq, d in enumerate(self._new, self._base + 1) if d == one] if one in self._at else []
        return sorted({*stored, *self._full.every(one), *self._run.every(one), *listed})

    def write(self, db: "Connection", events: int) -> None:
        """Write the next slice of a full run, in the measure of the events that came."""
        if not len(self._full.seqs):
            return
        cut = max(int(events * AHEAD), 1)
        _insert(db, _Run(self._full.digests[:cut], self._full.seqs[:cut]))
        self._full = _Run(self._full.digests[cut:], self._full.seqs[cut:])
        if not len(self._full.seqs):
            self._upto = int(self._run.seqs.min()) - 1 if len(self._run.seqs) else self._base
            _reach(db, self._upto)

    def landed(self) -> None:
        """What was told since the last time is durable."""
        self._landed = None

    def undo(self) -> None:
        """Forget what was told since; what landed all the same is read again."""
        if self._landed is not None:
            kept, self._upto, self._full = self._landed
            del self._new[kept:]
            self._at = {one: seq for seq, one in enumerate(self._new, self._base + 1)}
            self._landed = None

    def _tidy(self, last: int) -> None:
        """Between transactions: the list joins the run, and a run that is full waits to be written."""
        if len(self._new) < FEW:
            return
        seqs = np.arange(self._base + 1, self.last + 1)
        self._run = self._run.merged(np.array(self._new, dtype=np.int64), seqs)
        self._base, self._new, self._at = self.last, [], {}
        if len(self._run.seqs) >= _full_at(last) and not len(self._full.seqs):
            self._full, self._run = self._run, _NONE


def fill(store: "Store") -> None:
    """Bring the table near the end of a store that was made without it, as by an upgrade or a copy."""
    while _behind(store.db) > 4 * _full_at(_last(store.db)):
        with store.transaction() as db:
            _fill(db)


def renew(db: "Connection") -> None:
    """Make the table anew from the events, all of them: other processes may count on what they wrote into it."""
    db.execute("DELETE FROM known")
    db.execute("UPDATE known_upto SET seq = 0")
    while _behind(db):
        _fill(db)


def differs(store: "Store", db: "Connection") -> tuple[int, str]:
    """How many events the table should have, and what is wrong with it, "" if nothing."""
    upto = int(db.execute("SELECT seq FROM known_upto").fetchone()[0])
    events = store.stream(db, f"SELECT source, key, seq FROM event WHERE seq <= {upto}")
    should = _fingerprint((digest(source, key), seq) for source, key, seq in events)
    there = _fingerprint(store.stream(db, f"SELECT digest, seq FROM known WHERE seq <= {upto}"))
    why = f"the index of keys has {there[0]} entries and should have {should[0]}, or others; `tocsin rebuild` mends it"
    return should[0], "" if should == there else why


def _fingerprint(rows: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """How many, and a number that hardly any other set of them has, whatever their order."""
    count = total = 0
    for one, seq in rows:
        count += 1
        total += hash((one, seq))
    return count, total


def _after(db: "Connection", seq: int) -> list[int]:
    """The digests of the next events, at most `MOST`; 0 where one is gone, as in a store that is damaged."""
    rows = db.execute(_AFTER, (seq, MOST)).fetchall()
    found = [0] * (rows[-1][0] - seq)
    for at, source, key in rows:
        found[at - seq - 1] = digest(source, key)
    return found


def _full_at(last: int) -> int:
    """How many events fill a run: few in a small city, so that little has to be read when the program starts."""
    return min(max(last // 16, FEW), MOST)


def _last(db: "Connection") -> int:
    return int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM event").fetchone()[0])


def _behind(db: "Connection") -> int:
    return _last(db) - int(db.execute("SELECT seq FROM known_upto").fetchone()[0])


def _fill(db: "Connection") -> None:
    upto = int(db.execute("SELECT seq FROM known_upto").fetchone()[0])
    digests = np.array(_after(db, upto), dtype=np.int64)
    _insert(db, _NONE.merged(digests, np.arange(upto + 1, upto + 1 + len(digests))))
    _reach(db, upto + len(digests))


def _insert(db: "Connection", run: _Run) -> None:
    rows = zip(run.digests.tolist(), run.seqs.tolist(), strict=True)
    db.executemany("INSERT INTO known (digest, seq) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)


def _reach(db: "Connection", seq: int) -> None:
    db.execute("UPDATE known_upto SET seq = ? WHERE seq < ?", (seq, seq))
