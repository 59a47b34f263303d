"""HL7 v2 as senders write it that were set up in a hurry: wrong character sets, lost fields, text over many lines."""

import pytest

from tables import NOW, codes, events, findings, read, settings
from tocsin.ingest.hl7 import Piece, take_apart
from tocsin.ingest.hl7_charset import read_text
from tocsin.ingest.hl7_oru import positive

ADT = settings(
    """
[sources.mapping]
area = "PID-11.9"
classify = { text = ["OBX[8661-1]", "PV2-3.2"], codes = ["DG1[*]-3"], signals = { ili = "flu" } }
""",
    'format = "hl7-adt"',
)
ORU = settings(
    """
[sources.mapping]
area = "PID-11.9"
signal = { column = "code", map = { "94500-6" = "flu" }, others = "ignore" }
value = "positive"
""",
    'format = "hl7-oru"',
)
HOUR = 3_600_000_000


def visit(
    kind="A04", said="fever and cough", sent="202603020840", came="202603020830", charset="", evn="202603020835", **more
) -> str:
    """One visit of a made-up hospital."""
    return (
        f"MSH|^~\\&|HIS|East|CDC|City|{sent}||ADT^{kind}|7|P|2.4||||||{charset}\r"
        f"EVN|{kind}|{evn}\r"
        f"PID|1||88^^^East^MR||{more.get('name', 'Doe^Jane')}||19800101|F|||{'^' * 8}11\r"
        f"PV1|1|E|{'|' * 16}{more.get('number', 'v1')}{'|' * 25}{came}\r"
        f"OBX|1|TX|8661-1^Chief complaint^LN||{said}||||||F\r"
    )


def sent(text: str | bytes, city=ADT):
    return read(text.encode() if isinstance(text, str) else text, city)


@pytest.mark.parametrize(
    ("declared", "encoding", "wrong"),
    [
        ("8859/1", "gb18030", True),
        ("ISO-8859-1", "gbk", True),
        ("8859/15", "gb18030", True),
        ("WINDOWS-1252", "gb18030", True),
        ("GB 18030-2000", "utf-8", True),
        ("GBK", "utf-8", True),
        ("UNICODE UTF-8", "gbk", True),
        ("UNICODE", "utf-8", False),
        ("ASCII~UNICODE UTF-8", "utf-8", False),
        ("~GB 18030-2000", "gb18030", False),
        ("ISO IR6", "gb18030", True),
    ],
)
def test_chinese_under_any_declaration_is_read(declared: str, encoding: str, wrong: bool) -> None:
    items = sent(visit(said="发热3天伴咳嗽", charset=declared).encode(encoding))
    assert [e.value for e in events(items)] == [1]
    assert codes(items) == (["wrong-charset"] if wrong else [])


@pytest.mark.parametrize(
    ("declared", "encoding"), [("8859/1", "latin-1"), ("8859/2", "iso8859-2"), ("8859/5", "iso8859-5"), ("", "latin-1")]
)
def test_letters_with_accents_are_not_taken_for_chinese(declared: str, encoding: str) -> None:
    words = {"latin-1": "Fièvre élevée, Größe", "iso8859-2": "Dušan Šranko", "iso8859-5": "лихорадка"}[encoding]
    raw = visit(said="flu", name=f"{words}^x", charset=declared).encode(encoding)
    message, odd = take_apart(Piece(1, raw), "auto")
    assert message.value("PID-5") == words
    assert bool(odd) == (declared == "")  # nothing was declared, and it is not ASCII


def test_bytes_at_the_end_of_a_segment_are_kept() -> None:
    for encoding, name in (("utf-8", "王仿"), ("utf-8", "忻"), ("gbk", "小伙"), ("gbk", "张忿")):
        raw = f"MSH|^~\\&|x\rPID|1||2||{name}\r".encode(encoding)
        message, _ = take_apart(Piece(1, raw), "auto")
        read_ = sent(visit(said="发热咳嗽").replace("||||||F\r", f"\rNTE|1||{name}\r").encode(encoding))
        assert message.value("PID-5") == name
        assert codes(read_) == []
        assert [e.value for e in events(read_)] == [1]


def test_a_letter_cut_in_two_costs_itself() -> None:
    raw = visit(said="发热咳嗽", name="张丽华", charset="UNICODE UTF-8").encode()
    items = sent(raw.replace("华".encode(), "华".encode()[:2]))
    assert [e.value for e in events(items)] == [1]
    assert codes(items) == ["wrong-charset"]
    assert "cut in two" in findings(items)[0].message


