"""`tocsin explain` says why, of a table's step, of a city's step and of an alert, to people and to programs."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from city import make_city, put
from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.cli.detect import command as detect_command
from tocsin.cli.explain import command
from tocsin.errors import InputError, NotFound
from tocsin.types import Event

FIRST = date(2026, 3, 2)


def run(*arguments):
    done = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def weekly(path, last=33, series="", outbreak=()):
    rows = ["date,count,outbreak" + (",series" if series else "")]
    for name in series or [""]:
        for i in range(300):
            count = last if i == 299 else 60 if i in outbreak else 8 + (i * 7) % 9
            rows.append(f"{date(2020, 1, 6) + timedelta(7 * i)},{count},{int(i in outbreak)}" + (series and f",{name}"))
    path.write_text("\n".join(rows), "utf-8")
    return path


def test_a_step_of_a_table_in_words_numbers_and_a_picture(tmp_path):
    table = weekly(tmp_path / "weekly.csv", outbreak=range(100, 104))
    arguments = (table, "--method", "farrington_flexible", "--plot", tmp_path / "why.png")
    said = run(*arguments)
    assert "33, expected" in said
    assert "4 left out as a marked outbreak" in said
    assert "4 周因标为暴发而未用" in said
    assert "limit54 asks for 5" in said
    assert (tmp_path / "why.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads(run(*arguments[:3], "--json"))
    one = found["detectors"][0]
    assert (found["time"], one["alarm"], len(one["baseline"])) == ("2025-09-29", True, 238)
    assert f"At {one['quiet']:.0f} or less" in said
    assert sum(b["left_out"] for b in one["baseline"]) == 4
    weekly(table, last=int(one["quiet"]), outbreak=range(100, 104))
    assert not json.loads(run(*arguments[:3], "--json"))["detectors"][0]["alarm"]
    weekly(table, last=int(one["quiet"]) + 1, outbreak=range(100, 104))
    assert json.loads(run(*arguments[:3], "--json"))["detectors"][0]["alarm"]


def test_the_explained_numbers_are_those_that_detect_prints(tmp_path):
    table = weekly(tmp_path / "weekly.csv", outbreak=range(100, 104))
    for method, more in (("farrington", ()), ("baseline_nb", ()), ("cusum", ("--from", "2024-01-01"))):
        done = CliRunner().invoke(detect_command, [str(table), "--method", method, *more], catch_exceptions=False)
        printed = done.stdout.splitlines()[-1].split(",")
        one = json.loads(run(table, "--method", method, "--json", *more))["detectors"][0]
        assert printed[4:6] == [repr(one["expected"]), repr(one["upper"])], method


def test_the_outbreak_column_is_left_out_by_detect_and_checked(tmp_path):
    marked, plain = weekly(tmp_path / "m.csv", outbreak=range(250, 254)), tmp_path / "p.csv"
    plain.write_text(marked.read_text().replace(",1\n", ",0\n"), "utf-8")
    last = []
    for file in (marked, plain):
        done = CliRunner().invoke(detect_command, [str(file), "--method", "cdc"], catch_exceptions=False)
        last.append(done.stdout.splitlines()[-20].split(","))
    assert last[0][4] == last[1][4]  # cdc's years before had none
    done = CliRunner().invoke(detect_command, [str(plain), "--method", "rki"], catch_exceptions=False)
    assert done.exit_code == 0
    plain.write_text(plain.read_text().replace(",0\n", ",maybe\n", 1), "utf-8")
    with pytest.raises(InputError, match="outbreak is 'maybe'"):
        CliRunner().invoke(detect_command, [str(plain), "--method", "cdc"], catch_exceptions=False)
    plain.write_text(plain.read_text().replace(",maybe\n", ",2\n", 1), "utf-8")
    with pytest.raises(InputError, match="write 1 for a step to leave out"):
        CliRunner().invoke(detect_command, [str(plain), "--method", "cdc"], catch_exceptions=False)


def test_of_several_series_one_is_asked_for(tmp_path):
    table = weekly(tmp_path / "weekly.csv", series=["a", "b"])
    with pytest.raises(InputError, match="say --series, one of: a, b"):
        run(table, "--method", "ears_c2")
    assert "b  2025-09-29" in run(table, "--method", "ears_c2", "--series", "b")
    with pytest.raises(InputError, match="no series 'c'"):
        run(table, "--method", "ears_c2", "--series", "c")
    with pytest.raises(InputError, match="before the first step"):
        run(table, "--method", "ears_c2", "--series", "b", "--date", "2019-01-01")


def test_too_short_a_table_is_explained_and_no_error(tmp_path):
    table = weekly(tmp_path / "weekly.csv")
    said = run(table, "--method", "farrington_flexible", "--date", "2022-01-03")
    assert "needs 265 weeks and has 104" in said
    assert "历史太短，需要 265 周，现有 104 周" in said


@pytest.fixture
def alarmed(tmp_path):
    desk = make_city(tmp_path)
    items = []
    for i, n in enumerate([4, 5, 3, 4, 6, 4, 5, 3, 4, 4, 5, 3, 4, 6, 4, 5, 3, 4, 3, 40]):
        at = int(datetime(2026, 3, 2 + i, 3, tzinfo=UTC).timestamp() * 1e6)
        items.append(Event("hospital", str(i), "cases", "111", at, at, float(n)))
    put(desk, items)
    opened = loop.tick(desk, end_of_day(date(2026, 3, 21), desk.tz), strict=True).opened
    # The count is corrected afterwards: the alert is explained as it was judged.
    later = int(datetime(2026, 3, 25, tzinfo=UTC).timestamp() * 1e6)
    at = int(datetime(2026, 3, 21, 3, tzinfo=UTC).timestamp() * 1e6)
    put(desk, [Event("hospital", "19", "cases", "111", at, later, 5.0)], "correction")
    desk.store.close()
    return tmp_path, opened


def test_an_alert_is_explained_as_it_was_judged(alarmed, tmp_path):
    city, opened = alarmed
    texts = [run(alert, "--city", city, "--plot", tmp_path / "why.svg") for alert in opened]
    (said,) = [t for t in texts if t.startswith("cases  111  2026-03-21")]
    assert "40, expected" in said
    assert "there would be no alert from this day" in said
    assert (tmp_path / "why.svg").read_text().startswith("<?xml")
    assert "40, expected" not in run(*[opened[0]], "--city", city, "--as-of", "2026-03-26")


def test_a_named_step_of_a_city(alarmed):
    city, _ = alarmed
    found = json.loads(run("cases", "111", "2026-03-21", "--city", city, "--as-of", "2026-03-22", "--json"))
    assert (found["observed"], found["speaks"]) == (40, True)
    now = json.loads(run("cases", "111", "2026-03-21", "--city", city, "--json"))
    assert (now["observed"], now["speaks"]) == (5, False)
    assert "It would take more than" in run("cases", "111", "2026-03-21", "--city", city)
    with pytest.raises(NotFound, match="no detector 'rki' for cases; there are: ears_c2"):
        run("cases", "111", "2026-03-21", "--city", city, "--detector", "rki")
    with pytest.raises(NotFound, match="is after what was known"):
        run("cases", "111", "2126-03-21", "--city", city)
    done = CliRunner().invoke(command, ["cases", "111", "--city", str(city)])
    assert done.exit_code == 2
    assert "SIGNAL AREA DATE" in done.output
