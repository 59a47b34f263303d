"""Messages that their sender marks as tests: they count, and a finding says so, unless the mapping decides. Pure.

HL7 v2.5.1, table 0103: MSH-11 is P (production), T (training) or D (debugging). FHIR R4: meta.security or meta.tag has
HTEST of v3-ActReason. Many who send in earnest have left the mark as it was when the feed was set up, and a hospital
that is not counted is worse than a test that is: so the mark alone leaves nothing out, `only` does.
"""

from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Broken
from tocsin.ingest.json_docs import pointed

HL7 = "MSH-11"
FHIR = "/meta/"  # with which the columns begin that speak of the mark
_MARK = "HTEST"
_CALLED = {"T": "training", "D": "debugging"}


class Marks:
    """What is told of one delivery's marks: each once. Nothing where `only` speaks of them, or of a sample."""

    def __init__(self, source: SourceTable, column: str) -> None:
        self._told: set[str] = set()
        self._judged = source.mapping is None or any(c.startswith(column) for c in source.mapping.only)

    def of_message(self, processing: str, line: int, raw: bytes) -> tuple[Broken, ...]:
        """A note about an HL7 message by its MSH-11; none for one in earnest."""
        called = _CALLED.get(processing.upper())
        if called is None:
            return ()
        message = (
            f"MSH-11 is {processing}, so its sender calls it {called}; it is counted all the same, and so are others "
        )
        message += (
            'of this delivery. Have P written when it is in earnest. To leave tests out: only = { "MSH-11" = "P" }'
        )
        return self._once(Broken(line, "test-message", message, raw[:RAW], HL7, processing))

    def of_resource(self, line: int, raw: bytes) -> tuple[Broken, ...]:
        """A note about a FHIR resource that is marked."""
        message = (
            "it is marked as test data (meta.security HTEST, its own or its patient's); it is counted all the same, "
        )
        message += (
            "and so are others of this delivery. Have it sent without the mark when it is in earnest. To leave tests "
        )
        message += 'out: only = { "/meta/security/0/code" = "" }'
        return self._once(Broken(line, "test-message", message, raw[:RAW], "meta", _MARK))

    def _once(self, note: Broken) -> tuple[Broken, ...]:
        if self._judged or note.value in self._told:
            return ()
        self._told.add(note.value)
        return (note,)


def is_test(resource: Any) -> bool:
    """Whether a FHIR resource says of itself that it is test data."""
    for name in ("security", "tag"):
        marks = pointed(resource, f"/meta/{name}")
        if isinstance(marks, list) and any(pointed(m, "/code") == _MARK for m in marks):
            return True
    return False
