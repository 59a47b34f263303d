"""HL7 v2: visits that are told many times, laboratory results, and all that senders do to the text."""

from zoneinfo import ZoneInfo

import pytest

from tables import NOW, codes, events, findings, read, settings
from tocsin.ingest.dates import Dates
from tocsin.ingest.hl7 import Piece, pieces, take_apart
from tocsin.types import Event, Finding

CLASSIFY = """
[sources.mapping]
area = "PID-11.9"
classify = { text = ["OBX[8661-1]"], codes = "DG1[*]-3", signals = { ili = "flu" } }
"""
ADT = settings(CLASSIFY, 'format = "hl7-adt"')

ORU_MAPPING = """
[sources.mapping]
area = "PID-11.9"
signal = { column = "code", map = { "94500-6" = "flu" }, others = "ignore" }
value = "positive"
"""
ORU = settings(ORU_MAPPING, 'format = "hl7-oru"')


def adt(kind="A04", told="202603020840", complaint="fever and cough", visit="v1", charset="", marks="|^~\\&", **more):
    """A message as an emergency department sends it, made up."""
    f, c = marks[0], marks[1]
    head = ["MSH", marks[1:], "", f"East{c}99{c}NPI", "", "", told, "", f"ADT{c}{kind}{c}ADT_A01", "m", "P", "2.5.1"]
    head += [""] * 5 + [charset]
    segments = [
        head,
        ["EVN", "", told, "", "", "", "", f"East{c}99{c}NPI"],
        ["PID", "1", "", f"33333{c}{c}{c}{c}MR", "", f"Doe{c}Jane", "", "19800101", "F", "", "", f"{c * 8}11"],
        ["PV1", "1", *[""] * 17, f"{visit}{c}{c}{c}{c}VN", *[""] * 24, more.get("admitted", "202603020830")],
        ["DG1", "1", "", f"{more.get('diagnosis', '')}{c}{c}I10"],
        ["OBX", "1", "CWE", f"8661-1{c}Chief complaint{c}LN", "", f"{c * 8}{complaint}", "", "", "", "", "", "F"],
    ]
    return "\r".join(f.join(s) for s in segments) + "\r"


def said(text: str | bytes, city=ADT) -> list[Event | Finding]:
    return read(text.encode() if isinstance(text, str) else text, city)


def test_a_visit_told_many_times_is_one_key_with_the_messages_times() -> None:
    stream = adt() + adt("A08", "202603021000", "ankle sprain") + adt("A03", "202603021200", "flu-like illness")
    items = events(said(stream))
    assert [e.value for e in items] == [1, 0, 1]
    assert len({e.key for e in items}) == 1
    minutes = [(e.report_time - items[0].report_time) // 60_000_000 for e in items]
    assert minutes == [0, 80, 200]
    assert {e.reference_time for e in items} == {items[0].report_time - 10 * 60_000_000}
    assert {e.area for e in items} == {"11"}


def test_a_cancelled_visit_is_withdrawn() -> None:
    assert [e.value for e in events(said(adt() + adt("A11", "202603021000")))] == [1, 0]


def test_nothing_of_the_person_is_in_an_event_or_a_shown_value() -> None:
    items = said(adt() + adt(admitted="never"))
    for item in items:
        shown = repr(item._replace(raw=b"") if isinstance(item, Finding) else item)
        assert not any(word in shown for word in ("Doe", "Jane", "33333", "19800101"))
    assert codes(items) == ["bad-date"]
    assert b"Jane" in findings(items)[0].raw  # the quarantine keeps the message itself


def test_visits_without_a_number_do_not_become_one_visit() -> None:
    items = said(adt(visit="") + adt(visit=""))
    assert codes(items) == ["empty-required"] * 2
    assert {f.field for f in findings(items)} == {"PV1-19"}
    assert not events(items)


def test_the_public_test_case_reads(  # a message from NIST's public test cases, as the house's conventions quote it
) -> None:
    text = (
        "MSH|^~\\&||LakeMichMC^9879874000^NPI|||201204020040||ADT^A03^ADT_A03|NIST-SS-003.32|P|2.5.1"
        "|||||||||PH_SS-NoAck^SS Sender^2.16.840.1.114222.4.10.3^ISO\r"
        "EVN||201204020030|||||LakeMichMC^9879874000^NPI\r"
        "PID|1||33333^^^^MR||^^^^^^~^^^^^^S|||F||2106-3^^CDCREC|^^^^53217^^^^55089|||||||||||2186-5^^CDCREC\r"
        "PV1|1||||||||||||||||||33333_001^^^^VN|||||||||||||||||09||||||||201204012130\r"
        "DG1|1||0074^Cryptosporidiosis^I9CDX|||F\r"
        "OBX|2|NM|21612-7^^LN||45|a^^UCUM|||||F\r"
        "OBX|3|CWE|8661-1^^LN||^^^^^^^^Diarrhea, stomach pain, dehydration||||||F\r"
    )
    city = settings(CLASSIFY.replace("ili", "gi"), 'format = "hl7-adt"')
    kept, event = said(text, city)
    assert isinstance(event, Event)
    assert isinstance(kept, Finding)
    assert (kept.code, kept.value, event.value) == ("unknown-area", "55089", 1)
    message, _ = take_apart(next(pieces(iter([text.encode()]))), "auto")
    assert message.value("OBX[21612-7]") == "45"
    assert message.value("PID-11.5") == "53217"
    assert message.value("PV1-36") == "09"
    assert message.value("DG1-3.2") == "Cryptosporidiosis"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: "\x0b" + m + "\x1c\r",
        lambda m: m.replace("\r", "\n"),
        lambda m: m.replace("\r", "\r\n"),
        lambda m: "FHS|^~\\&|\rBHS|^~\\&|\r" + m + "BTS|1\rFTS|1\r",
        lambda m: "\ufeff" + m,
        lambda m: "\r\n\r\n" + m,
    ],
)
def test_frames_batches_and_line_ends(wrap) -> None:
    assert said(wrap(adt())) == events(said(adt()))


