"""Acknowledgements to senders that ask for them in ways of their own."""

import pytest

from tocsin.feed.hl7_ack import acknowledge, header


def answers(kind: str = "ADT^A04", modes: str = "|", verdict="A") -> list[bytes]:
    asked = header(f"MSH|^~\\&|a|b|c|d|2026||{kind}|7|P|2.5.1||{'|' + modes}\r".encode())
    return acknowledge(asked, verdict, "why", "20260302", "n")


@pytest.mark.parametrize(
    ("modes", "codes"),
    [
        ("|", [b"AA"]),
        ("AL|NE", [b"CA"]),
        ("NE|NE", []),
        ("al|ne", [b"CA"]),
        ('""|""', [b"AA"]),
        ("Y|Y", [b"AA"]),
        (" AL |AL", [b"CA", b"AA"]),
    ],
)
def test_modes_that_are_none_ask_for_the_original_one(modes: str, codes: list[bytes]) -> None:
    assert [a.split(b"\rMSA|")[1].split(b"|")[0] for a in answers(modes=modes)] == codes


@pytest.mark.parametrize(("kind", "code"), [("ADT^A40", b"201^"), ("SIU^S12", b"200^")])
def test_what_is_not_taken_is_told_by_type_or_by_event(kind: str, code: bytes) -> None:
    (said,) = answers(kind, verdict="R")
    assert b"|AR|" not in said.split(b"\r")[0]
    assert b"MSA|AR|7|why" in said
    assert b"ERR|||" + code in said
