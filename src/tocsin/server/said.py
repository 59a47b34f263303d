"""What every answer is made of: numbers that may be missing, steps, moments, titles. Pure."""

from typing import Annotated

from msgspec import Meta, Struct

Number = float | None
Numbers = list[Number]
Step = Annotated[str, Meta(description="A step's start by the city's clock: 2026-03-02 or 2026-03-02T08:05")]
Moment = Annotated[str, Meta(description="UTC: 2026-03-02T10:00:00Z")]


class Said(Struct, frozen=True, forbid_unknown_fields=True):
    """Something on the wire."""


class Title(Said, frozen=True):
    """What people read."""

    zh: str
    en: str