def test_no_bytes_of_a_message_are_refused_by_the_wrong_reason() -> None:
    assert read_text(b"\xff\xff", "", "auto") is None
    assert read_text(b"fever", "KLINGON", "auto") == ("fever", "ascii", "", False)


def test_text_over_several_lines_is_one_text() -> None:
    items = sent(visit(said="Patient states:\nhas had fever\n  since monday\nand COUGH"))
    assert [e.value for e in events(items)] == [1]
    crlf = visit(said="fever\nPV2 was not seen\ncough").replace("\r", "\r\n")
    assert [e.value for e in events(sent(crlf))] == [1]


def test_a_note_of_very_many_lines_is_read_in_the_time_of_its_length() -> None:
    items = sent(visit(said="fever cough\n" + "x\n" * 300_000))
    assert len(events(items)) == 1


def test_an_arrival_that_does_not_say_when_came_when_it_was_recorded() -> None:
    plain, bare = events(sent(visit())), events(sent(visit(came="")))
    assert bare[0].reference_time - plain[0].reference_time == 5 * 60_000_000
    assert bare[0].key == plain[0].key
    assert codes(sent(visit("A08", came=""))) == ["empty-required"]  # when an update was recorded is no arrival
    assert [e.value for e in events(sent(visit() + visit("A11", came="", sent="202603021000")))] == [1, 0]


def test_a_message_without_its_time_was_known_when_it_came() -> None:
    (event,) = events(sent(visit(sent="")))
    assert event.report_time == NOW


@pytest.mark.parametrize("kind", ["A02", "A06", "A07", "A12", "A13"])
def test_moves_and_what_takes_them_back_are_of_the_visit(kind: str) -> None:
    items = events(sent(visit() + visit(kind, said="ankle sprain", sent="202603021000")))
    assert [e.value for e in items] == [1, 0]
    assert items[0].key == items[1].key


@pytest.mark.parametrize("kind", ["A05", "A28", "A31"])
def test_what_speaks_of_no_visit_is_told(kind: str) -> None:
    items = sent(visit(kind) + visit(number="v2"))
    assert codes(items) == ["unknown-message"]
    assert len(events(items)) == 1


def test_the_zone_of_the_message_is_that_of_its_times() -> None:
    here = events(sent(visit()))[0]
    there = events(sent(visit(sent="202603020840+0900")))[0]
    assert here.reference_time - there.reference_time == HOUR
    assert here.report_time - there.report_time == HOUR
    own = events(sent(visit(sent="202603020940+0900", came="202603020830+0800")))[0]
    assert own.reference_time == here.reference_time
    day = events(sent(visit(sent="202603020840+0900", came="20260302")))[0]
    assert day.reference_time == here.reference_time - int(8.5 * HOUR)  # a day has no zone


@pytest.mark.parametrize(
    ("segment", "path", "found"),
    [
        ('OBX|1|CWE|8661-1^^LN||""', "OBX[8661-1]", ""),
        ("OBX|1|TX|8661-1^^LN||^^^^^^^^hot", "OBX[8661-1]", "hot"),
        ("OBX|1|ST|8661-1^^LN||hot & cold", "OBX-5", "hot & cold"),
        ("PV2|||^FEVER & COUGH", "PV2-3.2", "FEVER & COUGH"),
        ("DG1|1||R50^FEVER&COUGH^I10", "DG1-3.2", "FEVER&COUGH"),
        ("PV1|1||A^B^C^EAST&1.2&ISO", "PV1-3.4", "EAST"),
        ("OBX|1|SN|20569-4^^LN||^1^:^128", "OBX-5", "1:128"),
        ("OBX|1|SN|20569-4^^LN||>^100", "OBX-5", ">100"),
        ("OBX|1|SN|20569-4^^LN||^12.5", "OBX-5", "12.5"),
        ("OBX|1|SN|20569-4^^LN||=^12", "OBX-5", "12"),
        ("OBX|1|TX|8661-1^^LN||a\\.in+4\\b\\.sk3\\c\\.sp+2\\d", "OBX[8661-1]", "abc\nd"),
    ],
)
def test_values_as_senders_write_them(segment: str, path: str, found: str) -> None:
    message, _ = take_apart(Piece(1, f"MSH|^~\\&|\r{segment}".encode()), "auto")
    assert message.value(path) == found


