"""`tocsin demo`: a simulated city from nothing to a live page. I/O."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import click

from tocsin import loop
from tocsin.cli import kernels, serve, sim
from tocsin.cli.common import console, now, open_city, progress
from tocsin.desk import Desk
from tocsin.errors import InputError
from tocsin.server import journal
from tocsin.server.beat import announce
from tocsin.server.site import Site
from tocsin.server.watch import Ending

DAYS = 35  # how much of the past is lived again, so that there is something to see
PATIENCE = 300.0  # seconds to wait for kernels that another process compiles
SCANNED = 14  # of these, the newest on which the scans are run too: clusters are to be seen, not how they all began

Say = Callable[[str, int, int, date | None], None]  # the part of the work, done, of how much, the day judged last


@click.command("demo")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seed", default=7, show_default=True, help="Another seed, another city.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8000, show_default=True, help="Port to serve on.")
@click.option("--no-serve", is_flag=True, help="Do everything but serve the page.")
@click.pass_context
def command(context: click.Context, directory: Path, seed: int, host: str, port: int, no_serve: bool) -> None:
    """Simulate a city in DIRECTORY and serve its page; take its records in and judge the last five weeks meanwhile.

    \b
    Example:
      tocsin demo demo-city

    The city, its people and its outbreaks are made up. A directory that holds an earlier demo is made anew. The page is
    there as soon as there is a city; it says how far the work is, and shows each alert on the day it was raised.
    """
    marker = directory / ".demo"
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise InputError(f"{directory} is there and no demo; name another directory, nothing was touched")
    shutil.rmtree(directory, ignore_errors=True)
    console.print("[bold]Tocsin[/bold] demo. The city is simulated: nobody lives there and nobody fell ill.")
    end = sim.yesterday()
    compiling = kernels.begin()

    def compiled() -> None:  # to compile the same here meanwhile would only take longer
        with suppress(subprocess.TimeoutExpired):
            compiling.wait(PATIENCE)

    try:
        context.invoke(sim.command, directory=directory, seed=seed, end=datetime.combine(end, time()))
        marker.touch()
        if no_serve:
            catch_up(open_city(directory), end, before_scans=compiled)
        else:  # made up: there is no secret in it
            journal.begin("text")
            before = partial(on_page, end, before_scans=compiled)
            serve.serve(directory, host, port, 1.0, None, plain=True, before=before)
    finally:
        compiling.terminate()


def on_page(
    end: date, site: Site, ending: Callable[[], bool], *, before_scans: Callable[[], None] = lambda: None
) -> None:
    """Catch up while the page is served, and tell it how far that is and what each day brought."""

    def say(part: str, done: int, total: int, day: date | None) -> None:
        if ending():
            raise Ending
        site.progress = {"part": part, "done": done, "total": total, "day": None if day is None else day.isoformat()}
        site.broker.tell("progress", site.progress)

    catch_up(site.desk, end, say, partial(announce, site), before_scans=before_scans)


def catch_up(
    desk: Desk, end: date, say: Say = lambda *_: None, judged: Callable[[loop.Ticked], None] = lambda _: None,
    *, before_scans: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Take in every file that waits for the sources, then tick the days to `end`, each on what was known then."""
    waiting = [(s, f) for s in desk.settings.sources for f in sorted(desk.directory.glob(s.files)) if s.files]
    total, before, events, findings = sum(f.stat().st_size for _, f in waiting), 0, 0, 0
    with progress() as bar:
        task = bar.add_task("taking records in", total=total)

        def at(position: int) -> None:
            bar.update(task, completed=before + position)
            say("records", min(before + position, total), total, None)

        for source, file in waiting:
            done = loop.take(desk, source, file, now(), at)
            before += file.stat().st_size
            events, findings = events + done.accepted, findings + done.findings
    console.print(f"{events:,} events taken in, {findings} findings: bad rows kept aside, with what to do about them.")
    opened, first = 0, end - timedelta(days=DAYS - 1)
    say("days", 0, DAYS, None)
    with progress() as bar:
        task = bar.add_task("judging each day as of that day", total=DAYS)
        days = loop.replay(desk, first, end, scans_from=end - timedelta(days=SCANNED - 1))
        for n, ticked in enumerate(days, 1):
            if n == DAYS - SCANNED:
                before_scans()
            opened += len(ticked.opened)
            judged(ticked)
            bar.update(task, advance=1)
            say("days", n, DAYS, first + timedelta(days=n - 1))
    console.print(f"{DAYS} days judged, each on what was known that day: {opened} alerts.")
