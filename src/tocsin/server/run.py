"""Running the application on a socket until a signal; streams that are open do not keep it. I/O."""

import contextlib
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from tocsin.errors import TocsinError
from tocsin.server.site import Site

PATIENCE = 3  # seconds for requests under way when the server ends


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


def run(app: Starlette, site: Site, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once requests are answered."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=PATIENCE,
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
