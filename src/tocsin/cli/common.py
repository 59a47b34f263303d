"""What commands share: the city option, the clock, and how results are printed. I/O."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from tocsin.desk import Desk, open_desk
from tocsin.types import Instant

console = Console(highlight=False, soft_wrap=False)
errors = Console(stderr=True, highlight=False)
WIDE = 240  # columns of a table that goes into a file or to another program

city_option = click.option(
    "--city", type=click.Path(path_type=Path), default=Path(), show_default="this directory", help="The city directory."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def now() -> Instant:
    """The clock: microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def open_city(directory: Path, *, agree: bool = True) -> Desk:
    """The city of a directory, with the environment's variables in its paths."""
    return open_desk(directory, os.environ, agree=agree)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=None if isinstance(value, list) else 2))


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table for people, as wide as the terminal; elsewhere each row is a line. Nothing is cut off."""
    shown = [c if isinstance(c, Column) else Column(c, overflow="fold") for c in columns]
    table = Table(*shown, title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text("" if c is None else plain(str(c))) for c in row))
    to = console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=WIDE)
    to.print(table)


def plain(text: str) -> str:
    """Text of unknown origin, safe on a terminal: control characters and half letters are shown as escapes."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe.encode("utf-8", "backslashreplace").decode()


def progress(unit: str = "", wanted: bool = True) -> Progress:
    """A progress bar on standard error, silent where nobody watches, or where it is over at once."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TextColumn(unit), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=errors, transient=True, disable=not (wanted and sys.stderr.isatty()))


class Finite(click.FloatRange):
    """A range of numbers, without "nan" and "inf", which pass for numbers elsewhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or BadParameter."""
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


def day(_context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    """A date option; the message says how to write one."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as e:
        raise click.BadParameter(f"{value!r}: write a date such as 2026-03-02", param=parameter) from e


def day_option(name: str, help_: str, *, required: bool = False) -> Callable[[Any], Any]:
    """A date option such as --from."""
    variable = name.strip("-") + "_day"
    return click.option(name, variable, callback=day, required=required, metavar="DATE", help=help_)
