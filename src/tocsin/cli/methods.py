"""Methods as people name them on the command line: `ears_c2`, or with parameters `ears_c2:alpha=0.001`. I/O."""

import json
from collections.abc import Iterable, Sequence

import click

from tocsin import detect
from tocsin.detect import Detector
from tocsin.errors import MethodError

METHOD = "A detector, as NAME or NAME:PARAMETER=VALUE:…; may be given again.  [default: all]"


def setting(text: str, hint: str = "--set") -> tuple[str, object]:
    """A parameter and its value, which is JSON or a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE, such as alpha=0.01", param_hint=hint)
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value


def method(text: str) -> Detector:
    """The detector of a name with parameters; MethodError says what is unknown."""
    name, *settings = text.split(":")
    return detect.detector(name, **dict(setting(s, "--method") for s in settings))


def methods(texts: Sequence[str], *, step: int | None = None) -> dict[str, Detector]:
    """By what they were called, those named; if none are, all there are that judge counts and can take the step."""
    if texts:
        return {t: method(t) for t in texts}
    return {d.name: d for d in _able(detect.detectors().values(), step)}


def _able(detectors: Iterable[Detector], step: int | None) -> Iterable[Detector]:
    for d in detectors:
        if "count" not in d.kinds:
            continue
        try:
            if step is not None:
                d.history(step)
        except MethodError:
            continue
        yield d
