"""`tocsin show`: one alert and all that stands behind it. I/O."""

from pathlib import Path

import click

from tocsin import views
from tocsin.cli.common import city_option, json_option, now, open_city, print_json, print_table


@click.command("show")
@click.argument("alert")
@city_option
@click.option("--as-of", help="As of this date (its end) or date-time; default: now.")
@json_option
def command(alert: str, city: Path, as_of: str | None, as_json: bool) -> None:
    """Show one ALERT: why it is there, its evidence, its notes, and what may be done next.

    \b
    Example:
      tocsin show 3f2a9c01d4e5 --city my-city
    """
    found = views.alert(open_city(city), alert, as_of, now())
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['id']}  {found['severity']}  {found['phase']}, {found['state']}")
    click.echo(found["reason"]["zh"])
    click.echo(found["reason"]["en"])
    columns = ["time", "detector", "observed", "expected", "upper", "p", "at"]
    rows = [[e["time"], e["detector"], *(_short(e[c]) for c in columns[2:6]), e["at"]] for e in found["evidence"]]
    print_table(columns, rows, "\nEvidence")
    columns = ["at", "who", "action", "text"]
    print_table(columns, [[n[c] for c in columns] for n in found["notes"]], "\nNotes")
    click.echo(f"\nNext: {', '.join(found['actions'])}   (tocsin note {found['id']} ACTION --who NAME --text …)")


def _short(x: float | None) -> str:
    return "" if x is None else f"{x:.3g}"
