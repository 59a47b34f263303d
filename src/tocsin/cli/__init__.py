"""The command line: one command a file, loaded when called, so that `tocsin --help` starts at once. I/O."""

import importlib
import os
import sqlite3
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from tocsin import __version__
from tocsin.errors import InputError, TocsinError

# Our matrices are small: threads of the linear algebra library cost more than they bring, much more on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = {  # in the order people meet them; name: one line for the list
    "demo": "A simulated city from nothing to a live page.",
    "init": "Make a city directory to fill in.",
    "check": "Is the city's configuration usable?",
    "ingest": "Take files in, of every format.",
    "source": "Set up a feed: propose a mapping from a sample, compare a changed one.",
    "feed": "The feeds that sources come by: list them, try one.",
    "findings": "What was wrong with what came in, and what to do.",
    "cube": "Counts by area and time as known at any moment.",
    "tick": "Judge all counts once, as known now.",
    "replay": "Live past days again, each as of that day.",
    "alerts": "The ranked list that a day begins with.",
    "clusters": "Where cases cluster, as the city's scans say.",
    "show": "One alert and all that stands behind it.",
    "explain": "Why a step is an alarm or is not: baseline, weights, trend, what would suppress it.",
    "note": "Move an alert, or say something of it.",
    "serve": "The page, the API, the feeds, the folder watch and the beat.",
    "token": "Who may send records or work on alerts: a token for each, with its bounds.",
    "rebuild": "Count all events anew after a change of city.toml.",
    "fsck": "Is the store whole? Every count made again, every reference followed.",
    "backup": "A city in one file, while it is in use.",
    "restore": "A city out of a backup, checked.",
    "migrate-store": "Copy a city's store from SQLite to PostgreSQL, and prove that both are equal.",
    "detect": "Judge the series of one table with one method; no city needed.",
    "detectors": "The detectors there are, and what each needs.",
    "evaluate": "Detectors on simulated series whose outbreaks are known.",
    "calibrate": "How often detectors speak where nothing happened.",
    "sim": "Make a simulated city: areas, feeds, outbreaks, and the truth about them.",
    "score": "Compare the alerts of a simulated city with the outbreaks planted in it.",
    "rt": "The reproduction number, from a file of cases.",
    "nowcast": "How many there will have been, from a file with delays.",
    "scenario": "What if: cases run ahead over areas that commute, with and without measures.",
    "score-estimates": "How good nowcasts were as of past dates, from a file with delays.",
    "scan": "Clusters in space and time, from files or a SaTScan parameter file.",
}


class _Commands(click.Group):
    """A group whose commands are modules of this package, each with a `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found = importlib.import_module(f"tocsin.cli.{name.replace('-', '_')}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tocsin")
def _tocsin() -> None:
    """Tocsin: a city's real-time epidemic situation awareness, analysis and early warning.

    \b
    Example:
      tocsin init my-city && tocsin ingest cases.csv --source hospital --city my-city

    Exit codes: 0 done, 1 something found (see the output), 2 bad usage or configuration, 3 unreadable input,
    4 the store, 5 a method asked for what it cannot do, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what a user can act on is a sentence, never a traceback."""
    try:
        done = _tocsin.main(args=args, prog_name="tocsin", standalone_mode=False)
        sys.exit(done if isinstance(done, int) else 0)
    except TocsinError as e:
        _end(e)
    except click.ClickException as e:
        e.show()
        sys.exit(2)
    except sqlite3.DatabaseError as e:
        if type(e) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise
        from tocsin.store.sqlite import explained  # the store is for commands with a city

        _end(explained(e))
    except (click.Abort, KeyboardInterrupt):
        click.echo("tocsin: interrupted; what was done so far is kept", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader (head, less) has gone: not our failure
        sys.exit(0)
    except OSError as e:
        where = "a file" if e.filename is None else os.fsdecode(e.filename)
        _end(InputError(f"{where}: {e.strerror or e}; is the path right, may you use it, is there room on the disk?"))


def _end(e: TocsinError) -> NoReturn:
    click.echo(f"tocsin: {e}", err=True)
    sys.exit(e.exit_code)
