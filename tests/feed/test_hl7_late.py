"""An interface that was set up two hours ago: old messages, a wrong character set, line feeds, and what it is told."""

from pathlib import Path

from feed.lines import NOW, VISITS, city, go, running, stored, until, up
from feed.test_mllp import MLLP, Line, line
from tocsin.feed.frames import END, START
from tocsin.feed.hl7_ack import acknowledge, header
from tocsin.ingest.hl7 import Piece, take_apart

CLASSIFIED = VISITS.replace('signal = "ed.ili"', 'classify = { text = "OBX[8661-1]", signals = { ili = "ed.ili" } }')
HOUR = 3_600_000_000


def late(control: str, said: str, told: str = "20260302160000") -> bytes:
    """A message of two hours ago, by its own clock in its own zone, in GBK and in lines, which says it is Latin."""
    segments = [
        f"MSH|^~\\&|急诊|东院|CDC|市|{told}||ADT^A04|{control}|P|2.4||||||8859/1",
        f"EVN|A04|{told}",
        f"PID|1||33||小伙||19800101|M|||{'^' * 8}11",
        f"PV1|1|E|{'|' * 16}{control}{'|' * 25}",
        f"OBX|1|TX|8661-1^主诉^L||{said}",
    ]
    return "\n".join(segments).encode("gbk")


async def told(one: Line) -> list[str]:
    """MSA of the next answer."""
    said = (await one.reader.readuntil(END)).decode("gbk")
    return said.split("\rMSA|")[1].split("\r")[0].split("|")


def test_an_hour_of_old_messages_in_a_wrong_set_is_taken_and_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(city(tmp_path, CLASSIFIED, MLLP)) as (site, feeds):
            await until(up(site))
            async with line(feeds) as one:
                one.send(late("a", "发热3天\n伴咳嗽"), late("b", "否认发热、咳嗽，腹泻"))
                assert [await told(one) for _ in range(2)] == [["AA", "a"], ["AA", "b"]]
                one.writer.write(START + late("c", "发热咳嗽") + END[:1] + START + late("d", "发热", "") + END)
                assert await told(one) == ["AA", "c"]
                assert (await told(one))[:2] == ["AE", "d"]  # neither when it came nor when it was sent
            assert stored(site)[0] == 3
            db = site.desk.store.db
            assert [r[0] for r in db.execute("SELECT value FROM event ORDER BY value")] == [0, 1, 1]
            times = {tuple(r) for r in db.execute("SELECT reference_time, report_time FROM event")}
            assert times == {(NOW - 2 * HOUR, NOW - 2 * HOUR)}
            codes = [r[0] for r in db.execute("SELECT code FROM finding ORDER BY code")]
            assert set(codes) == {"wrong-charset", "empty-required"}

    go(main)


def test_a_letter_with_the_separators_byte_in_it_moves_no_field() -> None:
    raw = "MSH|^~\\&|急诊東|东院|CDC|市|20260302||ADT^A04|C7|P|2.4||||||GBK\rPID|1||||東\r".encode("gbk")
    assert raw.count(b"|") > 18
    asked = header(raw)
    assert asked is not None
    assert asked.control == b"C7"
    assert asked.field(3).decode("gbk") == "急诊東"
    (said,) = acknowledge(asked, "A", "", "20260302", "n")
    assert "|急诊東|东院|".encode("gbk") in said
    message, odd = take_apart(Piece(1, raw.rstrip(b"\r")), "auto")
    assert odd is None
    assert message.value("PID-5") == "東"
