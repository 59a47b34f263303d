"""How a request is refused: a status, a code and a sentence; our errors translated, tracebacks only in the log. I/O."""

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.errors import InputError, MethodError, NotAllowed, NotFound, StoreError, TocsinError
from tocsin.server import wire

log = logging.getLogger("tocsin.server")

CODES = {400: "bad-request", 404: "not-found", 405: "no-such-method"}  # of what the framework itself refuses
TABLE: list[tuple[type[Exception], int, str]] = [  # the first that fits
    (NotFound, 404, "not-found"),
    (NotAllowed, 409, "not-allowed"),
    (InputError, 400, "bad-input"),
    (MethodError, 400, "cannot"),
    (StoreError, 503, "store"),
    (TocsinError, 500, "failed"),
    (Exception, 500, "internal"),
]


class Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})


def refusal(why: Exception, request: Request) -> Response:
    """The JSON answer to an exception. What we did not foresee is logged and answered without details."""
    if isinstance(why, Refused):
        return say(why.status, why.code, str(why), why.headers)
    if isinstance(why, HTTPException):
        code = CODES.get(why.status_code, "refused")
        return say(why.status_code, code, f"{why.detail}: {request.url.path}", why.headers)
    status, code = next((s, c) for kind, s, c in TABLE if isinstance(why, kind))
    if status < 500:
        return say(status, code, str(why), allowed=why.allowed if isinstance(why, NotAllowed) else None)
    known = isinstance(why, TocsinError)  # its message is for people, and says all
    log.error("%s %s: %s", request.method, request.url.path, why, exc_info=None if known else why)
    message = str(why) if known else "Something of ours broke; the server's log has the details."
    return say(status, code, message, {"Retry-After": "5"} if status == 503 else None)


def say(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, allowed: list[str] | None = None
) -> Response:
    """A refusal as a response."""
    response = Response(wire.problem(code, message, allowed), status, headers, "application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
