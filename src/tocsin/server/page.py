"""The page: files built from web/, and the headers that keep a browser from doing anything else. I/O."""

import os
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"

# blob: workers and images are the map's own; inline styles are set by the chart and the map as they draw.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Said over TLS only, where it is true: the browser is to ask no other way for a year.
TLS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}


class Page(StaticFiles):
    """Static files; any other path is the page itself, which reads the address."""

    def __init__(self, directory: Path = STATIC) -> None:
        super().__init__(directory=directory, check_dir=False)

    async def check_config(self) -> None:
        """A missing folder is answered, not raised: the API works without the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file at `path`; else index.html, but for paths that can only be files."""
        is_file = path.split(os.sep, maxsplit=1)[0] == "assets"
        try:
            response = await super().get_response(path, scope)
        except HTTPException as e:
            if e.status_code != 404 or is_file:
                raise
            response = await self._index(scope)
        # Names under assets/ hold a digest of what is in them; everything else is asked about each time (304).
        keep = "public, max-age=31536000, immutable" if is_file else "no-cache"
        response.headers["Cache-Control"] = keep
        return response

    async def _index(self, scope: Scope) -> Response:
        try:
            return await super().get_response("index.html", scope)
        except HTTPException as e:
            raise HTTPException(404, "The page is not built (make web); the API is under /api/v1") from e


class Armour:
    """Security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding the headers."""

        headers = HEADERS | (TLS_HEADERS if scope.get("scheme") == "https" else {})

        async def armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, armoured if scope["type"] == "http" else send)
