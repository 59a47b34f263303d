"""POST /sources/{name}/messages: a source's own format, pushed; its bytes kept, answered when durable. I/O."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tocsin import loop
from tocsin.errors import NotFound
from tocsin.server import auth, wire, wire_intake
from tocsin.server.route import Ask, body, parameters
from tocsin.server.site import Site
from tocsin.types import Finding

MOST = 32 * 1024 * 1024  # bytes at once, unpacked


class MessagesAsk(Ask, frozen=True):
    """Whose message."""

    name: str


async def post(site: Site, request: Request) -> Response:
    """Push one message of a source, in the format and with the mapping that the source has in city.toml.

    An HL7 message, a FHIR bundle, a page of CSV: any media type; it may be packed with gzip or zstd. Its bytes are
    kept. The answer comes only when everything is durable; sending it again adds nothing.
    """
    caller = auth.check(request, site, "push")
    ask = parameters(request, MessagesAsk)
    caller.source(ask.name)
    source = next((s for s in site.desk.settings.sources if s.name == ask.name), None)
    if source is None or source.mapping is None:
        there = ", ".join(s.name for s in site.desk.settings.sources if s.mapping) or "none"
        raise NotFound(f"no source {ask.name!r} with a mapping; there are: {there}")
    async with site.writer.place():
        data, _ = await body(request, MOST, [])

        def take() -> bytes:
            taken, items = loop.receive(site.desk, source, data, "POST", site.clock(), caller.bounds(site))
            flaws = [said(i) for i in items if isinstance(i, Finding)]
            counts = {"accepted": taken.accepted, "duplicates": taken.duplicates, "findings": taken.findings}
            return wire.encode({**counts, "problems": flaws[:100]}, wire_intake.Received)

        answer = await site.writer.join(take, site.desk.together)
        return Response(answer, 200, {"Cache-Control": "no-store"}, "application/json")


def said(finding: Finding) -> dict[str, Any]:
    """A finding as an answer tells it."""
    return {"line": finding.line, "field": finding.field, "code": finding.code, "message": finding.message}
