"""The OpenAPI 3.1 document, drawn from the list of routes and the types of wire. Pure."""

import inspect
import typing
from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin import __version__
from tocsin.server import wire
from tocsin.server.route import Route

REF = "#/components/schemas/{name}"

REFUSALS = {
    304: "Not changed",
    400: "A parameter is missing, unknown or wrong, or the body is not JSON",
    401: "No token, or a wrong one",
    403: "A token that is for something else: another source, signal, area or role",
    404: "No such signal, area, level, alert or source",
    408: "The body came too slowly",
    409: "The alert's state does not allow that; `allowed` lists what it does",
    413: "Too large",
    415: "Not a media type that is read here",
    422: "The body does not say what it must",
    429: "Too much waits to be written, or this token asks too often; Retry-After says when to come again",
    500: "Something of ours broke",
    503: "The store or the server cannot serve now; Retry-After says when to come again",
}

LIVE = """Server-sent events. `tick`: a Tick; `counts`: Counts; `alert`: an Alert; `source`: a Source; `progress`:
a Progress; `reset`: load everything again, what came in between is no longer held. Ids increase; `Last-Event-ID`
resumes."""


def document(routes: Sequence[Route], prefix: str) -> dict[str, Any]:
    """The document for all routes under `prefix`."""
    kinds = [r.answer for r in routes if not isinstance(r.answer, str)] + [
        r.body for r in routes if r.body and not isinstance(r.body, str)
    ]
    asked = [r.ask for r in routes]
    _, components = msgspec.json.schema_components([*kinds, wire.Problem, wire.Tick, wire.Counts], ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route, ask in zip(routes, asked, strict=True):
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route, _parameters(route, ask))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": __version__,
            "description": "A city's epidemic early warning. Reading needs no token; writing needs the server's.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(route: Route, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    says = inspect.cleandoc(route.call.__doc__ or "").split("\n\n", 1)
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{''.join(c if c.isalnum() else '_' for c in route.path)}".rstrip("_"),
        "summary": says[0].replace("\n", " "),
        "parameters": parameters,
        "responses": {str(route.status): _answer(route)} | _refusals(route),
    }
    if says[1:]:
        operation["description"] = says[1]
    if route.body:
        operation["requestBody"] = {"required": True, "content": _body(route)}
    if route.token:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(route: Route, ask: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """The fields of `ask`, in the path where the path names them, else in the query."""
    _, found = msgspec.json.schema_components([ask], ref_template=REF)
    table = found[ask.__name__]
    made = []
    for name, schema in table["properties"].items():
        where = "path" if f"{{{name}}}" in route.path else "query"
        made.append(
            {
                "name": name,
                "in": where,
                "required": where == "path" or name in table.get("required", ()),
                "schema": schema,
            }
        )
    return made + ([_LAST_EVENT_ID] if route.answer == "text/event-stream" else [])


_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "description": "The last message seen; the stream goes on after it.",
}


def _answer(route: Route) -> dict[str, Any]:
    if route.answer == "text/event-stream":
        return {"description": LIVE, "content": {route.answer: {"schema": {"type": "string"}}}}
    if isinstance(route.answer, str):
        return {"description": "The file as it is", "content": {route.answer: {"schema": {"type": "object"}}}}
    return {"description": "Done", "content": {"application/json": {"schema": _schema(route.answer)}}}


def _refusals(route: Route) -> dict[str, Any]:
    refused = {"application/json": {"schema": _schema(wire.Problem)}}
    made: dict[str, Any] = {}
    for status in sorted({400, *route.refuses, 500, 503}):
        made[str(status)] = {"description": REFUSALS[status]} | ({} if status == 304 else {"content": refused})
        if status in (429, 503):
            made[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds"}}
    return made


def _body(route: Route) -> dict[str, Any]:
    if isinstance(route.body, str):
        return {route.body: {"schema": {"type": "string", "format": "binary"}}}
    if typing.get_origin(route.body) is not list:
        return {"application/json": {"schema": _schema(route.body)}}
    record = _schema(typing.get_args(route.body)[0])
    # A record that is not as it should be does not spoil the others: it becomes a finding and the answer says so.
    lenient = {"type": "array", "items": {"anyOf": [record, {"description": "anything else becomes a finding"}]}}
    lines = {"type": "string", "description": "One record a line, each as in the array."}
    return {"application/json": {"schema": lenient}, "application/x-ndjson": {"schema": lines}}


def _schema(kind: Any) -> dict[str, Any]:
    (found,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return found