def test_a_batch_that_lost_messages_is_told() -> None:
    items = said("BHS|^~\\&|\r" + adt() + "BTS|2\r")
    assert codes(items) == ["batch-count"]
    assert len(events(items)) == 1


def test_other_delimiters() -> None:
    assert events(said(adt(marks="$#*!%"))) == events(said(adt()))


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("a\\T\\b", "a&b"),
        ("a\\F\\b\\S\\c\\R\\d\\E\\e", "a|b^c~d\\e"),
        ("\\H\\fever\\N\\", "fever"),
        ("a\\.br\\b", "a\nb"),
        ("\\X41\\\\X42\\", "AB"),
        ("\\Zzz\\x", "\\Zzz\\x"),
        ("50\\ off", "50\\ off"),
        ("\\XZZ\\", "\\XZZ\\"),
    ],
)
def test_escapes(written: str, read_as: str) -> None:
    message, _ = take_apart(Piece(1, adt(complaint=written).encode()), "auto")
    assert message.value("OBX[8661-1]") == read_as


@pytest.mark.parametrize(
    ("segment", "read_as"),
    [
        ("OBX|1|TX|8661-1^^LN||fever^x & cough", "fever^x & cough"),
        ("OBX|1|CWE|8661-1^^LN||^fever", "fever"),
        ("OBX|1|CWE|8661-1^^LN||R50^Fever^I10^^^^^^feels hot", "feels hot"),
        ("OBX|1||8661-1^^LN||^^^^^^^^hot~^^^^^^^^cough", "hot; cough"),
        ("OBX|1|CWE|8661-1^^LN||", ""),
        ("OBX|1|CWE|X^^L^8661-1^^LN||^fever", "fever"),
    ],
)
def test_the_complaint_as_senders_write_it(segment: str, read_as: str) -> None:
    message, _ = take_apart(Piece(1, f"MSH|^~\\&|\r{segment}".encode()), "auto")
    assert message.value("OBX[8661-1]") == read_as


@pytest.mark.parametrize(
    ("charset", "sent", "finding"),
    [
        ("UNICODE UTF-8", "utf-8", []),
        ("GB 18030-2000", "gb18030", []),
        ("", "utf-8", []),
        ("", "gb18030", []),
        ("UNICODE UTF-8", "gb18030", ["wrong-charset"]),
        ("ASCII", "utf-8", ["wrong-charset"]),
        ("8859/1", "utf-8", ["wrong-charset"]),
        ("KLINGON", "gb18030", ["wrong-charset"]),
    ],
)
def test_character_sets_declared_rightly_and_wrongly(charset: str, sent: str, finding: list[str]) -> None:
    raw = adt(complaint="发热伴咳嗽两天", charset=charset).encode(sent)
    items = said(raw)
    assert codes(items) == finding
    assert [e.value for e in events(items)] == [1]
    for f in findings(items):
        assert f.kept
        assert f.field == "MSH-18"
        assert f.raw == raw.rstrip(b"\r")
        assert f.key == events(items)[0].key


