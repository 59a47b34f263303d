"""Who may write: the operator's token, or one of the city's own with its bounds, compared in constant time. I/O."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from starlette.requests import HTTPConnection

from tocsin.errors import ConfigError
from tocsin.server.refuse import Refused
from tocsin.server.site import Site
from tocsin.server.tokens import Holder, Role
from tocsin.types import Event, Finding

DAY = 86_400_000_000


class Caller(NamedTuple):
    """Who asks to write; `holder` None: the operator, who may write everything."""

    holder: Holder | None = None

    def signed(self, who: str) -> str:
        """The name under a note: what was typed, and whose token it was."""
        return who if self.holder is None or who == self.holder.name else f"{who} ({self.holder.name})"

    def source(self, name: str) -> None:
        """Refused 403 unless the source is this caller's."""
        if self.holder is not None and name not in self.holder.sources:
            raise _not_yours(self.holder, f"the source {name!r}", "sources", self.holder.sources)

    def bounds(self, site: Site) -> Callable[[Iterable[Event | Finding]], None]:
        """What looks at records before any is written: Refused 403 for one beyond what the token may say."""
        holder = self.holder
        if holder is None:
            return lambda _: None
        tree, now = site.desk.tree, site.clock()
        inside = tree.inside(a for a in holder.areas if a in tree)
        oldest = now - holder.back_days * DAY

        def look(items: Iterable[Event | Finding]) -> None:
            for item in items:
                if item.source or isinstance(item, Event):
                    self.source(item.source)
                if not isinstance(item, Event):
                    continue
                if holder.signals and item.signal not in holder.signals:
                    raise _not_yours(holder, f"the signal {item.signal!r}", "signals", holder.signals)
                if holder.areas and item.area not in inside:
                    raise _not_yours(holder, f"the area {item.area!r}", "areas", holder.areas)
                if holder.back_days and item.report_time < oldest:
                    days = (now - item.report_time) // DAY
                    raise _not_yours(holder, f"a report {days} days late", "days back", [str(holder.back_days)])

        return look


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


def caller(request: HTTPConnection, site: Site) -> Caller | None:
    """Who asks, by the token it carries; None for nobody we know."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given:
        return None
    # Both sides as bytes: compare_digest refuses str beyond ASCII, and headers may hold anything.
    if hmac.compare_digest(given.encode("latin-1", "replace"), site.token.encode()) and site.token:
        return Caller()
    holder = site.tokens.find(given, site.clock())
    return None if holder is None else Caller(holder)


def check(request: HTTPConnection, site: Site, role: Role) -> Caller:
    """Who asks. Refused 401 without a token of ours, 403 with one that is for something else, 429 too often."""
    found = caller(request, site)
    if found is None:
        given = "authorization" in request.headers
        raise Refused(
            401,
            "wrong-token" if given else "no-token",
            "Writing needs the header `Authorization: Bearer TOKEN` with a token of this server.",
            {"WWW-Authenticate": 'Bearer realm="tocsin"'},
        )
    if found.holder is not None:
        if role not in found.holder.may:
            raise Refused(403, "not-yours", f"{found.holder.name} may {', '.join(found.holder.may)}, not {role}")
        site.gate.enter(found.holder)
    return found


def _not_yours(holder: Holder, what: str, kind: str, allowed: list[str]) -> Refused:
    there = ", ".join(allowed) or "none"
    return Refused(403, "not-yours", f"{holder.name} may not write {what}; its {kind}: {there}. Nothing was taken.")


def _usable(token: str, where: str) -> str:
    if not token or not token.isascii() or any(c.isspace() or not c.isprintable() for c in token):
        raise ConfigError(f"{where}: a token is one word of printable ASCII characters, at least one")
    return token
