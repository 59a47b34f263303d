"""MLLP frames come out the same however the bytes are cut, whatever stands between them, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin.feed.frames import END, HEAD, START, Frame, Frames
from tocsin.feed.hl7_ack import acknowledge, header

contents = st.binary(max_size=40).map(lambda b: b.replace(b"\x0b", b"").replace(b"\x1c", b""))
between = st.binary(max_size=10).map(lambda b: b.replace(b"\x0b", b""))


def feed(frames: Frames, data: bytes, cuts: list[int]) -> list[Frame]:
    found, at = [], 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        found += frames.feed(data[at:cut])
        at = cut
    return found


@given(st.lists(st.tuples(between, contents)), st.lists(st.integers(0, 10_000)))
def test_whatever_way_it_is_cut(said: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    data = b"".join(junk + START + content + END for junk, content in said)
    assert feed(Frames(1000), data, cuts) == [Frame(content) for _, content in said]


@given(contents, contents, st.lists(st.integers(0, 10_000)))
def test_a_torn_message_does_not_take_the_next_with_it(torn: bytes, whole: bytes, cuts: list[int]) -> None:
    frames = Frames(1000)
    assert feed(frames, START + torn + START + whole + END, cuts) == [Frame(whole)]
    assert frames.garbage == len(torn)


@given(st.integers(0, 3), st.lists(st.integers(0, 10_000)))
def test_a_message_that_is_too_long_leaves_its_head_and_nothing_else(over: int, cuts: list[int]) -> None:
    long = bytes(range(0x20, 0x7F)) * 60
    frames = Frames(len(long) - 1 - over)
    data = START + long + END + START + b"next" + END
    assert feed(frames, data, cuts) == [Frame(long[:HEAD], too_long=True), Frame(b"next")]


def test_memory_is_bounded_by_the_limit_however_much_comes() -> None:
    frames = Frames(10_000)
    assert frames.feed(START) == []
    for _ in range(200):
        assert frames.feed(b"x" * 5_000) == []
        assert len(frames._held) <= 20_000
    assert frames.feed(END) == [Frame(b"x" * HEAD, too_long=True)]
    for _ in range(200):
        assert frames.feed(b"y" * 5_000) == []
        assert not frames._held
    assert frames.garbage == 1_000_000


def test_an_end_without_its_return_is_taken_when_a_message_begins_after_it() -> None:
    assert Frames(99).feed(START + b"a\x1cb\x1c" + START + b"c" + END) == [Frame(b"a\x1cb"), Frame(b"c")]


def test_an_answer_never_ends_in_its_middle() -> None:
    """What is repeated of a message (MSH-10 before all) may hold a byte of the framing."""
    asked = header(b"MSH|^~\\&|E\x1cD|East|T|CDC|20260302||ADT^A04|C1\x1c|P|2.5.1\rPID|1\r")
    (answer,) = acknowledge(asked, "A", "", "20260302", "T1")
    assert Frames(1000).feed(START + answer + END) == [Frame(answer)]
    assert b"MSA|AA|C1\r" in answer


def test_half_a_letter_is_no_separator() -> None:
    """With it the line would be one field, and its header none."""
    assert header(b"MSH\x841\x953~\\&|ED|East^99^NPI|TOCSIN|CDC|20260302||ADT^A04|C1|P|2.5.1\r") is None
