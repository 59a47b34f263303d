"""POST /events: records pushed to us; answered only when they are durable. I/O."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tocsin import loop
from tocsin.server import auth, wire_intake
from tocsin.server.refuse import Refused
from tocsin.server.route import Ask, body, parameters
from tocsin.server.site import Site
from tocsin.store.events import Taken
from tocsin.types import Event, Finding

MOST = 8 * 1024 * 1024  # bytes at once
ARRAY, LINES = "application/json", "application/x-ndjson"


async def post(site: Site, request: Request) -> Response:
    """Push records: a JSON array, or one JSON object a line. Each gets its own result; a bad one is a finding.

    The answer comes only after all of them are durable, so what was answered need not be sent again; sending it
    again does no harm, for a record is known by its source and key.
    """
    caller = auth.check(request, site, "push")
    parameters(request, Ask)
    async with site.writer.place():
        data, kind = await body(request, MOST, [ARRAY, LINES])
        if (kind == ARRAY) != data.lstrip().startswith(b"["):
            raise Refused(400, "bad-input", f"{ARRAY} is an array, even of one: [{{…}}]; {LINES} one object a line")

        def take() -> bytes:
            taken, items = loop.push(site.desk, data, site.clock(), caller.bounds(site))
            return msgspec.json.encode(_answer(taken, items))

        answer = await site.writer.join(take, site.desk.together)
        return Response(answer, 200, {"Cache-Control": "no-store"}, "application/json")


def _answer(taken: Taken, items: Sequence[Event | Finding]) -> wire_intake.Taken:
    """One result a record. A finding that was `kept` stands before the event it speaks of: one record, taken anyway.

    Refused 400 when the body as a whole could not be read (a finding of line 0).
    """
    results: list[wire_intake.Result] = []
    about: dict[str, str] = {}
    for n, (item, word) in enumerate(zip(items, taken.results, strict=True)):
        found = item if isinstance(item, Finding) else taken.refused.get(n)
        if found is not None and found.line == 0 and found is item:
            raise Refused(400, found.code, found.message)
        if found is not None:
            about = {"code": found.code, "message": found.message, "field": found.field}
        if word == "kept":
            continue
        results.append(wire_intake.Result(len(results), word, **about))
        about = {}
    return wire_intake.Taken(taken.accepted, taken.duplicates, taken.findings, results)