def test_text_in_no_known_set_is_set_aside_alone() -> None:
    items = said(
        adt().encode()
        + adt(visit="v2", complaint="X", charset="UNICODE UTF-8").encode().replace(b"X", b"\xff\xff")
        + adt(visit="v3").encode()
    )
    assert codes(items) == ["bad-encoding"]
    assert findings(items)[0].line == 7
    assert len(events(items)) == 2


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("MSH|^^^^|x\r", "bad-hl7", 1),
        ("MSH\r", "bad-hl7", 1),
        ("MSHABCDEFGHI\r", "bad-hl7", 1),
        ("PID|1\r", "bad-hl7", 1),
        (adt("A99"), "unknown-message", 1),
        (adt().replace("ADT^", "ORM^"), "unknown-message", 1),
    ],
)
def test_what_is_no_visit(text: str, code: str, line: int) -> None:
    items = said(text + adt(visit="v9"))
    assert codes(items)[0] == code
    assert findings(items)[0].line == line
    assert len(events(items)) == 1


def test_a_message_without_an_end_costs_itself() -> None:
    items = said(adt() + "MSH|^~\\&|\r" + "ZZZ|x\r" * 300_000 + adt(visit="v2"))
    assert codes(items) == ["too-long"]
    assert len(events(items)) == 2


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("2026030208", 0),
        ("202603020830", 30 * 60),
        ("20260302083015", 30 * 60 + 15),
        ("20260302083015.25+0800", 30 * 60 + 15.25),
        ("202603020030+0000", 30 * 60),
    ],
)
def test_times_of_hl7(written: str, micros: float) -> None:
    tz = ZoneInfo("Asia/Shanghai")
    eight = Dates(tz, [], NOW).read("2026-03-02T08:00").start
    assert Dates(tz, [], NOW).read(written).start == eight + int(micros * 1_000_000)


def oru(
    result="10828004^Detected^SCT", status="F", kind="CWE", code="94500-6", filler="f1", told="202603031200", flag=""
):
    return (
        f"MSH|^~\\&||Lab^7^CLIA|||{told}||ORU^R01^ORU_R01|m|P|2.5.1\r"
        "PID|1||x^^^^MR||Doe^Jane||||||^^^^^^^^12\r"
        f"ORC|RE|p1|{filler}\rOBR|1|p1|{filler}|94500-6^SARS-CoV-2^LN|||20260302\r"
        f"OBX|1|{kind}|{code}^test^LN||{result}|||{flag}|||{status}\r"
        "SPM|1|||NP|||||||||||||202603020900\r"
        "OBX|2|ST|35659-2^Age^LN||7\r"
    )


@pytest.mark.parametrize(
    ("result", "kind", "flag", "value"),
    [
        ("10828004^Positive^SCT", "CWE", "", 1),
        ("260415000^Not detected^SCT", "CWE", "", 0),
        ("Detected", "ST", "A", 1),
        ("NOT DETECTED", "ST", "N", 0),
        ("阳性(+)", "ST", "", 1),
        ("未检出", "ST", "", 0),
        ("＋＋", "ST", "", 1),
        ("-", "ST", "", 0),
        ("12.5", "NM", "POS", 1),
        ("Non-reactive", "ST", "", 0),
    ],
)
def test_results(result: str, kind: str, flag: str, value: float) -> None:
    (event,) = said(oru(result, kind=kind, flag=flag), ORU)
    assert isinstance(event, Event)
    assert (event.value, event.area, event.signal) == (value, "12", "flu")


def test_a_result_that_says_neither_is_a_finding() -> None:
    (found,) = said(oru("Indeterminate", kind="ST"), ORU)
    assert isinstance(found, Finding)
    assert (found.code, found.field) == ("empty-required", "positive")


def test_results_are_upserted_by_filler_number_and_test() -> None:
    items = events(said(oru() + oru("260415000", told="202603041200", status="C") + oru(filler="f2"), ORU))
    assert [e.value for e in items] == [1, 0, 1]
    assert items[0].key == items[1].key != items[2].key
    assert [e.value for e in events(said(oru() + oru(status="W", told="202603041200"), ORU))] == [1, 0]
    assert said(oru(code="1-8"), ORU) == []  # none of ours, and the mapping says so


def test_the_specimen_is_when_it_happened() -> None:
    (event,) = said(oru(), ORU)
    assert isinstance(event, Event)
    nine = Dates(ZoneInfo("Asia/Shanghai"), [], NOW).read("2026-03-02T09:00").start
    assert event.reference_time == nine


def test_a_message_of_very_many_results_is_read_in_the_time_of_its_length() -> None:
    results = "".join(f"OBX|{i}|ST|94500-6^^LN|{i}|maybe\r" for i in range(4_000))
    items = said(
        "MSH|^~\\&||Lab|||202603031200||ORU^R01|\r" + "ZZZ|\r" * 60_000 + f"OBR|1||f||||20260301\r{results}", ORU
    )
    assert codes(items).count("empty-required") == 4_000
    assert sum(len(f.raw) for f in findings(items)) < 2_000_000


def test_messages_sent_to_a_table_are_told_what_they_are() -> None:
    (found,) = findings(said(adt(), settings()))
    assert found.code == "not-a-table"
    assert "hl7-adt" in found.message
