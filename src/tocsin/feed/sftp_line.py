"""One connection to an SFTP server whose key is known: a folder's names, a file whole, marked or moved. I/O."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh

from tocsin.errors import ConfigError, FeedError
from tocsin.feed.contract import sentence
from tocsin.feed.folder import Stamp

SILENCE = 30.0  # seconds in which a server must answer
PIECE = 1 << 20
NAMES = 200_000  # in one folder, more are no mailbox
KEEP = 'let the sender clear it, or have files moved (after = "move")'


class Refused(FeedError):
    """The server is there, but we do not trust it or it does not let us in: nothing that a retry mends."""


class Changed(FeedError):
    """The file is not what it was when it was listed: it grows, or was replaced."""


class Line:
    """An open connection. Names and paths are bytes, as the server has them; their encoding is its own."""

    def __init__(self, sftp: asyncssh.SFTPClient, where: str, host_key: str) -> None:
        """`where`: host and user for messages; `host_key`: the server's, kind and fingerprint."""
        self._sftp, self._where, self.host_key = sftp, where, host_key

    async def names(self, folder: bytes) -> dict[bytes, Stamp | None]:
        """What is in a folder: of regular files size and time, of all else None. FeedError where there is none."""
        found: dict[bytes, Stamp | None] = {}
        with self._said(f"the folder {shown(folder)}"):
            entries = aiter(self._sftp.scandir(folder))
            while True:
                async with asyncio.timeout(SILENCE):
                    entry = await anext(entries, None)
                if entry is None:
                    return found
                name = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
                if name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name:
                    found[name] = _stamp(entry.attrs)
                if len(found) > NAMES:
                    raise FeedError(f"{self._where}: over {NAMES:,} names in {shown(folder)}; {KEEP}")

    async def read(self, path: bytes, stamp: Stamp) -> bytes:
        """A file whole, if it is still as listed when it has been read; Changed if not. At most its listed size."""
        held = bytearray()
        with self._said(f"the file {shown(path)}"):
            async with asyncio.timeout(SILENCE):
                file = await self._sftp.open(path, "rb")
            try:
                while len(held) <= stamp.size:
                    async with asyncio.timeout(SILENCE):
                        piece = await file.read(min(PIECE, stamp.size + 1 - len(held)))
                    if not piece:
                        break
                    held += piece if isinstance(piece, bytes) else piece.encode()
            finally:
                with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                    async with asyncio.timeout(SILENCE):
                        await file.close()
        if len(held) != stamp.size or await self.stamp(path) != stamp:
            raise Changed(f"{shown(path)} changed while it was read")
        return bytes(held)

    async def stamp(self, path: bytes) -> Stamp | None:
        """Size and time of what is there now; None for nothing, or no regular file."""
        with self._said(f"the file {shown(path)}"):
            try:
                async with asyncio.timeout(SILENCE):
                    return _stamp(await self._sftp.lstat(path))
            except asyncssh.SFTPNoSuchFile:
                return None

    async def mark(self, path: bytes) -> None:
        """An empty file is there when this returns."""
        with self._said(f"the mark {shown(path)}"):
            async with asyncio.timeout(SILENCE):
                async with self._sftp.open(path, "ab"):
                    pass

    async def move(self, path: bytes, to: bytes) -> None:
        """Give a file another name; FeedError where something is there already."""
        if await self.stamp(to) is not None:
            raise FeedError(f"{self._where}: {shown(to)} is there already")
        with self._said(f"moving {shown(path)} to {shown(to)}"):
            async with asyncio.timeout(SILENCE):
                await self._sftp.rename(path, to)

    async def folder(self, path: bytes) -> None:
        """The folder is there when this returns."""
        with self._said(f"the folder {shown(path)}"):
            async with asyncio.timeout(SILENCE):
                if not await self._sftp.isdir(path):
                    await self._sftp.mkdir(path)

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """An operation's failure in words: Gone when the connection is lost, FeedError when only this failed."""
        try:
            yield
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError) as e:
            raise Gone(f"{self._where}: the connection broke off: {sentence(e)}") from e
        except TimeoutError as e:
            raise Gone(f"{self._where}: no answer within {SILENCE:g} s") from e
        except asyncssh.SFTPNoSuchFile as e:
            raise FeedError(f"{self._where}: {what} is not there") from e
        except asyncssh.SFTPPermissionDenied as e:
            raise FeedError(f"{self._where}: {what}: not permitted; what may the user do there?") from e
        except asyncssh.Error as e:
            raise FeedError(f"{self._where}: {what}: {sentence(e)}") from e


class Gone(FeedError):
    """The connection is no more."""


