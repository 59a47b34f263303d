"""What must hold for any table: formats agree, bad rows are told apart from good ones, nothing is lost in between."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tables import AREAS, COLUMNS, FIRST_LINE, WRITERS, as_csv, events, findings, read

TEXT = st.text(st.characters(exclude_categories=["C"], include_characters="\n,;\"' "), max_size=12)
DAYS = st.dates(date(2020, 1, 1), date(2026, 7, 1))
GOOD = st.builds(
    lambda note, day, delay, area, what, n: (
        note,
        day.isoformat(),
        date.fromordinal(day.toordinal() + delay).isoformat(),
        area,
        what,
        str(n),
    ),
    TEXT,
    DAYS,
    st.integers(0, 30),
    st.sampled_from([a.code for a in AREAS.areas]),
    st.sampled_from(["流感", "尘"]),
    st.integers(0, 500),
)
BAD = st.sampled_from(
    [
        ("bad-date", (1, "soon")),
        ("bad-date", (2, "1/2")),
        ("date-out-of-range", (1, "1899-12-31")),
        ("date-out-of-range", (2, "2030-01-01")),
        ("reference-after-report", (1, "2026-08-20")),
        ("empty-required", (4, "")),
        ("unknown-signal", (4, "?")),
        ("bad-value", (5, "1,5")),
        ("bad-value", (5, "two")),
    ]
)
ROWS = st.lists(st.tuples(GOOD, st.none() | BAD), min_size=1, max_size=12)


def spoilt(row: tuple[str, ...], bad: tuple[str, tuple[int, str]] | None) -> tuple[str, ...]:
    if bad is None:
        return row
    at, text = bad[1]
    return (*row[:at], text, *row[at + 1 :])


@pytest.mark.parametrize("name", WRITERS)
@given(rows=ROWS)
@how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_good_rows_are_events_and_bad_ones_findings_that_name_their_rule(
    name: str, rows: list[tuple[tuple[str, ...], tuple[str, tuple[int, str]] | None]]
) -> None:
    table = [spoilt(row, bad) for row, bad in rows]
    items = read(WRITERS[name](table))
    assert len(items) == len(rows)
    good = [row for row, bad in rows if bad is None]
    assert [(e.area, e.value) for e in events(items)] == [(row[3], float(row[5])) for row in good]
    assert [f.code for f in findings(items)] == [bad[0] for _, bad in rows if bad]
    assert len({e.key for e in events(items)}) == len(good)
    if name not in ("csv", "csv.gz"):  # a cell with line ends moves the lines below it
        assert [f.line for f in findings(items)] == [FIRST_LINE[name] + i for i, (_, bad) in enumerate(rows) if bad]
    in_csv = read(as_csv(table))
    assert events(items) == events(in_csv)
    assert [f[3:7] for f in findings(items)] == [f[3:7] for f in findings(in_csv)]  # field, value, code, message


@given(rows=ROWS)
@how(max_examples=40, deadline=None)
def test_csv_findings_stand_on_the_line_their_record_begins_on(
    rows: list[tuple[tuple[str, ...], tuple[str, tuple[int, str]] | None]],
) -> None:
    data = as_csv([spoilt(row, bad) for row, bad in rows])
    lines, line = [], 2
    for row, bad in rows:
        if bad:
            lines.append(line)
        line += 1 + row[0].count("\n")
    assert [f.line for f in findings(read(data))] == lines


@given(rows=st.lists(GOOD, min_size=1, max_size=8), again=st.lists(st.integers(0, 7), max_size=8))
@how(max_examples=40, deadline=None)
def test_rows_without_a_key_are_counted_as_often_as_they_stand(rows: list[tuple[str, ...]], again: list[int]) -> None:
    table = rows + [rows[i % len(rows)] for i in again]
    keys = Counter(e.key for e in events(read(as_csv(table))))
    assert max(keys.values()) == 1
    assert sum(keys.values()) == len(table)
    reordered = Counter(e.key for e in events(read(as_csv(table[::-1], COLUMNS))))
    assert reordered == keys
