"""`tocsin source`: what is proposed can be pasted and reads the sample; what would change is said before it does."""

import json
import re
import tomllib

import pytest

from cli.conftest import CITY, HEAD, rows
from messages import SAMPLES
from tables import AREAS as TREE
from tables import GOOD, NOW, as_csv, as_parquet, as_xlsx, read, settings
from tocsin import config, loop
from tocsin.desk import open_desk
from tocsin.ingest.propose import propose
from tocsin.types import Event


def base(name: str) -> str:
    return name.partition("|")[0]


TWO = [["ab", *GOOD[0][1:]], ["cd", "2026-03-04", "2026-03-05", "12", "尘", "35.5"]]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_every_format_is_known_and_its_proposal_is_usable(name):
    rows_ = [*TWO, *([str(i), *TWO[0][1:]] for i in range(8))]
    data = SAMPLES[name].write(rows_)
    city = settings()
    found = propose(data, name="clinic", format_="auto", tree=TREE, settings=city, received=NOW)
    lines = name == "json|lines"
    assert found.format == ("jsonl" if lines else base(name))
    text = city_text() + found.toml
    made = config.parse(text)  # what is proposed is a valid city.toml
    assert made.source("clinic").files == "inbox/clinic*"  # and takes no other source's files
    if "FILL IN" not in found.toml:
        items = read(data, made)
        assert sum(isinstance(i, Event) for i in items) >= len(rows_)


def city_text() -> str:
    from tables import CITY as TABLES

    return TABLES.replace('[[sources]]\nname = "clinic"\n', "")


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_xlsx])
def test_the_columns_of_a_table_are_found(write):
    columns = ["病例编号", "姓名", "发病日期", "报告日期", "区县代码", "疾病", "例数"]
    some = [
        [
            f"A{i}",
            f"人{i}",
            f"2026-03-{i + 1:02d}",
            f"2026-03-{i + 2:02d}",
            str(11 + i % 2),
            ["流感", "腹泻"][i % 2],
            "1",
        ]
        for i in range(9)
    ]
    found = propose(write(some, columns), name="clinic", format_="auto", tree=TREE, settings=settings(), received=NOW)
    mapping = tomllib.loads(found.toml)["sources"][0]["mapping"]
    assert mapping["key"] == "病例编号"
    assert mapping["reference"] == "发病日期"
    assert mapping["report"] == "报告日期"
    assert mapping["area"] == "区县代码"
    assert mapping["value"] == "例数"
    assert mapping["signal"] == {"column": "疾病", "others": "ignore", "map": {"流感": "flu", "腹泻": "flu"}}
    assert "人1" not in found.toml


def test_new_prints_what_can_be_pasted(tocsin, city):
    (city / "in.csv").write_text(HEAD + rows(0, 10), "utf-8")
    ran = tocsin("source", "new", city / "in.csv", "--name", "east", "--city", city)
    assert ran.code == 0
    (city / "city.toml").write_text(CITY + ran.out, "utf-8")
    assert "10 events" in tocsin("ingest", city / "in.csv", "--source", "east", "--dry-run", "--city", city).out
    (city / "in.csv").write_bytes(b"")
    assert tocsin("source", "new", city / "in.csv", "--city", city).code == 3


