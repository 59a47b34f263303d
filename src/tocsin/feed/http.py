"""One GET: bounded in bytes, no host but the one that was named, gzip opened, no redirect to elsewhere. I/O."""

import ssl
import threading
import zlib
from collections.abc import Mapping
from email.message import Message as Headers
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from tocsin.errors import FeedError

SILENCE = 30.0  # seconds without a byte
PIECE = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """What came back of an address, after redirects."""

    url: str
    status: int
    headers: Headers
    body: bytes


class Getter:
    """Asks one origin, through `proxy` if one is given, never through one of the environment."""

    def __init__(self, context: ssl.SSLContext, proxy: str, most: int) -> None:
        """`most`: bytes of a body, unpacked."""
        self._most = most
        self._open = OpenerDirector()
        handlers = [ProxyHandler({"http": proxy, "https": proxy} if proxy else {})]
        for handler in (*handlers, HTTPHandler(), HTTPSHandler(context=context)):
            self._open.add_handler(handler)

    def get(self, url: str, headers: Mapping[str, str], gone: threading.Event) -> Answer:
        """The answer, of any status; the body of a 200 only.

        FeedError when there is none, it is too large, or it leads to another host. Stops reading when `gone` is set.
        """
        for _ in range(5):
            asked = Request(url, headers={"Accept-Encoding": "gzip", "User-Agent": "tocsin", **headers})  # noqa: S310
            try:
                response = self._open.open(asked, timeout=SILENCE)
            except (URLError, OSError) as e:
                raise FeedError(f"cannot reach {urlsplit(url).netloc}: {getattr(e, 'reason', e)}") from e
            with response:
                if response.status not in REDIRECTS or "location" not in response.headers:
                    body = self._body(response, gone) if response.status == 200 else b""
                    return Answer(url, response.status, response.headers, body)
                url = within(url, response.headers["location"])
        raise FeedError(f"{urlsplit(url).netloc} redirects without end")

    def _body(self, response: object, gone: threading.Event) -> bytes:
        read, headers = response.read1, response.headers  # type: ignore[attr-defined]  # an HTTPResponse
        packed = headers.get("content-encoding", "").lower() == "gzip"
        unpack = zlib.decompressobj(wbits=31) if packed else None
        held = bytearray()
        try:
            while not gone.is_set() and (piece := read(PIECE)):
                held += unpack.decompress(piece, self._most + 1 - len(held)) if unpack else piece
                if len(held) > self._most:
                    raise FeedError(f"the page is over {self._most} bytes; raise `most`, or ask for smaller pages")
        except (OSError, zlib.error) as e:
            raise FeedError(f"the answer broke off: {e}") from e
        expected = headers.get("content-length", "")
        if (unpack and not unpack.eof) or (expected.isdigit() and not unpack and len(held) < int(expected)):
            raise FeedError("the answer broke off before its end")
        return bytes(held)


def within(url: str, link: str) -> str:
    """A link of a page, made whole; FeedError where it leads to another host."""
    try:
        found = urljoin(url, link)
        here, there = urlsplit(url), urlsplit(found)
    except ValueError as e:
        raise FeedError(f"the answer leads to no address: {e}") from e
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise FeedError(f"the answer leads to {there.netloc or there.scheme}, which city.toml does not name")
    return found
