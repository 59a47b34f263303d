"""What is said about records that come in: one more page of `wire`. Pure."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from tocsin.server.said import Said


class Result(Said, frozen=True, omit_defaults=True):
    """What became of one record."""

    index: int
    result: Literal["accepted", "duplicate", "finding"]
    code: str = ""
    message: str = ""
    field: str = ""


class Taken(Said, frozen=True):
    """What became of a push; said only after it is durable."""

    accepted: int
    duplicates: int
    findings: int
    results: list[Result]


class Flaw(Said, frozen=True):
    """What was wrong with a record of a message."""

    line: int
    field: str
    code: str
    message: str


class Received(Said, frozen=True):
    """What became of a message; said only after it is durable. At most a hundred problems are told."""

    accepted: int
    duplicates: int
    findings: int
    problems: list[Flaw]


class Progress(Said, frozen=True):
    """How far a stream has come: `lines` of it are durable; problems are those of the last batch, at most a hundred."""

    lines: int
    accepted: int
    duplicates: int
    findings: int
    problems: list[Flaw]
    done: bool


class PushedEvent(Struct, frozen=True):
    """One fact; a later one with the same source and key replaces it."""

    source: str
    key: str
    signal: str
    area: str
    reference_time: str
    report_time: str | UnsetType = UNSET  # absent: the moment of arrival
    value: float | UnsetType | None = UNSET  # absent: one case; 0 withdraws a count, null a measurement
    imported: Literal["yes", "no", "unknown"] | UnsetType = UNSET