def test_diff_says_what_a_changed_mapping_would_change(tocsin, city):
    (city / "in.csv").write_text(HEAD + rows(0, 10) + "k99,2026-03-05,2026-03-06,101,x\n", "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    same = tocsin("source", "diff", "hospital", "--city", city)
    assert same.code == 0
    assert "10 events" in same.out
    text = (city / "city.toml").read_text("utf-8")
    changed = text.replace('area = "area"', 'area = { column = "area", map = { "101" = "102" } }')
    changed = changed.replace('default = "1" }', 'default = "1", map = { x = "3" } }')
    (city / "city.toml").write_text(changed, "utf-8")
    ran = tocsin("source", "diff", "hospital", "--city", city)
    assert ran.code == 1
    assert "added: 1" in ran.out
    assert "changed: 5" in ran.out
    assert re.search(r"2026-03-0\d", ran.out)
    assert "T16:00:00Z" not in ran.out, "times are those of the city's clock"
    assert "This does it: tocsin source apply hospital" in ran.out
    assert "no longer said: 0" in ran.out
    (city / "city.toml").write_text(text.replace('key = "id"', 'key = "onset"'), "utf-8")
    assert "no longer said: 10" in tocsin("source", "diff", "hospital", "--city", city).out
    (city / "city.toml").write_text(changed, "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    assert tocsin("source", "diff", "hospital", "--city", city).code == 0, "taking the file in again does what was said"
    for raw in (city / "raw").rglob("*.gz"):
        raw.unlink()
    lost = tocsin("source", "diff", "hospital", "--city", city)
    assert "its bytes are gone" in lost.out


FEED = """
[[sources]]
name = "east"
format = "hl7-adt"
[sources.mapping]
area = "PID-11.9"
classify = { text = "OBX[8661-1]", codes = "DG1-3", signals = { ours = "ili" }, file = "words.csv" }
"""


def visit(number, told, complaint):
    return (
        f"MSH|^~\\&||East^9^NPI|||{told}||ADT^A04^ADT_A01|m|P|2.5.1\rPID|1||||||||||^^^^^^^^101\r"
        f"PV1|1|{'|' * 17}{number}{'|' * 25}202603020830\rOBX|1|TX|8661-1^^LN||{complaint}\r"
    )


def test_a_city_reads_visits_by_its_own_words(tocsin, city):
    (city / "city.toml").write_text(CITY + FEED, "utf-8")
    assert tocsin("check", "--city", city).code == 2  # the file of words is not there
    (city / "words.csv").write_text("syndrome,kind,term\nours,zh,打摆子\n", "utf-8")
    said = (
        visit("v1", "202603020840", "打摆子")
        + visit("v2", "202603020850", "无打摆子")
        + visit("v1", "202603021000", "崴脚")
    )
    (city / "in.hl7").write_text(said, "utf-8")
    done = tocsin("ingest", city / "in.hl7", "--source", "east", "--city", city)
    assert "3 events" in done.out
    counts = [
        tocsin("cube", "--signal", "ili", "--level", "district", "--as-of", moment, "--city", city).out
        for moment in ("2026-03-02T08:45:00+08:00", "2026-03-02T12:00:00+08:00")
    ]
    assert "101,2026-03-02,1\n" in counts[0], "known at a quarter to nine: one"
    assert "101,2026-03-02,0\n" in counts[1], "known at noon: it was an ankle"
    (city / "words.csv").write_text("ours,zh,崴脚\n", "utf-8")
    assert "changed: 1" in tocsin("source", "diff", "east", "--city", city).out
    (city / "words.csv").write_text("ours,klingon,x\n", "utf-8")
    wrong = tocsin("source", "diff", "east", "--city", city)
    assert wrong.code == 2
    assert "line 1" in wrong.err


def test_diff_reads_messages_as_it_reads_files(tocsin, city):
    desk = open_desk(city, {})
    source = desk.settings.source("hospital")
    for i in range(3):
        loop.receive(desk, source, (HEAD + rows(i, i + 1)).encode(), "POST", NOW)
    desk.store.close()
    assert "3 files, 3 events" in tocsin("source", "diff", "hospital", "--city", city).out


def counted(tocsin, city, *more):
    """(area, day): value of what is known, where it is not 0."""
    said = tocsin("cube", "--signal", "ili", "--level", "district", "--from", "2026-03-01", "--to", "2026-03-31",
                  "--city", city, *more).out.splitlines()[1:]  # fmt: skip
    return {(a, d): float(v) for a, d, v in (line.split(",") for line in said) if v not in ("", "0")}


def test_apply_does_to_messages_what_diff_says_and_once(tocsin, city):
    (city / "city.toml").write_text(CITY + FEED.replace(', file = "words.csv"', "").replace("ours", "ili"), "utf-8")
    desk = open_desk(city, {})
    source = desk.settings.source("east")
    told = [("v1", "202603020840", "打摆子"), ("v1", "202603021000", "发热咳嗽"), ("v2", "202603020850", "崴脚")]
    for visit_, at, complaint in told:
        loop.receive(desk, source, visit(visit_, at, complaint).encode(), "mllp 10.0.0.7", NOW)
    loop.receive(desk, source, visit("v3", "202603020850", "打摆子").replace("101", "777").encode(), "mllp", NOW)
    desk.store.close()
    assert counted(tocsin, city) == {("101", "2026-03-02"): 1}
    assert "1 open findings" in tocsin("findings", "--city", city).out

    (city / "words.csv").write_text("syndrome,kind,term\nili,zh,打摆子\nili,zh,崴脚\n", "utf-8")
    text = (city / "city.toml").read_text("utf-8").replace('area = "PID-11.9"', AREA)
    (city / "city.toml").write_text(text.replace('{ ili = "ili" }', '{ ili = "ili" }, file = "words.csv"'), "utf-8")
    said = tocsin("source", "diff", "east", "--city", city)
    assert "changed: 3" in said.out
    done = tocsin("source", "apply", "east", "--city", city)
    assert (done.code, done.out) == (0, "4 files read again; 3 events written, 0 findings\n")
    assert counted(tocsin, city) == {("102", "2026-03-02"): 3}
    assert tocsin("source", "diff", "east", "--city", city).code == 0
    assert "0 open findings" in tocsin("findings", "--city", city).out
    again = json.loads(tocsin("source", "apply", "east", "--json", "--city", city).out)
    assert again == {"files": 4, "accepted": 0, "findings": 0, "waiting": []}
    assert tocsin("fsck", "--city", city).code == 0


AREA = 'area = { column = "PID-11.9", map = { "101" = "102", "777" = "102" } }'


def test_apply_leaves_what_was_known_then_as_it_was(tocsin, city):
    text = CITY.replace('report = "reported"\n', "")
    (city / "city.toml").write_text(text, "utf-8")
    desk = open_desk(city, {})
    came = 1_772_445_600_000_000  # 2026-03-02
    for i in range(2):
        loop.receive(desk, desk.settings.source("hospital"), (HEAD + rows(i, i + 1)).encode(), "POST", came + i)
    desk.store.close()
    then = counted(tocsin, city)
    assert sorted(a for a, _ in then) == ["101", "102"]
    turned = {"101": "102", "102": "101"}
    changed = text.replace('area = "area"', 'area = { column = "area", map = { "101" = "102", "102" = "101" } }')
    (city / "city.toml").write_text(changed, "utf-8")
    assert tocsin("source", "apply", "hospital", "--city", city).code == 0
    assert counted(tocsin, city) == {(turned[a], d): v for (a, d), v in then.items()}
    assert counted(tocsin, city, "--as-of", "2026-03-09") == then


def test_apply_leaves_a_file_that_is_being_taken_in_alone(tocsin, city):
    desk = open_desk(city, {})
    source = desk.settings.source("hospital")
    loop.receive(desk, source, (HEAD + rows(0, 3)).encode(), "in.csv", NOW)
    with desk.store.transaction() as db:  # as it is after a kill between two batches
        db.execute("UPDATE delivery SET done = 0")
    desk.store.close()
    said = tocsin("source", "apply", "hospital", "--city", city)
    assert (said.code, "in.csv: its taking in was interrupted" in said.out) == (1, True)
