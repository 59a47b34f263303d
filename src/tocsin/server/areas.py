"""GET /areas: the area tree; GET /areas.geojson: its polygons, where the city has them. I/O."""

import hashlib
from typing import Any

from msgspec import UNSET, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from tocsin import views
from tocsin.errors import NotFound
from tocsin.server.route import Ask, Name, given, parameters
from tocsin.server.site import Site


class AreasAsk(Ask, frozen=True):
    """`level`: one storey of the tree; absent: all."""

    level: Name | UnsetType = UNSET


def get(site: Site, ask: AreasAsk) -> Any:
    """The areas of the city, or of one level."""
    return views.areas(site.desk, given(ask.level))


async def geojson(site: Site, request: Request) -> Response:
    """The city's own polygons; each feature's property `code` names its area. 404: draw points."""
    parameters(request, Ask)
    data = await site.read(lambda: views.geojson(site.desk))
    if data is None:
        raise NotFound("This city has no polygons (areas.geojson in city.toml); draw points")
    tag = f'W/"{hashlib.sha256(data).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in (t.strip() for t in request.headers.get("if-none-match", "").split(",")):
        return Response(None, 304, headers)
    return Response(data, 200, headers, "application/geo+json")
