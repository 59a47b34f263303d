"""Deliveries of which nothing is counted, though something came: what was there, and what to change. Pure.

Silence is told where it can hardly be meant. A table, a set of data values or a snapshot of vehicles of which no row is
taken is; so is a long feed. A message or a page without any record of ours is every day's work, and so is an empty one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from tocsin.ingest.contract import Broken

_LEAST = {  # records passed over, from which on a delivery that gives nothing else is told of; OTHERWISE for the rest
    **dict.fromkeys(("csv", "xlsx", "parquet", "nwss", "dhis2", "gtfs-rt"), 1),
    **dict.fromkeys(("sensorthings", "ngsi-ld"), 5),
}
OTHERWISE = 100
KINDS = 200  # different cells that are counted
SHOWN = 6


def unheard(wanted: str, there: Mapping[str, int], advice: str) -> Broken:
    """The finding of a reader that found no record of the kind it reads, but others."""
    total = f"{sum(there.values()):,}"
    return Broken(0, "nothing-taken", f"nothing in it is counted: {wanted} is read, and it holds {total} of other "
                  f"kinds: {_listed(there)}. {advice}")  # fmt: skip


class PassedOver:
    """The records that a mapping leaves to others, counted by the column and the cell that it did not want."""

    def __init__(self) -> None:
        self.records = 0
        self.cells: dict[str, Counter[str]] = {}

    def add(self, column: str, cell: str) -> None:
        """One more record, for the sake of this cell."""
        self.records += 1
        seen = self.cells.setdefault(column, Counter())
        if cell in seen or len(seen) < KINDS:
            seen[cell] += 1

    def told(self, kind: str, wanted: Mapping[str, Iterable[str]]) -> Broken | None:
        """The finding about a delivery in a format of which nothing else came; None where that may be meant."""
        if self.records < _LEAST.get(kind, OTHERWISE):
            return None
        said = [f"of {column} the mapping wants {_some(sorted(wanted.get(column, ())))}, and there is {_listed(seen)}"
                for column, seen in self.cells.items()]  # fmt: skip
        message = f"none of its {self.records:,} records is counted: {'; '.join(said)}. If they are to count, add "
        message += "these to the mapping (only, or the signal's map); if not, have them left out of this feed"
        return Broken(0, "nothing-taken", message, field=", ".join(self.cells)[:200])


def _listed(seen: Mapping[str, int]) -> str:
    most = sorted(seen.items(), key=lambda pair: -pair[1])
    some = [f"{cell[:40] or 'nothing'} ({n:,})" for cell, n in most[:SHOWN]]
    return ", ".join(some) + (" and others" if len(most) > SHOWN else "")


def _some(cells: list[str]) -> str:
    return " or ".join(cell[:40] for cell in cells[:SHOWN]) + (" or others" if len(cells) > SHOWN else "")
