"""A route as a row, and the small machine that turns rows into endpoints. I/O.

A *question* is a plain function `(site, ask) -> value`, run in a thread, its value checked against the answer's type
and written as JSON. Anything else is a coroutine `(site, request) -> Response`. Path and query parameters are the
fields of the `ask` struct, so the types that check them also document them.
"""

import inspect
import sys
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import anyio.to_thread
import msgspec
from msgspec import Meta, Struct, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tocsin.server import wire
from tocsin.server.refuse import Refused, refusal
from tocsin.server.site import Site

# Of these years every zone's arithmetic stays inside what datetime can hold.
YEARS = r"^(19|20|21)\d\d-"
AsOf = Annotated[
    str,
    Meta(
        pattern=YEARS,
        description="What was known at that moment: a date (its end in the city's zone) or a date-time; absent: now.",
        examples=["2026-03-02", "2026-03-02T10:00:00Z"],
        extra_json_schema={"anyOf": [{"format": "date"}, {"format": "date-time"}]},
    ),
]
Day = Annotated[str, Meta(pattern=YEARS + r"\d\d-\d\d$", extra_json_schema={"format": "date"})]
Name = Annotated[str, Meta(min_length=1)]


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of a path and query; none here."""


class Route(NamedTuple):
    """One method of one path under /api/v1."""

    method: str
    path: str
    call: Callable[..., Any]  # its docstring's first line is the summary
    answer: Any  # the type of the answer, or a media type where it is not ours
    ask: type[Ask] = Ask
    status: int = 200
    body: Any = None  # the type of a JSON body
    refuses: tuple[int, ...] = ()  # beside 400 and 500
    token: bool = False


class Door:
    """All methods of one path, as an ASGI application."""

    def __init__(self, site: Site, routes: Sequence[Route]) -> None:
        self._site = site
        self._by_method = {r.method: r for r in routes}
        methods = {*self._by_method, "OPTIONS"} | ({"HEAD"} if "GET" in self._by_method else set())
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes a JSON refusal."""
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as e:
            response = refusal(e, request)
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Awaitable[Response]:
        route = self._by_method.get("GET" if request.method == "HEAD" else request.method)
        if request.method == "OPTIONS":
            return _options(self._allow)
        if route is None:
            raise Refused(405, "no-such-method", f"This path answers {self._allow}", {"Allow": self._allow})
        if inspect.iscoroutinefunction(route.call):
            found: Awaitable[Response] = route.call(self._site, request)
            return found
        return _question(self._site, request, route)


async def _options(allow: str) -> Response:
    return Response(None, 204, {"Allow": allow})


async def _question(site: Site, request: Request, route: Route) -> Response:
    ask = parameters(request, route.ask)
    data = await site.read(lambda: wire.encode(route.call(site, ask), route.answer))
    return Response(data, route.status, {"Cache-Control": "no-store"}, "application/json")


if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

T = TypeVar("T")
A = TypeVar("A", bound=Ask)


def given(value: T | UnsetType) -> T | None:
    """An optional parameter's value, None where it was left out. (Were None its default, `null` would be a value.)"""
    return None if isinstance(value, UnsetType) else value


def parameters(request: Request, kind: type[A]) -> A:
    """Path and query as a struct; Refused 400 for what is missing, unknown, given twice or of the wrong kind."""
    query = request.query_params.multi_items()
    names = [*request.path_params, *(name for name, _ in query)]
    for name in names:
        if names.count(name) > 1:
            raise Refused(400, "bad-query", f"{name!r} is given twice")
    try:
        return msgspec.convert({**request.path_params, **dict(query)}, kind, strict=False)
    except msgspec.ValidationError as e:
        allowed = ", ".join(kind.__struct_encode_fields__) or "none"
        raise Refused(400, "bad-query", f"{e}; parameters of this path: {allowed}") from e


class _Plain:
    """A body that is not packed, with the manners of those that are."""

    eof, unused_data = True, b""

    def decompress(self, data: bytes, _: int) -> bytes:
        return data


PACKED: dict[str, Callable[[], Any]] = {
    "identity": _Plain,
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zstd": zstd.ZstdDecompressor,
}
UNPACKABLE = (zlib.error, zstd.ZstdError, EOFError)  # what they raise

TIMES = 500  # what a body may grow by when it is unpacked, where that is over 2 MiB: tables shrink to a tenth or so


async def body(request: Request, most: int, kinds: Sequence[str], seconds: float = 60.0) -> tuple[bytes, str]:
    """The body, unpacked, and its media type, one of `kinds` (empty: any).

    Refused 415, 413 (over `most` bytes once unpacked) or 408 (over `seconds`).
    """
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    charset = rest.replace(" ", "").partition("charset=")[2].strip('"')
    encoding = request.headers.get("content-encoding", "identity").lower()
    if kinds and (kind.strip() not in kinds or charset not in ("", "utf-8")):
        raise Refused(415, "wrong-type", f"Send {' or '.join(kinds)} in UTF-8", {"Accept": kinds[0]})
    if encoding not in PACKED:
        raise Refused(
            415, "wrong-encoding", f"Content-Encoding: {', '.join(PACKED)}", {"Accept-Encoding": "gzip, zstd"}
        )
    too_large = Refused(413, "too-large", f"At most {most} bytes at once; send it in parts")
    if request.headers.get("content-length", "0").isdigit() and int(request.headers.get("content-length", "0")) > most:
        raise too_large
    parts, size, came, unpack = [], 0, 0, PACKED[encoding]()
    try:
        with anyio.fail_after(seconds):
            async for packed in request.stream():
                # Never more than may be kept, whatever it unpacks to.
                part = unpack.decompress(packed, most - size + 1) if packed else b""
                parts.append(part)
                size += len(part)
                came += len(packed)
                if size > most:
                    raise too_large
                if size > TIMES * max(came, 4096):
                    raise Refused(413, "too-large", f"It unpacks to over {TIMES} times its size; send it unpacked")
        if not unpack.eof or unpack.unused_data:
            raise EOFError("it ends in the middle" if not unpack.eof else "it is several, one after another")
    except UNPACKABLE as e:
        raise Refused(400, "bad-encoding", f"The body is not one {encoding} stream: {e}") from e
    except TimeoutError as e:
        raise Refused(408, "too-slow", f"The body did not come within {seconds:g} s") from e
    return b"".join(parts), kind.strip()


class NoSuchPath:
    """The answer to every path under /api that is not in the list."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse it."""
        request = Request(scope, receive, send)
        await refusal(HTTPException(404, "No such path; see /api/v1/openapi.json"), request)(scope, receive, send)
