"""What `tocsin scenario` prints for people: a table of both runs, days gained, and what was assumed. I/O."""

from datetime import date, timedelta
from typing import Any

import click

from tocsin.cli.common import print_table
from tocsin.estimate import scenario

NAMES = {"without": "as it goes on", "with": "with the measures"}
LINES = {"infections": "infections", "peak": "highest day", "beds": "most beds in use"}


def show(summary: dict[str, Any], first: date, level: float, days: int, beds: float | None) -> None:
    """Print `summary`: an outlook for each run, and, if there are measures, what is gained."""
    runs = [name for name in NAMES if name in summary]
    gained = summary.get("gained")
    rows = [
        [what, *(_span(summary[run][key]) for run in runs), *([_span(gained.get(key))] if gained else [])]
        for key, what in LINES.items()
    ]
    rows.insert(2, ["its date", *(_dates(summary[run]["peak_step"], first) for run in runs), *([""] if gained else [])])
    if beds is not None:
        short = (f"{summary[run]['beds_short']:.0%}" for run in runs)
        rows.append([f"P(over {beds:g} beds)", *short, *([""] if gained else [])])
    title = f"{days} days from {first}: median and 95 % interval"
    print_table(["", *(NAMES[run] for run in runs), *(["fewer"] if gained else [])], rows, title)
    if gained:
        click.echo(f"Days gained until {level:,.0f} cases a day: {_span(gained['days'])}.")
        if gained["beds_days"]:
            click.echo(f"Days gained until the beds are full: {_span(gained['beds_days'])}.")
    click.echo("Assumed: " + "; ".join(scenario.ASSUMPTIONS) + ".")


def _span(span: dict[str, float] | None) -> str:
    return "" if span is None else f"{span['median']:,.0f} ({span['low']:,.0f} to {span['high']:,.0f})"


def _dates(span: dict[str, float], first: date) -> str:
    at = {key: first + timedelta(days=round(value)) for key, value in span.items()}
    return f"{at['median']} ({at['low']} to {at['high']})"
