"""Who may write: one bearer token, from the environment or a file, compared in constant time. I/O."""

import hmac
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import HTTPConnection

from tocsin.errors import ConfigError
from tocsin.server.refuse import Refused


def find_token(env: Mapping[str, str]) -> str:
    """TOCSIN_TOKEN, or the content of the file TOCSIN_TOKEN_FILE names; "" with neither. ConfigError: unusable."""
    token, file = env.get("TOCSIN_TOKEN", ""), env.get("TOCSIN_TOKEN_FILE", "")
    if token or not file:
        return _usable(token, "TOCSIN_TOKEN") if token else ""
    try:
        found = Path(file).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"TOCSIN_TOKEN_FILE: {file} cannot be read as plain text: {e}") from e
    return _usable(found, f"TOCSIN_TOKEN_FILE: {file}")


def allowed(request: HTTPConnection, token: str) -> bool:
    """Whether the request carries the token; never when the server has none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # Both sides as bytes: compare_digest refuses str beyond ASCII, and headers may hold anything.
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    return same and scheme.lower() == "bearer" and bool(token)


def check(request: HTTPConnection, token: str) -> None:
    """Refused 401 unless the request carries the token."""
    if not allowed(request, token):
        given = "authorization" in request.headers
        raise Refused(
            401,
            "wrong-token" if given else "no-token",
            "Writing needs the header `Authorization: Bearer TOKEN` with this server's token.",
            {"WWW-Authenticate": 'Bearer realm="tocsin"'},
        )


def _usable(token: str, where: str) -> str:
    if not token or not token.isascii() or any(c.isspace() or not c.isprintable() for c in token):
        raise ConfigError(f"{where}: a token is one word of printable ASCII characters, at least one")
    return token
