"""Messages that their sender marks as tests or training: nobody is ill, so they are findings and no cases. Pure.

HL7 v2.5.1, table 0103: MSH-11 is P (production), T (training) or D (debugging). FHIR R4: meta.security or meta.tag has
HTEST of v3-ActReason. A mapping whose `only` speaks of the mark decides for itself.
"""

from typing import Any

from tocsin.config import SourceTable
from tocsin.ingest.contract import RAW, Broken
from tocsin.ingest.json_docs import pointed

HL7 = "MSH-11"
FHIR = "/meta/"  # with which the columns begin that speak of the mark
_MARK = "HTEST"
_CALLED = {"T": "training", "D": "debugging"}


def judged(source: SourceTable, column: str) -> bool:
    """Whether the mapping says itself which marks are taken; so does a sample, which has no mapping yet."""
    return source.mapping is None or any(c.startswith(column) for c in source.mapping.only)


def of_message(processing: str, line: int, raw: bytes) -> Broken | None:
    """The finding about an HL7 message by its MSH-11, None for one in earnest."""
    called = _CALLED.get(processing.upper())
    if called is None:
        return None
    message = f"MSH-11 is {processing}, so it is for {called} and no case. Have the sender write P; or, while you try "
    message += f'the feed, let the mapping take it: only = {{ "MSH-11" = ["P", "{processing}"] }}'
    return Broken(line, "test-message", message, raw[:RAW], HL7, processing)


def is_test(resource: Any) -> bool:
    """Whether a FHIR resource says of itself that it is test data."""
    for name in ("security", "tag"):
        marks = pointed(resource, f"/meta/{name}")
        if isinstance(marks, list) and any(pointed(m, "/code") == _MARK for m in marks):
            return True
    return False


def of_resource(line: int, raw: bytes) -> Broken:
    """The finding about a FHIR resource that is test data."""
    message = "it is marked as test data (meta.security HTEST, its own or its patient's), so it is no case. Have it "
    message += "sent without the mark; or, while you try the feed, let the mapping take it: "
    message += 'only = { "/meta/security/0/code" = ["HTEST", ""] }'
    return Broken(line, "test-message", message, raw[:RAW], "meta", _MARK)
