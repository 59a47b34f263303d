"""What goes wrong on the way: lines sent twice, cells that are not what they should be, lines cut short. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Row = tuple[str, ...]
Render = Callable[[Row], str]


@dataclass(frozen=True)
class Roles:
    """Which cell of a row is what; −1 for none."""

    date: int
    area: int
    number: int = -1
    word: int = -1  # a word from a short list, such as a syndrome


def bad_date(row: list[str], roles: Roles, rng: np.random.Generator) -> None:
    """A date that is none, or that nobody alive remembers."""
    row[roles.date] = str(rng.choice(["2025-13-41", "1899-12-30", "昨天", "0000-00-00", "31.02.", ""]))


def unknown_area(row: list[str], roles: Roles, rng: np.random.Generator) -> None:
    """A code that is not in the city, or the letter O for the digit 0."""
    code = row[roles.area]
    row[roles.area] = str(rng.choice(["990999999", "999999", code.replace("0", "O"), code[:-1]]))


def bad_number(row: list[str], roles: Roles, rng: np.random.Generator) -> None:
    """A number that is none, or a word that is not in the list."""
    if roles.number >= 0:
        row[roles.number] = str(rng.choice(["-3", "十二", "1O", "n/a", "#REF!"]))
    else:
        row[roles.word] = str(rng.choice(["???", "其它", "test", "0"]))


def swapped(row: list[str], roles: Roles, rng: np.random.Generator) -> None:
    """Two cells changed places."""
    row[roles.date], row[roles.area] = row[roles.area], row[roles.date]


FAULTS = (bad_date, unknown_area, bad_number, swapped)


def lines(rows: Sequence[Row], render: Render, roles: Roles, rng: np.random.Generator, rate: float) -> list[str]:
    """The rows as lines, in order: a share `rate` of them damaged, three times that share sent twice in a row."""
    found = list(map(render, rows))
    damaged = np.flatnonzero(rng.uniform(size=len(rows)) < rate)
    for i in damaged.tolist():
        kind = int(rng.integers(len(FAULTS) + 1))
        if kind == len(FAULTS):
            found[i] = found[i][: len(found[i]) // 2]  # the line was cut
            continue
        row = list(rows[i])
        FAULTS[kind](row, roles, rng)
        found[i] = render(tuple(row))
    twice = np.flatnonzero(rng.uniform(size=len(rows)) < 3 * rate)
    for i in reversed(twice.tolist()):
        found.insert(i, found[i])
    return found
