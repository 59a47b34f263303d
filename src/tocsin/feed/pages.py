"""Where a page says that the next one is, by the standards whose servers page. Pure."""

import re
from email.message import Message as Headers
from typing import Any

import msgspec

from tocsin.errors import FeedError

_LINK = re.compile(r'<([^>]*)>[^,]*;\s*rel="?next"?', re.IGNORECASE)
_NAMED = ("@iot.nextLink", "@odata.nextLink")  # SensorThings 1.1, OData 4
_MARKS = (b'"next"', *(f'"{n}"'.encode() for n in _NAMED), b'"nextPage"')


def next_link(headers: Headers, body: bytes, pointer: str) -> str:
    """The next page's address as the page has it, "" after the last.

    By `pointer` (RFC 6901) if one is configured. Else by the Link header (RFC 8288), the `link` of a FHIR Bundle, the
    nextLink of SensorThings and OData, or the pager of DHIS2. FeedError if a pointer is configured and the page is no
    JSON.
    """
    if not pointer:
        found = _LINK.search(", ".join(headers.get_all("link", [])))
        return found[1] if found else _by_standard(body)
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as e:
        raise FeedError(f"the page is no JSON, so {pointer} names no next page: {e}") from e
    for token in pointer.split("/")[1:]:
        word = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(word)] if word.isdecimal() and len(word) < 10 and int(word) < len(value) else None
        else:
            value = value.get(word) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _by_standard(body: bytes) -> str:
    if body.lstrip()[:1] != b"{" or not any(mark in body for mark in _MARKS):
        return ""  # most pages need not be read twice
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):  # the parser will say so, with its finding
        return ""
    links = value.get("link") if value.get("resourceType") == "Bundle" else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next":
            return str(link.get("url") or "")
    pager = value.get("pager")
    some = [value.get(n) for n in _NAMED] + [pager.get("nextPage") if isinstance(pager, dict) else None]
    return next((s for s in some if isinstance(s, str) and s), "")
