"""GET /city: the city, the clock, and what this server can do. I/O."""

from starlette.requests import Request
from starlette.responses import Response

from tocsin import views
from tocsin.server import auth, wire
from tocsin.server.route import Ask, parameters
from tocsin.server.site import Site


async def get(site: Site, request: Request) -> Response:
    """The city, the clock, and whether this request's token may work on alerts."""
    parameters(request, Ask)
    who = auth.caller(request, site)
    can_write = who is not None and (who.holder is None or "triage" in who.holder.may)

    def answer() -> bytes:
        found = views.city(site.desk, site.clock(), can_write=can_write)
        return wire.encode(found | {"progress": site.progress}, wire.City)

    data = await site.read(answer)
    return Response(data, 200, {"Cache-Control": "no-store"}, "application/json")
