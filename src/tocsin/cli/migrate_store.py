"""`tocsin migrate-store`: from the SQLite file to a PostgreSQL server, with proof. I/O."""

from pathlib import Path

import click

from tocsin.cli.common import city_option, json_option, open_city, print_json, progress
from tocsin.errors import InputError
from tocsin.store import open_store
from tocsin.store.copy import copy_store


@click.command("migrate-store")
@city_option
@click.option("--to", "url", required=True, envvar="TOCSIN_STORE_URL", help="postgresql://USER@HOST/DATABASE")
@click.option("--schema", default="tocsin", show_default=True, help="The schema in that database, made if need be.")
@json_option
def command(city: Path, url: str, schema: str, as_json: bool) -> None:
    """Copy a city's store to PostgreSQL in one transaction, and compare every row.

    \b
    Example:
      tocsin migrate-store --city my-city --to postgresql://tocsin@db.example/tocsin

    Stop `tocsin serve` first. The address may be in TOCSIN_STORE_URL, the password in PGPASSWORD or a file that
    PGPASSFILE names. The SQLite file stays as it is: write the lines that are printed into city.toml to use the copy.
    """
    desk = open_city(city)
    if desk.store.kind != "sqlite":
        raise InputError(f"{city}: its store is on PostgreSQL already ({desk.store.where})")
    to = open_store(city, url, schema)
    with progress() as bar:
        task = bar.add_task("copying", total=None)
        rows = copy_store(desk.store, to, lambda table, n: bar.update(task, description=table, completed=n))
    if as_json:
        print_json({"rows": rows, "equal": True, "store": to.where})
        return
    click.echo(f"{sum(rows.values()):,} rows copied to {to.where}; both stores are equal, table by table.")
    click.echo('Write into city.toml:\n\n[store]\nurl = "postgresql://…"  # the address you gave, without a password')
    click.echo(f'schema = "{schema}"')
