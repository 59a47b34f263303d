"""`tocsin findings`: what was wrong with what came in. I/O."""

from pathlib import Path

import click

from tocsin.cli.common import city_option, json_option, now, open_city, plain, print_json
from tocsin.errors import NotFound
from tocsin.store.findings import close_finding, read_findings
from tocsin.views.plain import iso


@click.command("findings")
@city_option
@click.option("--source", help="Of this source only.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many, newest first."
)
@click.option("--all", "closed", is_flag=True, help="The closed ones too.")
@click.option("--close", "number", type=int, help="Close this finding by hand.")
@json_option
def command(city: Path, source: str | None, limit: int, closed: bool, number: int | None, as_json: bool) -> None:
    """List open findings: file, line, field, value, and what to do. A mended file, taken in again, closes them.

    \b
    Example:
      tocsin findings --source hospital --city my-city
    """
    desk = open_city(city)
    if number is not None:
        if not close_finding(desk.store, number, now()):
            raise NotFound(f"no open finding {number}; `tocsin findings` lists them")
        click.echo(f"finding {number} closed")
        return
    if source:
        desk.settings.source(source)
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
        f"{total:,} {'findings' if closed else 'open findings'}" + (f", the newest {limit}:" if total > limit else "")
    )
    for r in rows:
        where = f"{r['file']}:{r['line']}" if r["line"] else r["file"]
        mark = "kept, but " if r["kept"] else ""
        field = f" {r['field']} = {r['value']!r}" if r["field"] else ""
        click.echo(plain(f"{r['id']}  {r['source']}  {where}  {mark}{r['code']}{field}"))
        click.echo(f"    {plain(r['message'])}")
