"""What is held in memory of when sources were heard is what the store says, whatever came since and for which day."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.calendar import civil_minute, zone
from tocsin.ears import LATE, Ears
from tocsin.feeds import heard_by
from tocsin.store import open_store
from tocsin.store.db import Store
from tocsin.store.deliveries import begin
from tocsin.store.events import append
from tocsin.store.fsck import fsck
from tocsin.types import Event

MINUTE = 60_000_000
AUTUMN = int(datetime(2026, 10, 30, tzinfo=UTC).timestamp()) // 60  # two days later New York puts its clocks back
SIGNALS = {"ili": ("count", "day")}


def told(store: Store, source: str, minutes: list[int], late: int = 0, tag: str = "") -> None:
    delivery = begin(store, source, "f", f"{source}{minutes}{tag}", "m", 0)
    events = [
        Event(source, f"{tag}{m}-{i}", "ili", "1", m * MINUTE - late, m * MINUTE, 1.0, "unknown")
        for i, m in enumerate(minutes)
    ]
    append(store, events, delivery=delivery.id, step=lambda e: 0, signals=SIGNALS, at=0)


BATCHES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.lists(st.integers(0, 6 * 1440), min_size=1, max_size=6)), max_size=6
)


@settings(max_examples=30, deadline=None)
@given(batches=BATCHES)
def test_minutes_are_the_stores(tmp_path_factory, batches):
    store = open_store(tmp_path_factory.mktemp("ears"))
    ears, said = Ears(store), {"a": set(), "b": set()}
    for n, (source, minutes) in enumerate(batches):
        told(store, source, minutes, tag=f"{n}:")
        said[source].update(minutes)
        for name, heard in said.items():
            assert ears.of(name).tolist() == sorted(heard) == Ears(store).of(name).tolist()
    assert ears.of("nobody").tolist() == []
    store.close()


@settings(max_examples=30, deadline=None)
@given(batches=BATCHES, zone_=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]), at=st.integers(0, 9000))
def test_hearings_are_the_stores_by_five_minutes(tmp_path_factory, batches, zone_, at):
    """New events of each five minutes, by the city's clock: also where clocks are put on or back."""
    store, tz = open_store(tmp_path_factory.mktemp("slots")), zone(zone_)
    ears = Ears(store)
    for n, (source, minutes) in enumerate(batches):
        told(store, source, [AUTUMN + m for m in minutes], tag=f"{n}:")
        if n % 2:  # told again: heard, and nothing new
            told(store, source, [AUTUMN + m for m in minutes], tag=f"{n}:")
    until = (AUTUMN + at) * MINUTE
    heard = heard_by(ears, ["a", "b", "nobody"], tz, until, 3)
    for name in ("a", "b", "nobody"):
        slots: dict[int, list[tuple[int, int]]] = {}
        for minute, events in store.db.execute(
            "SELECT minute, events FROM arrival a JOIN source s ON s.id = a.source WHERE s.name = ? ORDER BY 1", (name,)
        ):
            if (until - 1) // MINUTE - 3 * 1440 <= minute <= (until - 1) // MINUTE:
                slots.setdefault(minute // 5, []).append((minute, events))
        firsts = [civil_minute(of[0][0] * MINUTE, tz) for of in slots.values()]
        assert heard[name].minute.tolist() == [max(firsts[: i + 1]) for i in range(len(firsts))]
        assert heard[name].events.tolist() == [sum(n for _, n in of) for of in slots.values()]
    store.close()


def test_a_quiet_source_keeps_its_delay_among_busy_ones(tmp_path: Path):
    store = open_store(tmp_path)
    ears = Ears(store)
    told(store, "quiet", [10, 11, 12], late=3 * MINUTE)
    assert ears.late("quiet") == [3 * MINUTE] * 3
    told(store, "busy", list(range(20, 20 + 3 * LATE)), late=MINUTE)
    assert ears.late("quiet") == [3 * MINUTE] * 3
    assert ears.late("busy") == [MINUTE] * LATE
    told(store, "busy", list(range(9000, 9000 + LATE)), late=5 * MINUTE, tag="again")
    assert np.median(ears.late("busy")) == 5 * MINUTE
    store.close()


def test_what_of_a_day_does_not_add_up_is_found(tmp_path: Path):
    store = open_store(tmp_path)
    told(store, "a", [10, 1500, 1501])
    assert not [c.problems for c in fsck(store, tmp_path, lambda e: 0) if c.problems]
    with store.transaction() as db:
        db.execute("UPDATE arrival_day SET events = events + 1 WHERE day = 1")
    assert [c.name for c in fsck(store, tmp_path, lambda e: 0) if c.problems] == ["tallies"]
    store.close()
