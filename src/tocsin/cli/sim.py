"""`tocsin sim`: write a simulated city directory. I/O."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tocsin.calendar import zone
from tocsin.cli.common import now
from tocsin.errors import InputError
from tocsin.sim.city import FILES, simulate
from tocsin.sim.names import ZONE


def yesterday() -> date:
    """The last whole day on the city's own calendar, whatever the zone of this machine."""
    return datetime.fromtimestamp(now() / 1e6, zone(ZONE)).date() - timedelta(days=1)


@click.command("sim")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=7, show_default=True, help="All chance comes from it.")
@click.option("--years", default=3, show_default=True, help="How many years of records, 1 to 10.")
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="The last day.  [default: yesterday in the city]")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(directory: Path, seed: int, years: int, end: datetime | None, as_json: bool) -> None:
    """Make a simulated city in DIRECTORY: areas, feeds with faults, planted outbreaks, and the truth about them.

    \b
    The same seed and the same last day give the same bytes.
    Example:
      tocsin sim demo --seed 7 --years 3
    """
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{directory} is not empty: name a new directory, or remove this one first")
    last = end.date() if end else yesterday()
    console = Console(stderr=True)
    written: dict[str, int] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Simulating a city", total=FILES)
        for path, data, rows in simulate(seed, years, last):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(data)
            written[path] = rows
            bar.update(task, advance=1, description=f"Simulating a city: {path}")
    records = sum(rows for path, rows in written.items() if path.startswith("inbox/"))
    if as_json:
        found = {
            "directory": str(directory),
            "seed": seed,
            "end": last.isoformat(),
            "records": records,
            "files": written,
        }
        click.echo(json.dumps(found))
        return
    outbreaks = written["truth.csv"]
    click.echo(f"A simulated city in {directory}: {records:,} records to {last}, {outbreaks} planted outbreaks.")
