"""GET /alerts: ranked; GET /alerts/{id}: one with its evidence; POST …/notes: what somebody does with it. I/O."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from tocsin import loop, views
from tocsin.server import auth, wire
from tocsin.server.refuse import Refused
from tocsin.server.route import Ask, AsOf, body, given, parameters
from tocsin.server.site import Site

MOST = 64 * 1024  # bytes of a note


class AlertsAsk(Ask, frozen=True):
    """Which alerts, and how many."""

    state: wire.State | UnsetType = UNSET
    phase: wire.Phase | UnsetType = UNSET
    as_of: AsOf | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


class AlertAsk(Ask, frozen=True):
    """Which alert."""

    id: str
    as_of: AsOf | UnsetType = UNSET


class NotesAsk(Ask, frozen=True):
    """Which alert."""

    id: str


def listed(site: Site, ask: AlertsAsk) -> Any:
    """Alerts by rank, the most urgent first."""
    return views.alerts(site.desk, given(ask.state), given(ask.phase), given(ask.as_of), ask.limit, site.clock())


def get(site: Site, ask: AlertAsk) -> Any:
    """One alert with its evidence, its notes, and what may be done next."""
    return views.alert(site.desk, ask.id, given(ask.as_of), site.clock())


async def note(site: Site, request: Request) -> Response:
    """Do something with an alert: acknowledge, verify, confirm, exclude, respond, close, reopen or comment."""
    caller = auth.check(request, site, "triage")
    ask = parameters(request, NotesAsk)
    async with site.writer.place():
        data, _ = await body(request, MOST, ["application/json"])
        try:
            new = msgspec.json.decode(data, type=wire.NewNote)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise Refused(422, "bad-body", f"{e}; send {{action, who, text}}") from e

        def append() -> bytes:
            now = site.clock()
            loop.note(site.desk, ask.id, new.action, caller.signed(new.who.strip()), new.text, now)
            detail = views.alert(site.desk, ask.id, None, now)
            tell(site, detail)
            return wire.encode(detail, wire.AlertDetail)

        return Response(await site.writer.run(append), 201, {"Cache-Control": "no-store"}, "application/json")


def tell(site: Site, detail: dict[str, Any]) -> None:
    """Say on the live stream how an alert stands now."""
    site.broker.tell("alert", {k: detail[k] for k in wire.Alert.__struct_fields__})
