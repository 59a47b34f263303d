"""Many findings at once: counted by kind, closed by kind; tables lose nothing where nobody watches."""

import json

import pytest

from cli.conftest import HEAD


@pytest.fixture
def flawed(tocsin, city):
    """A city with 60 bad dates, two areas that are not known, and one bad number."""
    lines = [f"d{n},2026-13-{n:02d},2026-03-02,101,1" for n in range(60)]
    lines += [f"a{n},2026-03-01,2026-03-02,{n},1" for n in (888, 999)] + ["n1,2026-03-01,2026-03-02,101,many"]
    (city / "bad.csv").write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
    assert tocsin("ingest", city / "bad.csv", "--source", "hospital", "--city", city).code == 1
    return city


def test_kinds_are_counted_and_closed_together(tocsin, flawed):
    def counted(*more):
        said = json.loads(tocsin("findings", "--kinds", "--json", "--city", flawed, *more).out)
        assert all(k["first"] <= k["last"] and k["message"] for k in said)
        return {(k["source"], k["field"], k["code"]): k["count"] for k in said}

    dates, areas, number = ("hospital", "onset", "bad-date"), ("hospital", "area", "unknown-area"), ("n", "bad-value")
    assert counted() == {("hospital", *number): 1, areas: 2, dates: 60}
    told = tocsin("findings", "--kinds", "--city", flawed).out.splitlines()
    assert told[0] == "63 open findings of 3 kinds"
    assert [line.split()[:4:3] for line in told[2:]] == [["1", "bad-value"], ["2", "unknown-area"], ["60", "bad-date"]]
    assert "--kinds" in tocsin("findings", "--city", flawed).out
    assert tocsin("findings", "--close", 7, "--city", flawed).out == "finding 7 closed\n"
    assert tocsin("findings", "--close", 8, "--alike", "--city", flawed).out == "59 findings closed\n"
    assert tocsin("findings", "--close", 7, "--alike", "--city", flawed).code == 1
    assert counted("--source", "hospital") == {("hospital", *number): 1, areas: 2}


@pytest.mark.parametrize("args", [["--alike"], ["--kinds", "--all"]])
def test_words_that_do_not_go_together(tocsin, city, args):
    assert tocsin("findings", *args, "--city", city).code == 2


def test_a_table_that_nobody_watches_has_a_line_a_row_and_cuts_nothing_off(tocsin, city, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "east-hospital-" + "x" * 40
    tocsin("token", "new", name, "--source", "hospital", "--days", 9, "--city", city)
    (line,) = [said for said in tocsin("token", "list", "--city", city).out.splitlines() if name in said]
    assert line.split()[-1].endswith("Z")
    assert "…" not in line
