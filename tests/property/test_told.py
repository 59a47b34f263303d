"""Sums folded behind the events say what the events themselves say, at every moment, folded or not."""

import math
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from city import make_city, put
from tocsin import quality
from tocsin.calendar import DAY, civil_minute, day_of, end_of_day
from tocsin.cube.mix import Mix
from tocsin.desk import Desk, open_desk
from tocsin.store import told
from tocsin.store.fsck import fsck
from tocsin.types import Event

HOUR, DAY_US = told.HOUR, told.DAY
START = 1_399_939_200_000_000  # 2014-05-13, midnight UTC
ZONES = ("UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/St_Johns")

said = st.tuples(
    st.integers(0, 6),  # key: most are said again, moved, corrected, withdrawn
    st.one_of(
        st.tuples(st.just("cases"), st.sampled_from([0.0, 1.0, 2.0, 7.0, math.nan])),
        st.tuples(st.just("air"), st.sampled_from([0.1, 36.6, -1.5, math.nan])),
    ),
    st.sampled_from(["111", "112", "121", "11", "1", "gone"]),
    st.integers(-2000, 80),  # reference: hours from the report back, or on
    # Report: late ones lie before what is known of other keys; many lie on an hour, or a microsecond beside it.
    st.tuples(st.integers(0, 64 * 24), st.sampled_from([0, 0, 1, HOUR - 1, HOUR // 2, HOUR // 4 * 3])),
)
histories = st.lists(st.tuples(said, st.booleans()), max_size=40)


def plain(desk: Desk, part: int, signal: str | None, since: int, until: int) -> Counter[tuple[str, int]]:
    """Event by event."""
    found: Counter[tuple[str, int]] = Counter()
    for name, area, reference, report in desk.store.db.execute(
        "SELECT g.name, e.area, e.reference_time, e.report_time FROM event e JOIN signal g ON g.id = e.signal"
        " JOIN source s ON s.id = e.source WHERE s.name = 'hospital'"
    ):
        if since <= report < until and signal in (None, name):
            late = int((report - reference) / DAY_US)  # towards 0
            found[name, (area, reference // HOUR, late)[part]] += 1
    return found


def values(desk: Desk, signal: str, since: int, until: int) -> float:
    rows = desk.store.db.execute(
        "SELECT e.value, e.report_time FROM event e JOIN signal g ON g.id = e.signal WHERE g.name = ?", (signal,)
    )
    return math.fsum(v for v, report in rows if v is not None and since <= report < until)


def plain_volume(desk: Desk, signal: str, as_of: int) -> tuple[list[float], list[int]]:
    """What `Desk.told_by` says, event by event."""
    until = as_of // HOUR * HOUR
    since = until - 56 * DAY_US
    step, codes = desk.step(signal), told.areas(desk.store)
    places = plain(desk, told.AREA, signal, since, until + 1)
    hours = {h for _, h in plain(desk, told.REFERENCE, signal, since, until + 1)}
    steps = sorted({step.floor(civil_minute(h * HOUR, desk.tz)) for h in hours})
    by_area = [0.0] * len(desk.tree.areas)
    for (_, area), n in places.items():
        by_area[desk.tree.index.get(codes[area], 0)] += n
    return [n / max(len(steps), 1) for n in by_area], steps


def plain_mix(desk: Desk, since: int, until: int) -> Mix | None:
    codes, areas = told.areas(desk.store), Counter[str]()
    for (_, area), n in plain(desk, told.AREA, None, since, until).items():
        areas[codes[area]] += n
    delays = sorted(plain(desk, told.DELAY, None, since, until).elements(), key=lambda x: x[1])
    if not delays:
        return None
    first = min(name for name, _ in delays)
    mean = values(desk, first, since, until) / sum(name == first for name, _ in delays)
    return Mix(areas, float(delays[(len(delays) - 1) // 2][1]), mean)


def agrees(desk: Desk, moments: list[int]) -> None:
    for at in moments:
        for signal in ("cases", "air"):
            got = desk.told_by("hospital", signal, at)
            by_area, steps = plain_volume(desk, signal, at)
            assert got.by_area.tolist() == by_area
            assert got.steps.tolist() == steps
        for back in (0, 1, 30):
            day = desk.today(at) // DAY - back
            bounds = [end_of_day(day_of(d * DAY), desk.tz) + 1 for d in (day - 1, day)]
            mixed, want = quality._mix(desk, desk.settings.sources[0], day), plain_mix(desk, *bounds)
            assert (mixed is None) == (want is None)
            if mixed is not None and want is not None:
                assert (mixed.areas, mixed.delay_days) == (want.areas, want.delay_days)
                assert math.isclose(mixed.mean, want.mean, rel_tol=1e-11, abs_tol=1e-11)


@settings(max_examples=40, deadline=None)
@given(histories, st.integers(1, 9), st.sampled_from([1, 3, 1000]), st.sampled_from(ZONES), st.data())
def test_the_sums_are_what_the_events_say(sayings, size, many, where, data):
    """Live and of any moment, behind or not, whatever is corrected, comes late, or comes from another process."""
    with tempfile.TemporaryDirectory() as folder, patch("tocsin.store.told.MANY", many):
        desk = make_city(Path(folder), zone=where)
        other = open_desk(Path(folder), {})  # as a second server sees the same store
        reports = [START + hours * HOUR + more for ((*_, (hours, more)), _) in sayings]
        pick = st.sampled_from([START, *reports])
        for n, begin in enumerate(range(0, len(sayings), size)):
            part = [
                Event("hospital", f"k{key}-{report % 3}", signal, area, report + hours * HOUR, report, value)
                for ((key, (signal, value), area, hours, _), _), report in zip(
                    sayings[begin : begin + size], reports[begin : begin + size], strict=True
                )
            ]
            put(desk, part, f"part {n}")
            if sayings[begin][1]:
                told.fold(data.draw(st.sampled_from([desk, other])).store, few=data.draw(st.integers(0, 4)))
            moments = [data.draw(pick) + data.draw(st.sampled_from([0, -1, HOUR, DAY_US, 56 * DAY_US])) for _ in "ab"]
            agrees(desk, moments)
            agrees(other, moments)
        other.store.close()
        desk.store.close()
        again = open_desk(Path(folder), {})
        agrees(again, [START, *reports])
        for _ in range(2):
            for part in (told.AREA, told.REFERENCE, told.DELAY):
                since, until = sorted((data.draw(pick), data.draw(pick) + 1))
                got = told.sums(again.store, "hospital", None, part, since, until)
                assert {(s.signal, s.what): s.events for s in got} == plain(again, part, None, since, until)
                assert got == sorted(got, key=lambda s: (s.signal, s.what))
            told.fold(again.store, few=1)
        assert not [c.problems for c in fsck(again.store, again.directory, again.step_of) if c.problems]
        again.store.close()


def test_what_was_folded_wrong_is_found(tmp_path: Path) -> None:
    desk = make_city(tmp_path)
    put(desk, [Event("hospital", f"k{n}", "cases", "111", START, START + n * HOUR, 1.0) for n in range(30)])
    told.fold(desk.store, few=1)
    assert told.sums(desk.store, "hospital", "cases", told.DELAY, START, START + DAY_US) == [("cases", 0, 24, 24.0)]
    with desk.store.transaction() as db:
        db.execute("UPDATE told SET events = events + 1 WHERE part = 1 AND hours = 24")
    assert told.sums(desk.store, "hospital", "cases", told.DELAY, START, START) == []
    assert told.sums(desk.store, "nobody", None, told.AREA, START, START + DAY_US) == []
    assert [c.name for c in fsck(desk.store, tmp_path, desk.step_of) if c.problems] == ["tallies"]
    desk.store.close()


def test_a_few_events_are_left_lying(tmp_path: Path) -> None:
    """What is told twice is folded once; under `FEW` events nothing is written."""
    desk = make_city(tmp_path)
    put(desk, [Event("hospital", f"k{n}", "cases", "111", START, START + n * HOUR, 1.0) for n in range(30)])
    told.fold(desk.store)
    assert desk.store.db.execute("SELECT COUNT(*) FROM told").fetchone()[0] == 0
    with patch("tocsin.store.told.MANY", 7):
        told.fold(desk.store, few=16, most=2)
    assert desk.store.db.execute("SELECT seq FROM folded").fetchone()[0] == 14, "the rest waits for the next beat"
    for _ in range(2):
        told.fold(desk.store, few=16)
        folded = desk.store.db.execute("SELECT CAST(SUM(events) AS BIGINT) FROM told GROUP BY part, hours").fetchall()
        assert [n for (n,) in folded] == [30] * 6
    desk.store.close()
