"""Every command as people meet it: help, exit codes, JSON for programs, and mistakes answered with what is allowed."""

import io
import json

import polars as pl
import pytest

from cli.conftest import HEAD, rows
from tocsin import cli


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help(name, tocsin):
    done = tocsin(name, "--help")
    assert done.code == 0
    assert f"tocsin {name}" in done.out
    assert "Example" in done.out


def test_the_list_of_commands_and_the_version(tocsin):
    told = tocsin("--help").out
    assert all(name in told for name in cli.COMMANDS)
    assert tocsin("--version").out.startswith("tocsin")


@pytest.mark.parametrize("args", [["dance"], ["cube"], ["ingest"], ["replay", "--from", "yesterday", "--to", "now"]])
def test_bad_usage_is_2(args, tocsin):
    done = tocsin(*args)
    assert done.code == 2
    assert "Usage" in done.err or "Error" in done.err


def test_the_tour_from_init(tocsin, tmp_path):
    city = tmp_path / "my-city"
    assert tocsin("init", city).code == 0
    assert {p.name for p in city.iterdir()} >= {"city.toml", "areas.csv", "inbox", "tocsin.sqlite"}
    assert tocsin("init", city).code == 2, "a city that is there is not overwritten"
    assert "ed.ili" in tocsin("check", "--city", city).out
    file = tmp_path / "visits.csv"
    lines = [f"v{m}-{d}-{i},2026-{m:02d}-{d:02d},101" for m in (9, 10) for d in range(1, 29) for i in range(2 + d % 2)]
    lines += [f"o{i},2026-10-28,101" for i in range(40)]
    file.write_text("visit_id,visit_date,district_code\n" + "\n".join(lines) + "\n", "utf-8")
    dry = json.loads(tocsin("ingest", file, "--source", "hospital", "--city", city, "--dry-run", "--json").out)
    assert (dry["events"], dry["findings"], len(dry["first"])) == (len(lines), [], 10)
    assert "0 open findings" in tocsin("findings", "--city", city).out
    taken = json.loads(tocsin("ingest", file, "--source", "hospital", "--city", city, "--json").out)
    assert {"file", "source", "accepted", "duplicates", "findings", "before"} <= taken.keys()
    assert "taken in before" in tocsin("ingest", file, "--source", "hospital", "--city", city).out
    ticked = json.loads(tocsin("tick", "--city", city, "--json").out)
    assert {"as_of", "opened", "changed", "closed", "faults", "rows"} <= ticked.keys()
    assert ticked["faults"] == []
    assert json.loads(tocsin("rebuild", "--city", city, "--json").out) == {"events": len(lines)}


