"""The server's log: a line of text for people, or one JSON object a line for programs. I/O."""

import logging
import sys
import traceback
from typing import Literal

import msgspec

from tocsin.views.plain import iso

Form = Literal["text", "json"]
QUIET = 10.0  # seconds in which one and the same line is written once


class Structured(logging.Formatter):
    """One JSON object a line: at, level, part, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {
            "at": iso(int(record.created * 1e6)),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            said["trace"] = "".join(traceback.format_exception(record.exc_info[1]))
        return msgspec.json.encode(said).decode()


class Sparing(logging.Filter):
    """One and the same line at most every `QUIET` seconds: with the store away, every request would write one.

    The disk may be the one that is full; and where nobody reads standard error, a server that writes stands still.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[
            tuple[str, str, str], tuple[float, int]
        ] = {}  # when it was written, and how often it was not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it; how many were not stands at its end."""
        why = repr(record.exc_info[1]) if record.exc_info else ""
        key = record.name, record.getMessage(), why
        at, kept = self._last.get(key, (float("-inf"), 0))
        if record.created - at < QUIET:
            self._last[key] = at, kept + 1
            return False
        if len(self._last) >= 1000:
            self._last.clear()
        self._last[key] = record.created, 0
        if kept:
            record.msg, record.args = f"{key[1]} ({kept} more like it)", ()
        return True


def begin(form: Form, level: int = logging.WARNING) -> None:
    """Log to standard error in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    if form == "json":
        handler.setFormatter(Structured())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
