"""`tocsin detectors`: what there is, and what each needs. I/O."""

import click

from tocsin import detect
from tocsin.calendar import DAY
from tocsin.cli.common import json_option, print_json, print_table
from tocsin.detect import Detector
from tocsin.errors import MethodError

STEPS = {"day": DAY, "week": 7 * DAY}


@click.command("detectors")
@json_option
def command(as_json: bool) -> None:
    """List the detectors: what they judge, the history they ask for, their parameters and source.

    The one marked default is what to take where nothing speaks for another; the others are as they were published.

    \b
    Example:
      tocsin detectors --json
    """
    found = list(detect.detectors().values())
    if as_json:
        print_json([_described(d) for d in found])
        return
    rows = [
        (d.name, "default" if d.default else "", " ".join(d.kinds), *_histories(d).values(), _parameters(d))
        for d in found
    ]
    title = "days, weeks: steps of history asked for with daily and with weekly steps"
    print_table(("name", "", "judges", "days", "weeks", "parameters"), rows, title)


def _described(d: Detector) -> dict[str, object]:
    first = (d.method.__doc__ or "").strip().splitlines()[0]
    return {
        "name": d.name,
        "says": first,
        "kinds": list(d.kinds),
        "default": d.default,
        "rule": d.rule,
        "history": _histories(d),
        "parameters": {k: v if isinstance(v, int | float | str | None) else str(v) for k, v in d.allowed().items()},
        "cite": d.cite,
    }


def _parameters(d: Detector) -> str:
    return ", ".join(f"{k}={v}" for k, v in d.allowed().items())


def _histories(d: Detector) -> dict[str, int | None]:
    return {name: _history(d, minutes) for name, minutes in STEPS.items()}


def _history(d: Detector, minutes: int) -> int | None:
    try:
        return d.history(minutes)
    except MethodError:
        return None