@pytest.fixture
def alerted(tocsin, city):
    """A city with a quiet month, an outbreak, and its replay."""
    lines = [f"{m}-{d}-{i},2026-{m:02d}-{d:02d},2026-{m:02d}-{d:02d},101,\n" for m in (2, 3) for d in range(1, 26)
             for i in range(2 + d % 2)]  # fmt: skip
    lines += [f"o{i},2026-03-26,2026-03-26,101,\n" for i in range(40)]
    (city / "in.csv").write_text(HEAD + "".join(lines), "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    done = tocsin("replay", "--from", "2026-03-20", "--to", "2026-03-28", "--city", city, "--json")
    return city, json.loads(done.out)


def test_an_alert_from_replay_to_note(tocsin, alerted):
    city, replayed = alerted
    assert replayed["opened"]
    again = json.loads(tocsin("replay", "--from", "2026-03-20", "--to", "2026-03-28", "--city", city, "--json").out)
    assert (again["opened"], again["rows"]) == ([], 0)
    told = json.loads(tocsin("alerts", "--city", city, "--as-of", "2026-03-28", "--json").out)
    assert told["total"] == len(told["alerts"]) == len(replayed["opened"])
    assert {"id", "signal", "area", "phase", "state", "opened", "last", "p", "reason", "rank"} <= told["alerts"][
        0
    ].keys()
    name = told["alerts"][0]["id"]
    assert name in tocsin("alerts", "--city", city, "--as-of", "2026-03-28").out
    shown = json.loads(tocsin("show", name, "--city", city, "--json").out)
    assert shown["evidence"]
    assert "acknowledge" in shown["actions"]
    assert "Evidence" in tocsin("show", name, "--city", city).out
    moved = tocsin(
        "note", name, "acknowledge", "--who", "Duty [/officer]", "--text", "[b]calling\x1b[2J", "--city", city
    )
    assert "acknowledged" in moved.out
    assert "\x1b" not in tocsin("show", name, "--city", city).out
    refused = tocsin("note", name, "respond", "--who", "me", "--city", city)
    assert refused.code == 1
    assert "acknowledged" in refused.err
    assert tocsin("show", "nothing", "--city", city).code == 1
    assert tocsin("note", "nothing", "verify", "--who", "me", "--city", city).code == 1
    assert tocsin("note", name, "dance", "--who", "me", "--city", city).code == 1
    assert tocsin("alerts", "--state", "happy", "--city", city).code == 3


def test_cube_as_csv_and_parquet(tocsin, alerted):
    city, _ = alerted
    args = [
        "cube",
        "--signal",
        "ili",
        "--level",
        "district",
        "--as-of",
        "2026-03-26",
        "--from",
        "2026-03-25",
        "--city",
        city,
    ]
    plain = tocsin(*args, "--csv").out
    assert plain.splitlines() == [
        "area,time,value", "101,2026-03-25,3", "101,2026-03-26,40", "102,2026-03-25,0", "102,2026-03-26,0",
    ]  # fmt: skip
    assert tocsin(*args, "--parquet", "--out", city / "x.parquet").out == ""
    assert pl.read_parquet(city / "x.parquet").equals(
        pl.read_csv(io.StringIO(plain), schema_overrides={"area": pl.String})
    )


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["cube", "--signal", "nope", "--level", "city"], 2, "there are: ili"),
        (["cube", "--signal", "ili", "--level", "nope"], 2, "allowed: city, district"),
        (["cube", "--signal", "ili", "--level", "city", "--as-of", "soon"], 3, "2014-09-01"),
        (["tick", "--as-of", "soon"], 3, "2014-09-01"),
        (["alerts", "--as-of", "soon"], 3, "soon"),
        (["findings", "--source", "nope"], 2, "there are: hospital"),
        (["findings", "--close", "5"], 1, "no open finding"),
        (["ingest", "city.toml", "--source", "nope"], 2, "there are: hospital"),
        (["replay", "--from", "2026-02-02", "--to", "2026-02-01"], 3, "before"),
        (["score", "."], 3, "tocsin sim"),
    ],
)
def test_unknown_names_are_answered_with_those_there_are(args, code, words, tocsin, city, monkeypatch):
    monkeypatch.chdir(city)
    done = tocsin(*args)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('zone = "Asia/Shanghai"', 'zone = "Mars"', ["city.zone", "Asia/Shanghai"]),
        ('zone = "Asia/Shanghai"', 'zonne = "Mars"', ["zonne", "allowed: name, levels"]),
        ('name = "ili"', 'name = "ili"\nkind = "sum"', ["kind", "allowed: count, measure"]),
        ('name = "ili"', 'name = "ili"\nstep = "7min"', ["step", "5 minutes"]),
        ('name = "ili"', 'name = "ili"\nlevels = ["street"]', ["levels", "allowed: city, district"]),
        ('["ears_c2"]', '["ears_c9"]', ["signals.ili.detectors", "ears_c2"]),
        ('signal = "ili"', 'signal = "flu"', ["mapping.signal", "allowed: ili"]),
        ('file = "areas.csv"', 'file = "none.csv"', ["areas.file", "none.csv"]),
        ("holidays = []", "holidays = [", ["not TOML"]),
        ('[[signals]]\nname = "ili"', '[[signals]]\nname = "ili"\n[[signals]]\nname = "ili"', ["signals", "twice"]),
    ],
)
def test_mistakes_in_the_configuration_name_file_key_and_what_is_allowed(old, new, words, tocsin, city):
    text = (city / "city.toml").read_text("utf-8")
    assert old in text
    (city / "city.toml").write_text(text.replace(old, new, 1), "utf-8")
    done = tocsin("check", "--city", city)
    assert done.code == 2
    assert all(word in done.err for word in ["city.toml", *words]), done.err


def test_no_city_here(tocsin, tmp_path):
    done = tocsin("alerts", "--city", tmp_path)
    assert done.code == 2
    assert "tocsin init" in done.err


def test_rows_are_as_the_tests_say():
    assert len(set(rows(0, 50).splitlines())) == 50
