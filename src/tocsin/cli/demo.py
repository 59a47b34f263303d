"""`tocsin demo`: a simulated city from nothing to a live page. I/O."""

import shutil
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from tocsin import loop
from tocsin.cli import serve, sim
from tocsin.cli.common import console, now, open_city, progress
from tocsin.errors import InputError

DAYS = 35  # how much of the past is lived again, so that there is something to see


@click.command("demo")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seed", default=7, show_default=True, help="Another seed, another city.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8000, show_default=True, help="Port to serve on.")
@click.option("--no-serve", is_flag=True, help="Stop before serving the page.")
@click.pass_context
def command(context: click.Context, directory: Path, seed: int, host: str, port: int, no_serve: bool) -> None:
    """Simulate a city in DIRECTORY, take its records in, judge the last two months, and serve the page.

    \b
    Example:
      tocsin demo demo-city

    The city, its people and its outbreaks are made up. A directory that holds an earlier demo is made anew.
    """
    marker = directory / ".demo"
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise InputError(f"{directory} is there and no demo; name another directory, nothing was touched")
    shutil.rmtree(directory, ignore_errors=True)
    console.print("[bold]Tocsin[/bold] demo. The city is simulated: nobody lives there and nobody fell ill.")
    end = date.fromtimestamp(now() / 1e6) - timedelta(days=1)
    context.invoke(sim.command, directory=directory, seed=seed)
    marker.touch()
    take_all(directory)
    live_again(directory, end)
    if not no_serve:
        context.invoke(serve.command, city=directory, host=host, port=port, plain=True)  # made up: no secret in it


def take_all(directory: Path) -> None:
    """Take in every file that waits in the sources' folders."""
    desk = open_city(directory)
    waiting = [(s, f) for s in desk.settings.sources for f in sorted(desk.directory.glob(s.files)) if s.files]
    with progress() as bar:
        task = bar.add_task("taking records in", total=sum(f.stat().st_size for _, f in waiting))
        before = events = findings = 0
        for source, file in waiting:
            done = loop.take(desk, source, file, now(), partial(_at, bar, task, before))
            before += file.stat().st_size
            events, findings = events + done.accepted, findings + done.findings
    console.print(f"{events:,} events taken in, {findings} findings: bad rows kept aside, with what to do about them.")


def _at(bar: Progress, task: TaskID, before: int, position: int) -> None:
    bar.update(task, completed=before + position)


def live_again(directory: Path, end: date) -> None:
    """Tick the last days one by one, each on what was known then."""
    desk = open_city(directory)
    opened = 0
    with progress() as bar:
        task = bar.add_task("judging each day as of that day", total=DAYS)
        for done in loop.replay(desk, end - timedelta(days=DAYS - 1), end):
            opened += len(done.opened)
            bar.update(task, advance=1)
    console.print(f"{DAYS} days judged, each on what was known that day: {opened} alerts.")
