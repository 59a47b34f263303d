"""`tocsin findings`: what was wrong with what came in. I/O."""

from pathlib import Path
from typing import Any

import click

from tocsin.cli.common import city_option, json_option, now, open_city, plain, print_json, print_table
from tocsin.errors import NotFound
from tocsin.store.findings import close_finding, read_findings
from tocsin.store.findings import kinds as read_kinds
from tocsin.views.plain import iso

_SHOWN = ("id", "source", "code", "field", "value", "message")


@click.command("findings")
@city_option
@click.option("--source", help="Of this source only.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many, newest first."
)
@click.option("--all", "closed", is_flag=True, help="The closed ones too.")
@click.option("--close", "number", type=int, help="Close this finding by hand …")
@click.option("--alike", is_flag=True, help="… and all others of its source, field and rule.")
@click.option("--kinds", is_flag=True, help="Count them by source, field and rule: the newest of each.")
@json_option
def command(
    city: Path, source: str | None, limit: int, closed: bool, number: int | None, alike: bool, kinds: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """List open findings: file, line, field, value, and what to do. A mended file, taken in again, closes them.

    What was wrong with messages stays open when the sender has been put right: close it by hand.

    \b
    Example:
      tocsin findings --source hospital --city my-city
      tocsin findings --kinds --city my-city
      tocsin findings --close 17 --alike --city my-city
    """
    desk = open_city(city)
    if number is not None:
        done = close_finding(desk.store, number, now(), alike=alike)
        if not done:
            raise NotFound(f"no open finding {number}; `tocsin findings` lists them")
        click.echo(f"{done:,} findings closed" if alike else f"finding {number} closed")
        return
    if alike:
        raise click.UsageError("--alike goes with --close NUMBER.")
    if source:
        desk.settings.source(source)
    if kinds:
        if closed:
            raise click.UsageError("--kinds counts open findings; leave out --all.")
        _show(read_kinds(desk.store, source), as_json)
        return
    total, rows = read_findings(desk.store, source, limit, closed=closed)
    if as_json:
        print_json(
            {
                "total": total,
                "findings": [
                    {**r, "raw": r["raw"].decode("utf-8", "backslashreplace"), "kept": bool(r["kept"]),
                     "at": iso(r["at"]), "closed": r["closed"] and iso(r["closed"])}
                    for r in rows
                ],
            }
        )  # fmt: skip
        return
    click.echo(
        f"{total:,} {'findings' if closed else 'open findings'}"
        + (f", the newest {limit} (--kinds counts them):" if total > limit else "")
    )
    for r in rows:
        where = f"{r['file']}:{r['line']}" if r["line"] else r["file"]
        mark = "kept, but " if r["kept"] else ""
        field = f" {r['field']} = {r['value']!r}" if r["field"] else ""
        click.echo(plain(f"{r['id']}  {r['source']}  {where}  {mark}{r['code']}{field}"))
        click.echo(f"    {plain(r['message'])}")


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        moments = ("first", "last")
        print_json([r | {"kept": bool(r["kept"])} | {m: iso(r[m]) for m in moments} for r in rows])
        return
    click.echo(f"{sum(r['count'] for r in rows):,} open findings of {len(rows):,} kinds")
    columns = ("how many", "newest", "source", "finding", "field", "value", "what to do")
    if rows:
        print_table(columns, [[f"{r['count']:,}", *(r[k] for k in _SHOWN)] for r in rows])
