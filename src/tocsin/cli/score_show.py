"""What `tocsin score-estimates` prints: a table for people, numbers for programs. I/O."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import click
import numpy as np

from tocsin.cli.common import print_table
from tocsin.estimate import judged


class Scored(NamedTuple):
    """Nowcasts judged: of what (keys and words, {} of a file), scores by age, each date's, strata, longest delay."""

    of: dict[str, str]
    rows: list[judged.Row]
    found: Sequence[judged.Judged]
    dates: list[date]
    step: str
    window: int
    max_delay: int
    names: Sequence[str]


def plain(one: Scored) -> dict[str, Any]:
    """As JSON has it."""
    return {
        **one.of,
        "dates": len(one.dates),
        "first": one.dates[0].isoformat(),
        "last": one.dates[-1].isoformat(),
        "step": one.step,
        "window": one.window,
        "max_delay": one.max_delay,
        "strata": len(one.names),
        "all": _numbers(one.rows[-1]),
        "by_age": [_numbers(row) for row in one.rows[:-1]],
    }


def show(one: Scored) -> None:
    """A line a group of ages, and one that compares with what was reported and with a chain ladder."""
    names = [
        f"{one.step}s back",
        "WIS",
        "50 %",
        "95 %",
        "bias",
        "median",
        "as reported",
        "chain ladder",
        "mean truth",
    ]
    cells = []
    for row in one.rows:
        ages = "all" if row is one.rows[-1] else f"{row.first}" if row.first == row.last else f"{row.first}-{row.last}"
        points = (row.median_error, row.reported, row.ladder, row.truth)
        cells.append([ages, _short(row.wis), f"{row.covered50:.2f}", f"{row.covered95:.2f}", f"{row.bias:+.2f}",
                      *map(_short, points)])  # fmt: skip
    print_table(names, cells, "  ".join(one.of.values()))
    whole = one.rows[-1]
    click.echo(
        f"{len(one.dates)} dates from {one.dates[0]} to {one.dates[-1]}: WIS is {_ratio(whole.wis, whole.reported)} of "
        f"the error of what was reported and {_ratio(whole.wis, whole.ladder)} of a plain chain ladder's."
    )


def _numbers(row: judged.Row) -> dict[str, float]:
    return {key: value if isinstance(value, int) else round(value, 6) for key, value in row._asdict().items()}


def _ratio(part: float, whole: float) -> str:
    return f"{part / whole:.2f}" if whole > 0 else "no share (it was 0)"


def _short(x: float) -> str:
    return np.format_float_positional(x, precision=3, unique=False, fractional=False, trim="-")