@pytest.mark.parametrize(
    ("said", "flag", "kind", "found"),
    [
        ("No virus detected", "", "ST", "0"),
        ("No growth after 5 days", "", "TX", "0"),
        ("No Salmonella, Shigella or Campylobacter isolated", "", "TX", "0"),
        ("HIV antibody: Non Reactive", "", "ST", "0"),
        ("Not isolated", "", "ST", "0"),
        ("None seen", "", "ST", "0"),
        ("below the limit of detection", "", "ST", "0"),
        ("Presumptive Positive", "", "ST", "1"),
        ("weakly reactive", "", "ST", "1"),
        ("Salmonella isolated", "", "ST", "1"),
        ("Flu A not detected, flu B detected", "", "ST", ""),
        ("Indeterminate", "A", "CWE", ""),
        ("Inconclusive", "POS", "ST", ""),
        ("Haemophilus influenzae", "H", "CE", "1"),
        ("Haemophilus influenzae", "", "CE", ""),
        ("Normal flora", "N", "CWE", "0"),
        ("8.5", "H", "NM", ""),
        ("0.4", "NR", "NM", "0"),
        ("", "A", "CWE", ""),
        ("弱阳性", "", "ST", "1"),
        ("可疑", "", "ST", ""),
        ("未见细菌生长", "", "ST", "0"),
        ("无反应性", "", "ST", "0"),
        ("反应性", "", "ST", "1"),
        ("检测到", "", "ST", "1"),
        ("未检测到", "", "ST", "0"),
        ("(-)", "", "ST", "0"),
        ("1+", "", "ST", "1"),
        ("（＋）", "", "ST", "1"),
        ("±", "", "ST", ""),
        ("+/-", "", "ST", ""),
    ],
)
def test_results_in_words(said: str, flag: str, kind: str, found: str) -> None:
    assert positive("", said, flag, kind) == found


def results(*lines: str, order: str = "f1") -> str:
    return (
        f"MSH|^~\\&|LIS|Lab^7^CLIA|||202603031200||ORU^R01|m|P|2.3.1\rPID|1||x{'|' * 8}{'^' * 8}12\r"
        f"OBR|1||{order}|panel|||20260302\r" + "".join(f"{line}\r" for line in lines)
    )


def test_the_loinc_code_counts_wherever_it_stands() -> None:
    first = results("OBX|1|ST|94500-6^Virus^LN^V^virus^L||Detected")
    second = results("OBX|1|ST|V^virus^L^94500-6^Virus^LN||Detected")
    assert [e.signal for e in events(sent(first + second, ORU))] == ["flu", "flu"]


def test_results_of_one_code_in_one_order_are_told_apart() -> None:
    text = results("OBX|1|ST|94500-6^^LN||Detected", "OBX|2|ST|94500-6^^LN||Not detected", "OBX|3|ST|1-8||x")
    items = events(sent(text + text, ORU))
    assert [e.value for e in items] == [1, 0, 1, 0]
    assert len({e.key for e in items}) == 2  # the message again is the same two


def test_an_order_is_known_by_its_specimen_where_it_has_no_number() -> None:
    text = results("OBX|1|ST|94500-6^^LN||Detected", "SPM|1|P1&x^S9&y||NP", order="")
    assert len(events(sent(text, ORU))) == 1
    assert codes(sent(results("OBX|1|ST|94500-6^^LN||Detected", order=""), ORU)) == ["empty-required"]


def test_results_without_an_order_and_after_their_specimen_are_results() -> None:
    bare = results("OBX|1|ST|94500-6^^LN||Detected").replace("OBR|1||f1|panel|||20260302\r", "")
    assert [(f.code, f.field) for f in findings(sent(bare, ORU))] == [("empty-required", "order")]
    late = results("OBX|0|RP|11502-2^^LN||a.pdf", "SPM|1|||NP", "OBX|1|ST|94500-6^^LN||Detected")
    assert [e.value for e in events(sent(late, ORU))] == [1]
    of_the_specimen = results("OBX|1|ST|94500-6^^LN||Detected", "SPM|1|||NP", "OBX|2|ST|94500-6^^LN||Detected")
    assert len(events(sent(of_the_specimen, ORU))) == 1
