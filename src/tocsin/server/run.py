"""Running the application on a socket until a signal; streams that are open do not keep it. I/O."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette

from tocsin.errors import ConfigError, TocsinError
from tocsin.server.patient import CONNECTIONS, HEAD_BYTES, Patient
from tocsin.server.site import Site

PATIENCE = 3  # seconds for requests under way when the server ends


class Tls(NamedTuple):
    """A certificate (with its chain) and its key, as PEM files."""

    cert: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later; ConfigError for files that cannot be used."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_cert_chain(self.cert, self.key, password=_no_password)
        except (OSError, ValueError) as e:  # ssl.SSLError is an OSError
            message = f"{self.cert}, {self.key}: not a certificate and its key, both PEM, the key without a password"
            raise ConfigError(f"{message}: {e}") from e
        return made


def _no_password() -> str:
    raise ValueError("the key is locked with a password")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; TocsinError saying what to do when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as e:
        raise TocsinError(f"cannot listen on {host} port {port}: {e}; choose another with --port") from e
    # asyncio does this only for sockets made with the protocol spelt out; without it every answer of more than one
    # write waits 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def run(
    app: Starlette, site: Site, listening: socket.socket, ready: Callable[[], None], tls: ssl.SSLContext | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once requests are answered. With `tls`, by HTTPS alone."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=PATIENCE,
        http=Patient,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=CONNECTIONS,
        ssl_context_factory=None if tls is None else lambda _config, _usual: tls,
    )
    server = Server(config, site, ready)
    with contextlib.closing(listening):
        server.run(sockets=[listening])


class Server(uvicorn.Server):
    """uvicorn, which waits for open responses before it tells the application that the end has come: tell it first."""

    def __init__(self, config: uvicorn.Config, site: Site, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._site, self._ready = site, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the rest."""
        self._site.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at a signal, at once at the second. An end that was asked for is not passed on as a failure."""
        self.force_exit = self.should_exit
        self.should_exit = True
