"""POST /events: records pushed to us; answered only when they are durable. I/O."""

from starlette.requests import Request
from starlette.responses import Response

from tocsin import loop
from tocsin.server import auth, wire
from tocsin.server.route import Ask, body, parameters
from tocsin.server.site import Site

MOST = 8 * 1024 * 1024  # bytes at once
KINDS = ("application/json", "application/x-ndjson")


async def post(site: Site, request: Request) -> Response:
    """Push records: a JSON array, or one JSON object a line. Each gets its own result; a bad one is a finding.

    The answer comes only after all of them are durable, so what was answered need not be sent again; sending it
    again does no harm, for a record is known by its source and key.
    """
    auth.check(request, site.token)
    parameters(request, Ask)
    async with site.writer.place():
        data, kind = await body(request, MOST, KINDS)
        answer = await site.writer.run(
            lambda: wire.encode(loop.push(site.desk, data, kind, site.clock()), wire.Taken)
        )
    return Response(answer, 200, {"Cache-Control": "no-store"}, "application/json")
