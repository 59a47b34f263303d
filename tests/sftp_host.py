"""An SFTP server of our own on a free loopback port: a folder, one user, and ways to do wrong."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import asyncssh

USER, PASSWORD = "tocsin", "s3cret"


class Host:
    """A server in a thread; `start` and `stop` as often as you like, on the same port and with the same key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.known = folder / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode()}")
        self.user_key = folder / "id"
        ours = asyncssh.generate_private_key("ssh-ed25519")
        ours.write_private_key(self.user_key)
        self._authorized = asyncssh.import_authorized_keys(ours.export_public_key().decode())
        self.reading: Callable[[bytes, int], None] = lambda path, offset: None  # called before every read
        self.moving: Callable[[bytes], None] = lambda path: None  # … and before every move
        self.came = 0  # connections that were let in
        self.tried = 0  # … that asked to be
        self.reads: list[str] = []  # names of files that were opened for reading
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> "Host":
        ready = threading.Event()

        def work() -> None:
            asyncio.run(self._serve(ready))

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()
        assert ready.wait(30)
        return self

    def stop(self) -> None:
        """As a cut: open connections are dropped."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(30)
            self._loop = None

    def cut(self) -> None:
        """Drop the connections that are open, and go on listening; from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: [c.abort() for c in list(self.open)])

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.open: set[asyncssh.SSHServerConnection] = set()
        server = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=lambda: Door(self), server_host_keys=[self.key],
            sftp_factory=lambda chan: Files(chan, self),
            authorized_client_keys=self._authorized, reuse_address=True,
        )  # fmt: skip
        ready.set()
        await self._over.wait()
        for connection in list(self.open):
            connection.abort()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)  # what was cut is torn down

    def put(self, name: str | bytes, data: bytes, modified: int = 1_700_000_000) -> Path:
        """A file, whole at once, with its time."""
        path = self.files / os.fsdecode(name)
        half = path.with_name(path.name + ".part")
        half.write_bytes(data)
        os.utime(half, (modified, modified))
        return half.rename(path)


class Door(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.open.add(conn)
        self._conn = conn

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.open.discard(self._conn)

    def begin_auth(self, username: str) -> bool:
        self._host.tried += 1
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def auth_completed(self) -> None:
        self._host.came += 1


class Files(asyncssh.SFTPServer):
    """The folder."""

    def __init__(self, chan: asyncssh.SSHServerChannel, host: Host) -> None:
        super().__init__(chan, chroot=os.fsencode(host.files))
        self._host = host

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            self._host.reads.append(os.fsdecode(path.rsplit(b"/", 1)[-1]))
        return super().open(path, pflags, attrs)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._host.reading(os.fsencode(file_obj.name), offset)  # type: ignore[attr-defined]
        return super().read(file_obj, offset, size)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._host.moving(oldpath)
        super().rename(oldpath, newpath)
