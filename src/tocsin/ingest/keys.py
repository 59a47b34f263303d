"""What makes a record the same record next time: an opaque key, from its key columns or from the whole row. Pure."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from tocsin.ingest.values import text

LENGTH = 24  # hex digits: 96 bits


def opaque(source: str, key: str) -> str:
    """A key that says nothing of whom it is about: the first 24 hex digits of SHA-256 over source and key."""
    return sha256(f"{source}\x1f{key}".encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def by_columns(source: str, columns: Sequence[str], every: bool = False) -> Callable[[dict[str, Any]], str]:
    """The key columns' cells, joined and made opaque; "" when all of them (`every`: one of them) are empty."""

    def key(cells: dict[str, Any]) -> str:
        said = [text(cells.get(c)) for c in columns]
        return opaque(source, "\x1f".join(said)) if (all if every else any)(said) else ""

    return key


def by_row(source: str) -> Callable[[dict[str, Any]], str]:
    """A digest of the row and `#n`, the n-th time this very row stands in the file.

    Empty cells and the order of columns do not matter. Remembers each different row (some 100 bytes of memory each).
    """
    seen: dict[bytes, int] = {}
    names: tuple[str, ...] = ()
    ordered: list[tuple[str, str]] = []
    start = f"{source}\x1e".encode()

    def key(cells: dict[str, Any]) -> str:
        nonlocal names, ordered
        if tuple(cells) != names:
            names = tuple(cells)
            ordered = [(c, f"{c}\x1f") for c in sorted(names)]
        row = "\x1e".join(
            [
                title + said
                for c, title in ordered
                if (cell := cells[c]) and (said := cell.strip() if cell.__class__ is str else text(cell))
            ]
        )
        digest = sha256(start + row.encode("utf-8", "surrogatepass")).digest()[: LENGTH // 2]
        n = seen[digest] = seen.get(digest, 0) + 1
        return f"{digest.hex()}#{n}"

    return key
