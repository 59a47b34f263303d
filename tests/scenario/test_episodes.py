"""Scenarios as text: days as columns, cells as rows, the notes a beat adds underneath."""

import math
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert import episode, triage
from tocsin.errors import NotAllowed
from tocsin.types import Flag, Note

DAY = 1440
SIGNS = {"open": "O", "grow": "G", "quiet": "Q", "lapse": "L"}


def play(text: str, quiet: int = 3, close: int = 6) -> str:
    """Each row is a place; a digit is a flag of so many cases on that day, judged that day; a letter what people do."""
    rows = [line.split() for line in dedent(text).strip().splitlines()]
    notes: list[Note] = []
    said = {place: "" for place, _ in rows}
    for day in range(len(rows[0][1])):
        now = (day + 1) * DAY * 60_000_000
        flags = [
            Flag("cases", place, day * DAY, 0.0001, float(days[day]), 1.0, 1, False, ("ears_c2",))
            for place, days in rows
            if days[day].isdigit()
        ]
        alerts = episode.current(episode.fold(notes).values())
        new = episode.advance(alerts, flags, now, day * DAY, quiet, close)
        folded = episode.fold([*notes, *new])
        for place, days in rows:
            word = [SIGNS[n.action] for n in new if folded[n.alert].area == place]
            said[place] += word[0] if word else "."
            acts = {"a": "acknowledge", "x": "exclude"}
            if days[day] in acts:
                mine = next(a for a in episode.current(folded.values()).values() if a.area == place)
                new.append(Note(0, mine.id, now, "officer", acts[days[day]], ""))
        notes += new
    return "\n".join(f"{place} {word}" for place, word in said.items())


def check(text: str, expect: str) -> None:
    assert play(text) == dedent(expect).strip()


def test_an_episode_opens_grows_goes_quiet_and_ends():
    check("east  ..3.45........", "east ..O.GG..Q..L..")


def test_after_its_end_a_new_one_opens():
    check("east  3.......4...", "east O..Q..L.O..Q")


def test_what_a_person_has_in_hand_does_not_end():
    check("east  3a.......4..", "east O..Q.....G..")


def test_what_a_person_excluded_stays_one_episode_while_it_goes_on():
    check("east  3x4.5.......", "east O.G.G..Q..L.")


def test_places_do_not_disturb_one_another():
    check("east  3.4.....\nwest  ....7...", "east O.G..Q..\nwest ....O..Q")


def test_the_same_flags_again_say_nothing_new():
    notes: list[Note] = []
    flag = Flag("cases", "e", 0, 0.0001, 5.0, 1.0, 1, False, ("ears_c2",))
    for _ in range(2):
        alerts = episode.current(episode.fold(notes).values())
        notes += episode.advance(alerts, [flag], 10, 0, 3, 6)
    assert [n.action for n in notes] == ["open"]


def test_a_late_report_moves_the_count_and_is_noted():
    notes: list[Note] = []
    for observed in (5.0, 9.0):
        flag = Flag("cases", "e", 0, 0.0001, observed, 1.0, 1, False, ("ears_c2",))
        notes += episode.advance(episode.current(episode.fold(notes).values()), [flag], 10, 0, 3, 6)
    (alert,) = episode.fold(notes).values()
    assert (alert.observed, alert.phase) == (9.0, "growing")


def test_rules_without_a_probability_open_episodes_too():
    flag = Flag("cases", "e", 0, math.nan, 1.0, 0.0, 1, True, ("fixed_value",))
    (alert,) = episode.fold(episode.advance({}, [flag], 10, 0, 3, 6)).values()
    assert math.isnan(alert.p)
    assert alert.rule


def test_identity_is_what_the_episode_is():
    assert episode.identity("a", "b", 1) == episode.identity("a", "b", 1)
    assert len({episode.identity(s, a, o) for s in "xy" for a in "xy" for o in (1, 2)}) == 8


ACTIONS = sorted({a for _, a in triage.TABLE} - set(triage.SYSTEM))


@pytest.mark.parametrize("state", triage.STATES)
@pytest.mark.parametrize("action", [*ACTIONS, "nonsense"])
def test_the_table_is_all_there_is(state, action):
    if (state, action) in triage.TABLE:
        assert triage.move(state, action) == triage.TABLE[state, action]
        assert action in triage.actions(state)
    else:
        with pytest.raises(NotAllowed) as refused:
            triage.move(state, action)
        assert refused.value.allowed == triage.actions(state)


def test_every_state_can_be_left_and_reached():
    assert {s for s, _ in triage.TABLE} == set(triage.STATES)
    assert {*triage.TABLE.values(), "new"} == set(triage.STATES)


@given(st.lists(st.sampled_from([*ACTIONS, "comment"]), max_size=12))
def test_folding_any_notes_ends_in_a_state(actions):
    flag = Flag("cases", "e", 0, 0.0001, 5.0, 1.0, 1, False, ("ears_c2",))
    notes = episode.advance({}, [flag], 1, 0, 3, 6)
    notes += [Note(0, notes[0].alert, 2 + i, "x", a, "") for i, a in enumerate(actions)]
    (alert,) = episode.fold(notes).values()
    assert alert.state in triage.STATES
