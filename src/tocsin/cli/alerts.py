"""`tocsin alerts`: the ranked list that a day begins with. I/O."""

from pathlib import Path

import click

from tocsin import views
from tocsin.cli.common import city_option, json_option, now, open_city, print_json, print_table


@click.command("alerts")
@city_option
@click.option("--as-of", help="As of this date (its end) or date-time; default: now.")
@click.option(
    "--state", help="Only those in this state: new, acknowledged, verifying, confirmed, excluded, responding, closed."
)
@click.option("--phase", help="Only those in this phase: open, growing, quiet, ended.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; default: the city's budget.")
@click.option("--all", "everything", is_flag=True, help="Every alert there ever was.")
@json_option
def command(
    city: Path,
    as_of: str | None,
    state: str | None,
    phase: str | None,
    limit: int | None,
    everything: bool,
    as_json: bool,
) -> None:
    """List alerts, the one to look at first on top.

    \b
    Example:
      tocsin alerts --city my-city
      tocsin alerts --as-of 2014-07-01 --json
    """
    desk = open_city(city)
    most = limit or (1_000_000 if everything or as_json else desk.settings.alerts.budget)
    found = views.alerts(desk, state, phase, as_of, most, now(), ended=everything)
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found['total']} alerts as of {found['as_of']}" + (f", the first {most}:" if found["total"] > most else "")
    )
    columns = ["rank", "id", "severity", "phase", "state", "opened", "last", "why"]
    print_table(columns, [[a[c] for c in columns[:-1]] + [a["reason"]["en"]] for a in found["alerts"]])
