"""Cells as clean text, and clean text as numbers. Pure."""

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

import msgspec

MOST_COUNT = 1e10  # of one record; beyond are telephone and identity numbers in the wrong column
_BELOW = re.compile(r"[<≤].*|未检出|低于检出限|n\.?d\.?|b?lo[dq]", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def text(cell: Any) -> str:
    """A cell as people would write it: no outer spaces, 1.0 as "1", dates as ISO, nothing as ""."""
    if isinstance(cell, str):
        return cell.strip()
    if cell is None:
        return ""
    for kind, write in _WRITE:
        if isinstance(cell, kind):
            return write(cell)
    return str(cell).strip()


def _float(cell: float) -> str:
    if math.isnan(cell):
        return ""
    return str(int(cell)) if abs(cell) < 1e16 and cell.is_integer() else repr(cell)


def _datetime(cell: datetime) -> str:
    midnight = cell.tzinfo is None and cell.time() == time.min
    return cell.date().isoformat() if midnight else cell.isoformat()


def _int(cell: int) -> str:
    return str(cell) if cell.bit_length() <= 128 else f"an integer of {cell.bit_length()} bits"


def json(value: Any) -> bytes:
    """A value as JSON with its names in order; what JSON has no form for, as text."""
    try:
        return msgspec.json.encode(value, enc_hook=str, order="deterministic")
    except (TypeError, ValueError, OverflowError, RecursionError):  # a name that is no text, an integer beyond 64 bits
        return repr(value)[:1000].encode("utf-8", "replace")


@lru_cache(maxsize=1 << 14)
def half_width(cleaned: str) -> str:
    """Full-width digits, letters and spaces as plain ones (Unicode NFKC): ２０１４ as 2014."""
    return cleaned if cleaned.isascii() else unicodedata.normalize("NFKC", cleaned).strip()


def code(cleaned: str) -> str:
    """A code as the area file has it: half-width, and without the .0 that spreadsheets add to numbers."""
    plain = half_width(cleaned)
    return plain[:-2] if plain.endswith(".0") and plain[:-2].isdigit() else plain


def is_below(cleaned: str) -> bool:
    """Whether a text says that a reading is below what can be measured: <LOD, < 50, ND, 未检出."""
    return bool(_BELOW.fullmatch(half_width(cleaned)))


@lru_cache(maxsize=1 << 14)
def number(cleaned: str) -> float | None:
    """The number a text is, NaN for the word nan; None if it is none (thousands separators are refused)."""
    plain = half_width(cleaned)
    if plain.lower() == "nan":
        return math.nan
    if not _NUMBER.fullmatch(plain):
        return None
    return float(plain)


_WRITE: tuple[tuple[Any, Callable[[Any], str]], ...] = (  # in this order: a bool is an int, a datetime a date
    (bool, lambda cell: "true" if cell else "false"),
    (float, _float),
    (int, _int),
    (datetime, _datetime),
    (date, date.isoformat),
    (bytes, bytes.hex),
    (dict | list, lambda cell: json(cell).decode("utf-8", "replace")),
)
