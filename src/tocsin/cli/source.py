"""`tocsin source`: a new feed's mapping proposed, and a changed mapping compared. I/O."""

from datetime import time
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from tocsin import loop
from tocsin.calendar import moment, zone
from tocsin.cli.common import city_option, json_option, now, open_city, plain, print_json, print_table
from tocsin.errors import InputError
from tocsin.feed import trial
from tocsin.ingest import FORMATS
from tocsin.ingest.propose import propose
from tocsin.types import Event
from tocsin.views.mapped import Change, changes, plain_change, remapped

LOOK = 64 << 20  # bytes of a sample that are read; of tables and messages the first 500 records are looked at
SHOWN = 10


@click.group("source")
def command() -> None:
    """Set up a feed: `new` proposes a mapping; `diff` says what a changed one would change, `apply` does it.

    \b
    Example:
      tocsin source new sample.hl7 --name east-hospital --city my-city
      tocsin source diff east-hospital --city my-city
      tocsin source apply east-hospital --city my-city
    """


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option("--name", default="new", help="What the source shall be called.")
@click.option(
    "--format", "format_", default="auto", type=click.Choice(["auto", *FORMATS]), help="If it is not guessed."
)
@city_option
@json_option
def new(file: Path, name: str, format_: str, city: Path, as_json: bool) -> None:
    """Look at a sample FILE and print a mapping to paste into city.toml. Nothing is stored."""
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    desk = open_city(city)
    with file.open("rb") as stream:
        data = stream.read(LOOK)
    if why := trial.unsound(BytesIO(data)):
        raise InputError(f"{file}: {why}")
    found = propose(data, name=name, format_=format_, tree=desk.tree, settings=desk.settings, received=now())
    if as_json:
        print_json(found._asdict())
        return
    for note in found.notes:
        click.echo(f"# {plain(note)}")
    click.echo(found.toml, nl=False)
    click.echo(f"# then: tocsin ingest {file} --source {name} --dry-run --city {city}")


@command.command("diff")
@click.argument("name")
@city_option
@json_option
def diff(name: str, city: Path, as_json: bool) -> int:
    """Read all kept deliveries of the source NAME by the mapping of now and compare with what is stored.

    Nothing is changed. Ends with 1 if anything would be.
    """
    desk = open_city(city)
    found = changes(desk, desk.settings.source(name))
    differs = bool(found.added or found.changed or found.gone)
    if as_json:
        plain_ = {k: [plain_change(c) for c in getattr(found, k)] for k in ("added", "changed", "gone")}
        print_json({**found._asdict(), **plain_})
        return int(differs)
    said = sum(found.findings.values())
    kinds = ", ".join(f"{code} {n:,}" for code, n in sorted(found.findings.items(), key=lambda kind: -kind[1]))
    said_of = f" ({kinds})" if kinds else ""
    click.echo(f"{found.files} files, {found.events:,} events by the mapping of now; findings: {said:,}{said_of}")
    for title, some in (("added", found.added), ("changed", found.changed), ("no longer said", found.gone)):
        click.echo(f"{title}: {len(some):,}")
        if some:
            print_table(["key", "before", "after"], [_row(c, zone(desk.settings.city.zone)) for c in some[:SHOWN]])
    if found.added or found.changed:
        click.echo(f"This does it: tocsin source apply {name} --city {city}")
    if found.gone:
        click.echo("What is no longer said stays in the store: withdraw it at its source, under the old key.")
    for lost in found.lost:
        click.echo(f"its bytes are gone, so it was not compared: {plain(lost)}")
    return int(differs)


@command.command("apply")
@click.argument("name")
@city_option
@json_option
def apply(name: str, city: Path, as_json: bool) -> int:
    """Take all kept deliveries of the source NAME in again by the mapping of now: what `diff` says, done.

    Files and messages alike, however they came. What a record says became known when the record says so; where it does
    not say, now. Start `tocsin serve` again before, so that what comes meanwhile is read by the same mapping. Ends with
    1 if anything could not be used.
    """
    desk = open_city(city)
    source = desk.settings.source(name)
    files = accepted = findings = 0
    waiting: list[str] = []
    for file, items in remapped(desk, source, now()):
        taken = loop.retake(desk, source, file.sha256, file.file, items, now())
        if taken is None:
            waiting.append(file.file)
            continue
        files, accepted, findings = files + 1, accepted + taken.accepted, findings + taken.findings
    if as_json:
        print_json({"files": files, "accepted": accepted, "findings": findings, "waiting": waiting})
    else:
        click.echo(f"{files:,} files read again; {accepted:,} events written, {findings:,} findings")
        for file_name in waiting:
            click.echo(f"{plain(file_name)}: its taking in was interrupted; `tocsin ingest` goes on with it")
    return int(bool(findings or waiting))


def _row(change: Change, tz: ZoneInfo) -> list[str]:
    return [plain_change(change)["key"], _said(change.before, tz), _said(change.after, tz)]


def _said(event: Event | None, tz: ZoneInfo) -> str:
    """What an event says, its time by the city's clock."""
    if event is None:
        return ""
    at = moment(event.reference_time, tz)
    when = f"{at:%Y-%m-%d}" if at.time() == time.min else f"{at:%Y-%m-%dT%H:%M}"
    return f"{event.signal} {event.area} {when} {event.value}"
