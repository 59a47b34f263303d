"""GET /live: the live stream as a response. I/O."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tocsin.server.site import Site


async def get(site: Site, request: Request) -> Response:
    """What happens, as it happens: server-sent events `tick`, `alert`, `source`, `progress`, `reset` (load all again).

    Messages are numbered; with `Last-Event-ID` (browsers send it when they reconnect) the stream goes on after it.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return Response(None, 200, headers, "text/event-stream")
    last = request.headers.get("last-event-id")
    # What is not one of our numbers is as good as forgotten: the reader is told to load everything again.
    at = None if last is None else int(last) if last.isascii() and last.isdigit() and len(last) < 19 else -1
    return StreamingResponse(site.broker.stream(at), 200, headers, "text/event-stream")
