"""A city in one archive, taken while it is in use, and back out of it with every byte checked. I/O.

The archive is a tar, its store always an SQLite file, whatever the city runs on: it can be opened without Tocsin.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from tocsin.errors import InputError
from tocsin.store import open_store
from tocsin.store.copy import copy_store
from tocsin.store.db import Store
from tocsin.store.sqlite import FILE, LEAD

MANIFEST = "MANIFEST.json"
FORMAT = 1
# The store is copied by its own means; who may write is not of the past: a restored city revokes nothing.
_NOT_COPIED = (FILE, f"{FILE}-wal", f"{FILE}-shm", LEAD, "tokens.json")


def backup(
    directory: Path, store: Store, to: Path, said: dict[str, Any], *, raw: bool = True, secret: Collection[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[int, list[str]]:  # fmt: skip
    """Write the city to `to`, which appears when it is whole and on disk; its number of files, and what it leaves out.

    It holds no secrets: not the files of `secret`, and no private key.

    First the store, then the other files: what arrives meanwhile may leave kept bytes that no row names, never a row
    without its bytes. `raw`: the bytes that came, too. `said` goes into the manifest.
    """
    half = to.with_name(f".{to.name}.{os.getpid()}.half")
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".tocsin-backup-") as work:
        snapshot = Path(work) / FILE
        progress("the store")
        copy = open_store(Path(work))
        try:
            copy_store(store, copy)
            copy.db.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
        listed: dict[str, str] = {}
        hidden: list[str] = []
        try:
            with half.open("wb") as out:
                with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
                    for path, name in [(snapshot, FILE), *_files(directory, to, half, raw=raw)]:
                        if path.resolve() in secret or _is_key(path):
                            hidden.append(name)
                            continue
                        progress(name)
                        listed[name] = _add(tar, path, name)
                    _add_manifest(tar, {"format": FORMAT, **said, "files": listed})
                out.flush()
                os.fsync(out.fileno())
            half.replace(to)
        finally:
            half.unlink(missing_ok=True)
    return len(listed), hidden


def restore(archive: Path, directory: Path, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The city of an archive, in `directory`, which must be empty or absent; its manifest.

    InputError for a file that is no whole backup; `directory` is then as it was.
    """
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{directory} is not empty; name a new directory for the restored city")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".tocsin-restore-") as work:
        inside = Path(work) / "city"
        try:
            with tarfile.open(archive, mode="r:gz") as tar:
                for member in tar:
                    progress(member.name)
                    tar.extract(member, inside, filter="data")
        except (tarfile.TarError, EOFError, OSError) as e:
            raise InputError(f"{archive}: not a whole backup: {e}; use another") from e
        manifest = _checked(archive, inside)
        if directory.exists():
            directory.rmdir()
        inside.rename(directory)
    return manifest


def _checked(archive: Path, inside: Path) -> dict[str, Any]:
    """The manifest, after every file it names was found as it was, and no other."""
    try:
        manifest: dict[str, Any] = json.loads((inside / MANIFEST).read_text("utf-8"))
        listed: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError) as e:
        raise InputError(f"{archive}: no {MANIFEST} at its end; it was cut short, or is no backup of Tocsin") from e
    if manifest.get("format") != FORMAT:
        raise InputError(f"{archive}: of format {manifest.get('format')}, this program knows {FORMAT}; upgrade Tocsin")
    (inside / MANIFEST).unlink()
    there = {str(p.relative_to(inside)) for p in inside.rglob("*") if p.is_file()}
    for name in sorted(there ^ set(listed)):
        raise InputError(f"{archive}: {name} is {'not listed' if name in there else 'missing'}; use another backup")
    for name, digest in listed.items():
        with (inside / name).open("rb") as f:
            if hashlib.file_digest(f, "sha256").hexdigest() != digest:
                raise InputError(f"{archive}: {name} is not what was backed up; use another backup")
    return manifest


def _files(directory: Path, *ours: Path, raw: bool) -> Iterator[tuple[Path, str]]:
    """What belongs to a city beside its store: settings, areas, the inbox, the bytes that came."""
    mine = {p.resolve() for p in ours}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if not path.is_file() or path.is_symlink() or path.resolve() in mine or str(name) in _NOT_COPIED:
            continue
        if path.suffix == ".half" or any(part.startswith(".tocsin-") for part in name.parts):
            continue
        if raw or name.parts[0] != "raw":
            yield path, str(name)


def _is_key(path: Path) -> bool:
    """Whether a file is a private key in PEM, as TLS and SSH have them."""
    with path.open("rb") as f:
        return b"PRIVATE KEY-----" in f.read(100).split(b"\n", 1)[0]


class _Digested:
    """A stream that digests what is read of it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, path: Path, name: str) -> str:
    """Add a file; the digest of the bytes that went in."""
    with path.open("rb") as f:
        info = tar.gettarinfo(arcname=name, fileobj=f)
        info.mode, info.uid, info.gid, info.uname, info.gname = 0o600, 0, 0, "", ""
        digested = _Digested(f)
        tar.addfile(info, digested)
    return digested.digest.hexdigest()


def _add_manifest(tar: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    info = tarfile.TarInfo(MANIFEST)
    info.size, info.mode = len(data), 0o600
    tar.addfile(info, io.BytesIO(data))