class _Client(asyncssh.SSHClient):
    """Trusts nobody by itself; remembers the key that a server showed and known_hosts does not have."""

    shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = _named(key)
        return False


@contextlib.asynccontextmanager
async def connected(
    host: str, port: int, user: str, known: asyncssh.SSHKnownHosts, key: asyncssh.SSHKey | None, password: str
) -> AsyncIterator[Line]:
    """A connection; Refused when the key is not the known one or we are not let in, FeedError when nobody answers."""
    client = _Client()
    where = f"{user}@{host}"
    try:
        async with asyncio.timeout(SILENCE):
            connection = await asyncssh.connect(
                host, port, username=user, known_hosts=known, client_factory=lambda: client,
                client_keys=[key] if key else None, password=password or None, login_timeout=SILENCE,
                # Nothing of whoever runs us: no settings, agent, tickets of theirs.
                config=None, agent_path=None, gss_host=None, disable_trivial_auth=True,
                compression_algs=["none"], keepalive_interval=15, keepalive_count_max=3,
            )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable as e:
        raise Refused(_distrusted(host, port, client.shown, known, e)) from e
    except asyncssh.PermissionDenied as e:
        raise Refused(f"{host} does not let {user} in: {sentence(e)}; is the key or password right?") from e
    except asyncssh.KeyExchangeFailed as e:
        raise Refused(f"{host} port {port} and known_hosts have no kind of key in common: {sentence(e)}") from e
    except TimeoutError as e:
        raise FeedError(f"{host} port {port} did not answer within {SILENCE:g} s; is it an SFTP server?") from e
    except (asyncssh.Error, OSError) as e:
        raise FeedError(f"cannot reach {host} port {port}: {sentence(e)}") from e
    try:
        try:
            async with asyncio.timeout(SILENCE):
                sftp = await connection.start_sftp_client()
        except (asyncssh.Error, OSError, TimeoutError) as e:
            raise FeedError(f"{host} lets {user} in, but not as SFTP: {sentence(e)}") from e
        key_there = connection.get_server_host_key()
        yield Line(sftp, where, _named(key_there) if key_there else "a certificate")
    finally:
        connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await connection.wait_closed()
        connection.abort()


def known_hosts(file: Path) -> asyncssh.SSHKnownHosts:
    """The servers' keys; ConfigError where the file cannot be read or holds none."""
    try:
        text = file.read_text("utf-8")
        if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
            raise ConfigError(
                f"known_hosts: {file} holds no key; ssh-keyscan shows the server's, its keeper whether it is"
            )
        return asyncssh.import_known_hosts(text)
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(
            f"known_hosts: {file} cannot be read; write the server's key into it (ssh-keyscan shows it; have its keeper"
            " say whether it is the right one)"
        ) from e
    except ValueError as e:
        raise ConfigError(f"known_hosts: {file}: {sentence(e)}") from e


def private_key(file: Path, passphrase: str) -> asyncssh.SSHKey:
    """Our key; ConfigError where it cannot be had."""
    try:
        return asyncssh.read_private_key(file, passphrase or None)
    except OSError as e:
        raise ConfigError(f"key: {file} cannot be read: {e.strerror}") from e
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as e:
        raise ConfigError(f"key: {file} is no private key that can be opened: {sentence(e)}") from e


def _distrusted(host: str, port: int, key: str, known: asyncssh.SSHKnownHosts, why: Exception) -> str:
    keys, authorities, *_ = known.match(host, "", port)
    if not (keys or authorities) and port != 22:
        keys, authorities, *_ = known.match(host, "", None)
    if not key:
        return f"{host}: its key is not trusted: {sentence(why)}"
    if not keys and not authorities:
        entry = host if port == 22 else f"[{host}]:{port}"
        return f"known_hosts has no key of {entry}; the server shows {key}. Have its keeper say whether that is right"
    return (
        f"{host} shows another key ({key}) than known_hosts has: a new server, or somebody in between. Nothing was"
        " sent; have its keeper say which"
    )


def _stamp(attrs: asyncssh.SFTPAttrs) -> Stamp | None:
    kind = attrs.permissions
    regular = attrs.type == asyncssh.FILEXFER_TYPE_REGULAR if kind is None else stat.S_ISREG(kind)
    if not regular or attrs.size is None or attrs.mtime is None:
        return None
    return Stamp(attrs.size, attrs.mtime * 10**9 + (attrs.mtime_ns or 0))


def _named(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


def shown(name: bytes) -> str:
    """A name as people read it, on one line: UTF-8, else GB 18030."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = name.decode("gb18030", "replace")
    return "".join(c if c.isprintable() else "�" for c in text)
