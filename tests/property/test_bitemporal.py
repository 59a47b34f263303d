"""The cube at any moment equals a naive recount of what was said by then, whatever was corrected or withdrawn."""

import math
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from city import DAY_US, make_city, put
from tocsin import held
from tocsin.calendar import Step, civil_minute, end_of_day, zone
from tocsin.desk import open_desk
from tocsin.store import totals
from tocsin.types import Event

HOUR_US = DAY_US // 24
START = 1_400_000_000_000_000  # 2014-05-13
TREE = {"111": ["111", "11", "1"], "112": ["112", "11", "1"], "121": ["121", "12", "1"], "11": ["11", "1"], "1": ["1"]}
LEVEL = {"1": "city", "11": "district", "12": "district", "111": "street", "112": "street", "121": "street"}

counted = st.tuples(st.just("cases"), st.sampled_from([0.0, 1.0, 1.0, 2.0, 7.0, math.nan]))
measured = st.tuples(st.just("air"), st.sampled_from([0.1, 0.2, 0.3, 1e9, -1.5, math.nan]))
said = st.tuples(
    st.integers(0, 5),  # key
    st.one_of(counted, st.tuples(st.just("other"), st.just(1.0)), measured),
    st.sampled_from(sorted(TREE)),
    st.integers(0, 72),  # reference: hours after START
    st.integers(0, 3),  # report: days after the one before
)


def naive(history: list[Event], as_of: int, signal: str, level: str, step: Step) -> dict[tuple[str, int], float]:
    """The last word on every key by then, added up by hand."""
    last: dict[str, Event] = {}
    for event in history:
        if event.report_time <= as_of:
            last[event.key] = event
    cells: dict[tuple[str, int], list[float]] = {}
    for e in last.values():
        if e.signal != signal or math.isnan(e.value):
            continue
        place = next((a for a in TREE[e.area] if LEVEL[a] == level), None)
        if place:
            minute = step.floor(civil_minute(e.reference_time, zone("Asia/Shanghai")))
            cells.setdefault((place, minute), []).append(e.value)
    return {c: math.fsum(v) / (len(v) if signal == "air" else 1) for c, v in cells.items()}


@settings(max_examples=60, deadline=None)
@given(st.lists(said, max_size=40), st.integers(1, 7), st.sampled_from([2, 300_000]), st.randoms(use_true_random=False))
def test_the_cube_is_what_was_said_by_then(sayings, size, many, random):
    """However many rows are held one by one, and in whatever order moments are asked for."""
    history, report = [], START + 4 * DAY_US
    for key, (signal, value), area, hours, later in sayings:
        report += later * DAY_US
        history.append(Event("hospital", f"k{key}", signal, area, START + hours * HOUR_US, report, value))
    with tempfile.TemporaryDirectory() as folder, patch("tocsin.held.MANY", many):
        desk = make_city(Path(folder))
        for n, start in enumerate(range(0, len(history), size)):
            put(desk, history[start : start + size], f"part {n}")
            if n == 1:  # what is remembered between batches is only what is stored
                desk.store.close()
                desk = open_desk(Path(folder), {})
            for signal in ("cases", "air"):  # what is settled is what was known when somebody asked
                desk.columns(signal, random.choice(history).report_time + random.choice([0, HOUR_US, 9 * DAY_US]))
        first, last = desk.store.db.execute("SELECT MIN(step), MAX(step) FROM increment").fetchone()
        assert totals.span(desk.store) == (None if first is None else (first, last))
        reports = [START + 3 * DAY_US, *(e.report_time for e in history)]
        moments = sorted({*reports, *(end_of_day(desk.day(at), desk.tz) for at in reports)})
        for as_of in [*random.sample(moments, len(moments)), *moments]:
            for signal, level in (("cases", "street"), ("cases", "city"), ("other", "district"), ("air", "district")):
                want = naive(history, as_of, signal, level, desk.step(signal))
                cube = desk.cube(signal, level, as_of, None, None)
                got = {
                    (area, int(t.astype(np.int64))): cube.values[0, i, j]
                    for i, area in enumerate(cube.areas)
                    for j, t in enumerate(cube.times)
                    if not math.isnan(cube.values[0, i, j])
                }
                for cell, value in want.items():
                    assert got[cell] == value, (cell, as_of)
                extra = {c: v for c, v in got.items() if c not in want}
                assert not any(extra.values()), "a cell nobody spoke of is zero or missing"
                assert signal != "air" or not extra, "a measurement nobody made is missing"
        desk.store.close()


def test_days_that_are_over_are_exact_in_memory(tmp_path, monkeypatch):
    """Held as one row a day of report, a past day's end needs no store; a moment within a day is exact too."""
    monkeypatch.setattr("tocsin.held.MANY", 2)
    desk, six = make_city(tmp_path), START + 6 * DAY_US
    said = [(START + 4 * DAY_US, 1.0), (START + 4 * DAY_US + HOUR_US, 3.0), (START + 5 * DAY_US, 1.0), (six, 7.0),
            (six + HOUR_US, 1.0), (six + 2 * HOUR_US, 9.0)]  # fmt: skip
    said += [(START + 8 * DAY_US + n * HOUR_US, float(n)) for n in range(1, 10)]
    history = [Event("hospital", "k", "cases", "111", START, at, value) for at, value in said]
    moments = sorted({at + more for at, _ in said for more in (-1, 0, 1)})
    ends = [end_of_day(desk.day(at), desk.tz) for at in moments]

    def agree(known: list[Event], moments: list[int]) -> None:
        for at in moments:
            (want,) = naive(known, at, "cases", "city", desk.step("cases")).values() or [0.0]
            assert desk.cube("cases", "city", at, None, None).values[0, 0, 0] == want

    put(desk, history[:6], "first")
    agree(history[:6], [six + DAY_US, *moments[3:]])
    put(desk, history[6:], "then")
    desk.columns("cases", START + 5 * DAY_US)  # whoever asks of long ago unsettles nothing
    agree(history, moments[3:])
    agree(history, [START + 9 * DAY_US, six + HOUR_US])
    assert len(desk.columns("cases", START + 9 * DAY_US).step) < 2 * len(history) - 1

    real, asked = held.read_increments, []
    monkeypatch.setattr(
        "tocsin.held.read_increments", lambda *a, **given: asked.append(given.get("since")) or real(*a, **given)
    )
    agree(history, ends[3:])
    assert set(asked) == {None}, "only what came since is looked for"
    agree(history, [six + HOUR_US])
    assert set(asked) == {None, end_of_day(desk.day(six - DAY_US), desk.tz) + 1}
    desk.store.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(said, max_size=25), st.randoms(use_true_random=False))
def test_saying_it_again_adds_nothing(sayings, random):
    """Whole deliveries repeated, and single events repeated out of order, change no increment."""
    report, history = START + 4 * DAY_US, []
    for key, (signal, value), area, hours, _ in sayings:
        report += DAY_US
        history.append(Event("hospital", f"k{key}", signal, area, START + hours * HOUR_US, report, value))
    with tempfile.TemporaryDirectory() as folder:
        desk = make_city(Path(folder))
        put(desk, history, "once")
        before = desk.store.db.execute("SELECT * FROM increment").fetchall()
        again = put(desk, random.sample(history, len(history)), "again")
        assert again.accepted == 0
        assert desk.store.db.execute("SELECT * FROM increment").fetchall() == before
        assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] <= len(history)
        desk.store.close()
