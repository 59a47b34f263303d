"""`tocsin note`: a person moves an alert. I/O."""

from pathlib import Path

import click

from tocsin import loop
from tocsin.cli.common import city_option, json_option, now, open_city, print_json


@click.command("note")
@click.argument("alert")
@click.argument("action")
@click.option("--who", required=True, help="Who says so.")
@click.option("--text", default="", help="What was found, and why.")
@city_option
@json_option
def command(alert: str, action: str, who: str, text: str, city: Path, as_json: bool) -> None:
    """Move ALERT by ACTION (acknowledge, verify, confirm, exclude, respond, close, reopen) or add a comment.

    \b
    Example:
      tocsin note 3f2a9c01d4e5 acknowledge --who "duty officer" --text "calling the district" --city my-city
    """
    state = loop.note(open_city(city), alert, action, who, text, now())
    if as_json:
        print_json({"alert": alert, "action": action, "state": state})
    else:
        click.echo(f"{alert} is now {state}")
