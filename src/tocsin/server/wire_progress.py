"""What the server says of the work it does before its first beat. Pure."""

from typing import Literal

from tocsin.server.said import Said, Step


class Progress(Said, frozen=True):
    """Records are taken in (bytes), or days of the past are judged one by one; `day`: the last that was."""

    part: Literal["records", "days"]
    done: int
    total: int
    day: Step | None
