"""A PostgreSQL server of our own: on a free loopback port, bounded in time, stopped by its id."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


def programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL 15 or later is not installed."""
    found = [Path(p).parent for p in glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    found += [Path(p).resolve().parent for p in [shutil.which("postgres")] if p]
    found = [f for f in found if (f / "initdb").exists() and (f / "postgres").exists()]
    return max(found, key=lambda f: int("".join(c for c in f.parent.name if c.isdigit()) or 0), default=None)


class Server:
    """One cluster in a folder; `start` and `stop` as often as you like."""

    def __init__(self, bin_: Path) -> None:
        # Not in pytest's folder, which is closed to other users: PostgreSQL refuses to run as root.
        self._base = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))
        self.folder, self._bin, self._process = self._base / "pg", bin_, None
        self._user = {"user": "postgres"} if os.getuid() == 0 else {}
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.folder.mkdir()
        if self._user:
            self._base.chmod(0o755)
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", self.folder, "-U", "tocsin", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    @property
    def url(self) -> str:
        return f"postgresql://tocsin@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        with (self.folder.parent / "pg.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.folder, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "fsync=off"],
                stdout=subprocess.DEVNULL, stderr=log, cwd="/", **self._user,
            )  # fmt: skip
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                if subprocess.run([self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                                  check=False, timeout=10, cwd="/").returncode == 0:  # fmt: skip
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"PostgreSQL did not start: {(self.folder.parent / 'pg.log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: as an operator stops it; SIGQUIT: as a power cut does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """Stop it and leave nothing."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._base)

    def _run(self, program: str, *args: object) -> None:
        subprocess.run([self._bin / program, *map(str, args)], check=True, timeout=120, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **self._user)  # fmt: skip
