"""The server's log: a line of text for people, or one JSON object a line for programs. I/O."""

import logging
import sys
import traceback
from typing import Literal

import msgspec

from tocsin.views.plain import iso

Form = Literal["text", "json"]


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


def begin(form: Form, level: int = logging.WARNING) -> None:
    """Log to standard error in one form."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(Structured())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
