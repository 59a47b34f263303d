"""How a request is refused: a status, a code and a sentence; our errors translated, tracebacks only in the log. I/O."""

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.errors import InputError, NotAllowed, NotFound, StoreError, TocsinError
from tocsin.server import wire

log = logging.getLogger("tocsin.server")

CODES = {400: "bad-request", 404: "not-found", 405: "no-such-method"}  # of what the framework itself refuses


class Refused(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})


def refusal(why: Exception, request: Request) -> Response:
    """The JSON answer to an exception. What we did not foresee is logged and answered without details."""
    match why:
        case Refused():
            return say(why.status, why.code, str(why), why.headers)
        case NotFound():
            return say(404, "not-found", str(why))
        case NotAllowed():
            return say(409, "not-allowed", str(why), allowed=list(why.allowed))
        case InputError():
            return say(400, "bad-input", str(why))
        case StoreError():
            log.error("%s %s: %s", request.method, request.url.path, why)
            return say(503, "store", str(why), {"Retry-After": "5"})
        case HTTPException():
            code = CODES.get(why.status_code, "refused")
            return say(why.status_code, code, f"{why.detail}: {request.url.path}", why.headers)
        case TocsinError():
            log.error("%s %s: %s", request.method, request.url.path, why)
            return say(500, "failed", str(why))
    log.error("%s %s", request.method, request.url.path, exc_info=why)
    return say(500, "internal", "Something of ours broke; the server's log has the details.")


def say(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None, allowed: list[str] | None = None
) -> Response:
    """A refusal as a response."""
    response = Response(wire.problem(code, message, allowed), status, headers, "application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
