"""`tocsin ingest`: take files in. I/O."""

from collections import Counter
from itertools import islice
from pathlib import Path

import click

from tocsin import loop
from tocsin.cli.common import city_option, console, json_option, now, open_city, print_json, print_table, progress
from tocsin.config import SourceTable
from tocsin.desk import Desk
from tocsin.errors import InputError
from tocsin.store import deliveries
from tocsin.types import Event, Finding
from tocsin.views.plain import civil, iso

SHOWN = 10


@click.command("ingest")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option("--source", required=True, help="The source in city.toml whose mapping reads the files.")
@city_option
@click.option("--dry-run", is_flag=True, help="Show the first events and all kinds of findings; store nothing.")
@json_option
def command(files: tuple[Path, ...], source: str, city: Path, dry_run: bool, as_json: bool) -> None:
    """Take FILES in, in any format of the guide; .gz is opened. The same file twice adds nothing.

    \b
    Example:
      tocsin ingest cases.csv --source hospital --city my-city
      tocsin ingest cases.csv --source hospital --dry-run

    A bad row becomes a finding (see `tocsin findings`) and the rest goes on. Exit code 1: there are findings.
    """
    for file in files:
        if not file.is_file():
            what = "is a directory; name the files in it" if file.is_dir() else "there is no such file"
            raise InputError(f"{file}: {what}")
    desk = open_city(city)
    table = desk.settings.source(source)
    found = False
    for file in files:
        found |= _try(desk, table, file, as_json) if dry_run else _take(desk, table, file, as_json)
    raise SystemExit(1 if found else 0)


def _take(desk: Desk, table: SourceTable, file: Path, as_json: bool) -> bool:
    with progress() as bar:
        task = bar.add_task(deliveries.named(file), total=max(file.stat().st_size, 1))
        done = loop.take(desk, table, file, now(), lambda position: bar.update(task, completed=position))
    if as_json:
        print_json({"file": str(file), "source": table.name, **done._asdict()})
    elif done.before:
        click.echo(f"{file}: taken in before; nothing added")
    else:
        click.echo(f"{file}: {done.accepted:,} events, {done.duplicates:,} known already, {done.findings:,} findings")
        if done.findings:
            click.echo(f"  see  tocsin findings --source {table.name} --city {desk.directory}")
    return done.findings > 0


def _try(desk: Desk, table: SourceTable, file: Path, as_json: bool) -> bool:
    events: list[Event] = []
    kinds: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], Finding] = {}
    total = 0
    with file.open("rb") as stream, progress() as bar:
        task = bar.add_task(deliveries.named(file), total=max(file.stat().st_size, 1))
        for n, item in enumerate(loop.parsed(desk, table, stream, deliveries.named(file), now())):
            if isinstance(item, Event):
                total += 1
                events += [item] if len(events) < SHOWN else []
            else:
                kinds[item.code, item.field] += 1
                examples.setdefault((item.code, item.field), item)
            if n % 1000 == 0:
                bar.update(task, completed=stream.tell())
    if as_json:
        print_json(
            {
                "file": str(file),
                "events": total,
                "first": [_plain(desk, e) for e in events],
                "findings": [
                    {"code": c, "field": f, "count": n, "line": examples[c, f].line, "value": examples[c, f].value,
                     "message": examples[c, f].message}
                    for (c, f), n in kinds.most_common()
                ],
            }
        )  # fmt: skip
        return bool(kinds)
    click.echo(f"{file}: {total:,} events, {sum(kinds.values()):,} findings; nothing stored (dry run)")
    rows = [list(_plain(desk, e).values()) for e in islice(events, SHOWN)]
    print_table(["key", "signal", "area", "reference", "report", "value", "imported"], rows, "First events")
    if kinds:
        print_table(
            ["finding", "field", "how many", "first line", "value", "what to do"],
            [(c, f, f"{n:,}", examples[c, f].line, examples[c, f].value, examples[c, f].message)
             for (c, f), n in kinds.most_common()],
            "Findings",
        )  # fmt: skip
    else:
        console.print("No findings.")
    return bool(kinds)


def _plain(desk: Desk, e: Event) -> dict[str, object]:
    return {
        "key": e.key,
        "signal": e.signal,
        "area": e.area,
        "reference": civil(desk.step_of(e), desk.step(e.signal).minutes),
        "report": iso(e.report_time),
        "value": e.value if e.value == e.value else None,
        "imported": e.imported,
    }
