"""What a feed remembers from one run to the next: a small file beside the city, replaced whole. I/O.

Losing it costs duplicates, which cost nothing; so a file that cannot be read is as good as none.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec


def file(beside: Path, source: str) -> Path:
    """Where a source's feed remembers."""
    return beside / "feeds" / f"{quote(source, safe='')}.json"


def read(where: Path, of: list[str]) -> Any:
    """What was remembered of the same `of` (an address, say); {} where there is nothing, or nothing readable."""
    try:
        found = msgspec.json.decode(where.read_bytes(), type=dict[str, Any])
    except (OSError, UnicodeError, RecursionError, msgspec.DecodeError, msgspec.ValidationError):
        return {}
    return found.get("memory", {}) if found.get("of") == of else {}


def write(where: Path, of: list[str], memory: object) -> None:
    """Remember; on the disk when it returns."""
    where.parent.mkdir(exist_ok=True)
    half = where.with_suffix(f".{os.getpid()}.half")
    with half.open("wb") as out:
        out.write(msgspec.json.encode({"of": of, "memory": memory}))
        out.flush()
        os.fsync(out.fileno())
    half.replace(where)
