"""TLS as the settings say it: files beside city.toml, nothing older than TLS 1.2, certificates always checked. I/O."""

import ssl
from pathlib import Path

from tocsin.errors import ConfigError


def serving(beside: Path, cert: str, key: str, ca: str) -> ssl.SSLContext | None:
    """For those who come to us: our certificate; with `ca`, they must show one of theirs. None: no TLS."""
    if not cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, beside, cert, key, ca)
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def reaching(beside: Path, ca: str, cert: str = "", key: str = "") -> ssl.SSLContext:
    """For those we go to: trusted if `ca`, else the system's authorities, say so; our certificate if they ask."""
    context = ssl.create_default_context()
    if ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, beside, cert, key, ca)
    return context


def _load(context: ssl.SSLContext, beside: Path, cert: str, key: str, ca: str) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if cert:
            context.load_cert_chain(beside / cert, beside / key)
        if ca:
            context.load_verify_locations(beside / ca)
    except (OSError, ssl.SSLError) as e:
        which = ", ".join(str(beside / f) for f in (cert, key, ca) if f)
        raise ConfigError(f"feed: no usable certificate or key in {which}: {e}") from e
