"""Tables as people have them: other columns, dates, marks and codings; SaTScan's files from another computer."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tocsin.cli.scan import command
from tocsin.errors import TocsinError

AREAS = "location_id,latitude,longitude\na,1,1\nb,1,2\nc,2,1\nd,2,2\n"
PEOPLE = "location_id,year,population\na,2024,1000\nb,2024,1000\nc,2024,1000\nd,2024,1000\n"
DAYS = [(p, f"2024-01-{d:02d}", 5 if p == "a" and d > 8 else 1) for p in "abcd" for d in range(1, 11)]
FEW = ["--replicates", "19", "--threads", "1"]


def counts(rows: list[tuple[str, str, int]], mark: str = ",", header: str = "location_id,date,n") -> str:
    return "".join(mark.join(map(str, row)) + "\n" for row in [header.split(","), *rows])


def started(tmp: Path, args: list[str], out: Path | None = None, **tables: str | bytes) -> Result:
    given = []
    for name, text in tables.items():
        (tmp / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        given += [f"--{name}", str(tmp / f"{name}.csv")]
    return CliRunner().invoke(command, [*given, *args, *FEW, "--out", str(out or tmp / "found.json")])


def best(tmp: Path, args: list[str], **tables: str | bytes) -> dict:
    done = started(tmp, args, **tables)
    assert done.exit_code == 0, done.exception
    return json.loads((tmp / "found.json").read_text())["clusters"][0]


def refusal(tmp: Path, args: list[str], **tables: str | bytes) -> str:
    done = started(tmp, args, **tables)
    assert isinstance(done.exception, TocsinError)
    return str(done.exception)


SAME = {
    "slashes": counts([(p, d.replace("-", "/"), n) for p, d, n in DAYS]),
    "no marks in dates": counts([(p, d.replace("-", ""), n) for p, d, n in DAYS]),
    "tabs": counts(DAYS, "\t"),
    "semicolons": counts(DAYS, ";"),
    "blanks": counts(DAYS, "  "),
    "other names": counts([(n, d, p) for p, d, n in DAYS], header="Cases,Onset_date,LOC"),
    "Windows, with a mark": ("\ufeff" + counts(DAYS).replace("\n", "\r\n")).encode(),
    "two bytes a letter": counts(DAYS).encode("utf-16"),
    "SaTScan's order": "".join(f"{p} {n} {d}\n" for p, d, n in DAYS),
    "remarks": "# from the register\n" + "".join(f"{p} {n} {d}\n" for p, d, n in DAYS),
}


@pytest.mark.parametrize("cases", SAME.values(), ids=SAME)
def test_one_answer_however_the_table_is_written(tmp_path: Path, cases: str | bytes) -> None:
    found = best(tmp_path, [], cases=cases, areas=AREAS, population=PEOPLE)
    assert (found["members"], found["start"], found["end"]) == (["a"], "2024-01-09", "2024-01-10")
    assert (found["observed"], found["expected"]) == (10, pytest.approx(2.4))


def test_names_may_hold_commas_blanks_and_letters_of_old_codings(tmp_path: Path) -> None:
    def named(text: str) -> bytes:
        return text.replace("\na,", '\n"Alt Zürich, A",').encode("latin-1")

    found = best(tmp_path, [], cases=named(counts(DAYS)), areas=named(AREAS), population=named(PEOPLE))
    assert found["members"] == ["Alt Zürich, A"]
    rows = '"Old Town, A" 5 2024/1/1\n#7 1 2024/1/2\n'  # a name may begin with #
    areas = '"Old Town, A" 1 1\n#7 1 2\nc 2 1\n'
    people = '"Old Town, A" 2024 10\n#7 2024 10\nc 2024 10\n'
    spatial = best(tmp_path, ["--analysis", "spatial"], cases=rows, areas=areas, population=people)
    assert (spatial["members"], spatial["observed"], spatial["expected"]) == (["Old Town, A"], 5, pytest.approx(2))


@pytest.mark.parametrize(
    ("dates", "start", "end"),
    [
        ([f"2023-{m:02d}" for m in range(1, 13)], "2023-11-01", "2023-12-31"),
        ([f"2022/{m}" for m in range(1, 13)], "2022-11-01", "2022-12-31"),
        ([str(y) for y in range(2005, 2017)], "2015-01-01", "2016-12-31"),  # 2016 is a leap year
    ],
)
def test_months_and_years_are_whole(tmp_path: Path, dates: list[str], start: str, end: str) -> None:
    rows = [(p, d, 9 if p == "a" and d in dates[-2:] else 1) for p in "abcd" for d in dates]
    found = best(tmp_path, ["--prospective"], cases=counts(rows), areas=AREAS, population=PEOPLE)
    assert (found["start"], found["end"], found["observed"]) == (start, end, 18)
    asked = ["--prospective", "--end", dates[-2]]  # the whole of that month or year
    shorter = best(tmp_path, asked, cases=counts(rows), areas=AREAS, population=PEOPLE)
    assert (shorter["observed"], shorter["start"]) == (9, start)


def test_x_and_y_are_no_latitude_and_longitude(tmp_path: Path) -> None:
    plane = AREAS.replace("latitude", "x").replace("longitude", "y")
    found = best(tmp_path, ["--analysis", "spatial"], cases=counts(DAYS), areas=plane, population=PEOPLE)
    assert (found["x"], found["y"]) == (1, 1)
    assert "latitude" not in found


def test_without_dates_no_date_is_made_up(tmp_path: Path) -> None:
    cases = "location_id,n\na,5\nb,1\nc,1\n"
    people = "location_id,population\na,10\nb,10\nc,10\nd,10\n"
    found = best(tmp_path, ["--analysis", "spatial"], cases=cases, areas=AREAS, population=people)
    assert (found["start"], found["end"], found["expected"]) == (None, None, pytest.approx(1.75))
    several = "location_id,year,population\n" + "".join(f"{p},{y},{y}\n" for p in "abcd" for y in (2010, 2020))
    said = refusal(tmp_path, ["--analysis", "spatial"], cases=cases, areas=AREAS, population=several)
    assert "people of several dates" in said
    dated = ["--analysis", "spatial", "--start", "2010", "--end", "2012"]
    assert best(tmp_path, dated, cases=cases, areas=AREAS, population=several)["start"] == "2010-01-01"


@pytest.mark.parametrize(
    ("said", "tables"),
    [
        (r"areas.csv line 5: found 'd nan 2'", {"areas": AREAS.replace("d,2", "d,nan")}),
        (r"areas.csv line 5: found 'd 95 2': a latitude beyond", {"areas": AREAS.replace("d,2", "d,95")}),
        (r"areas.csv line 6: location 'd' stands twice", {"areas": AREAS + "d,2,3\n"}),
        (r"areas.csv: no places in it", {"areas": "location_id,latitude,longitude\n"}),
        (r"population.csv: no rows in it", {"population": "location_id,year,population\n"}),
        (r"population.csv: nobody at risk anywhere", {"population": PEOPLE.replace("1000", "0")}),
        (r"population.csv line 3: nan people", {"population": PEOPLE.replace("b,2024,1000", "b,2024,nan")}),
        (r"cases.csv line 2: a number of 99999999999999999999", {"cases": counts([("a", "2024-01-01", 10**20 - 1)])}),
        (r"line 1: found 'ort tag zahl'; if this is a header", {"cases": counts(DAYS, header="ort,tag,zahl")}),
        (r"cases.csv line 2: a quotation mark is not closed", {"cases": 'a 1 2024/1/1\n"b 1 2024/1/2\n'}),
        (r"neighbours.csv line 1: location 'z' is not", {"neighbours": "z a\n"}),
    ],
)  # fmt: skip
def test_a_wrong_table_is_named_with_its_line(tmp_path: Path, said: str, tables: dict[str, str]) -> None:
    given = {"cases": counts(DAYS), "areas": AREAS, "population": PEOPLE} | tables
    assert said in refusal(tmp_path, [], **given)


def test_wrong_numbers_of_options_are_findings(tmp_path: Path) -> None:
    given = {"cases": counts(DAYS), "areas": AREAS, "population": PEOPLE}
    assert "above -100" in refusal(tmp_path, ["--trend", "percent", "--trend-percent", "-150"], **given)
    assert "0.5 is 50 %" in refusal(tmp_path, ["--max-size", "50"], **given)
    assert started(tmp_path, ["--seed", "-1"], **given).exit_code == 2


def test_a_point_given_twice_is_one_and_one_place_alone_is_said(tmp_path: Path) -> None:
    again = best(tmp_path, [], cases=counts(DAYS), areas=AREAS + "d,2,2\n", population=PEOPLE)
    assert again["expected"] == pytest.approx(2.4)
    alone = started(tmp_path, [], cases=counts(DAYS[:10]), areas=AREAS[:36], population=PEOPLE[:40])
    assert alone.exit_code == 0
    assert "nothing to compare it with" in alone.stderr
    nothing = started(tmp_path, [], cases="location_id,date,n\n", areas=AREAS, population=PEOPLE)
    assert "no rows of cases" in nothing.stderr


PRM = "[Input]\nCaseFile=C:\\Data\\City.cas\nPopulationFile=City.pop\nCoordinatesFile=city.geo\n{}\n"


def from_prm(tmp: Path, more: str) -> Result:
    (tmp / "run.prm").write_text("\ufeff" + PRM.format(more).replace("\n", "\r\n"), newline="")
    (tmp / "city.cas").write_text("a 9\nb 1\nc 1\nd 1\n")
    (tmp / "city.pop").write_text("".join(f"{p} {y} {n}\n" for p in "abcd" for y, n in ((1990, 10), (2010, 30))))
    (tmp / "CITY.GEO").write_text("a 1 1\nb 1 2\nc 2 1\nd 2 2\n")
    return CliRunner().invoke(command, ["--prm", str(tmp / "run.prm"), "--out", str(tmp / "found.json")])


def test_a_parameter_file_from_windows_finds_its_files_beside_it(tmp_path: Path) -> None:
    plain = "AnalysisType=1\nModelType=0\nPrecisionCaseTimes=0\nCoordinatesType=1\nMonteCarloReps=9\n"
    done = from_prm(tmp_path, plain + "StartDate=1990/7/1\nEndDate=2010/6/30")
    assert done.exit_code == 0, done.exception
    assert "C:\\Data\\City.cas is not there" in done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["clusters"][0]
    assert (found["members"], found["observed"], found["expected"]) == (["a"], 9, pytest.approx(3))
    (tmp_path / "city.cas").unlink()
    lost = CliRunner().invoke(command, ["--prm", str(tmp_path / "run.prm")])
    assert "put City.cas beside the parameter file" in str(lost.exception)


def test_populations_of_several_years_count_by_their_dates_where_cases_have_none(tmp_path: Path) -> None:
    """b grows from 10 to 30 while the others stay at 10: over both years on average 20 of 50."""
    plain = "AnalysisType=1\nModelType=0\nPrecisionCaseTimes=0\nCoordinatesType=1\nMonteCarloReps=0\n"
    from_prm(tmp_path, plain + "StartDate=1990/7/1\nEndDate=2010/6/30")
    (tmp_path / "city.pop").write_text("a 1990 10\nb 1990 10\nb 2010 30\nc 1990 10\nd 1990 10\n")
    done = CliRunner().invoke(command, ["--prm", str(tmp_path / "run.prm"), "--out", str(tmp_path / "found.json")])
    assert done.exit_code == 0, done.exception
    found = json.loads((tmp_path / "found.json").read_text())["clusters"][0]
    assert (found["members"], found["expected"]) == (["a"], pytest.approx(12 * 10 / 50, rel=1e-4))


@pytest.mark.parametrize(
    "wrong",
    [
        "MonteCarloReps=nan",
        "MinimumCasesInHighRateClusters=1e400",
        "MaxTemporalSize=half",
        "SpatialWindowShapeType=1\nEllipseShapes=2,x",
        "SpatialWindowShapeType=1\nNonCompactnessPenalty=9",
        "IncludeClusters=2\nIntervalStartRange=2001/1/1",
        "IncludeClusters=2\nIntervalStartRange=2001/1/1,2001/2/1\nIntervalEndRange=2001/2/30,2001/3/1",
        "AnalysisType=4\nAdjustForEarlierAnalyses=y\nProspectiveStartDate=soon",
        "PValueReportType=2\nEarlyTerminationThreshold=-1",
        "EndDate=2001/13/1",
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, wrong: str) -> None:
    done = from_prm(tmp_path, f"AnalysisType=3\nCoordinatesType=0\n{wrong}")
    assert isinstance(done.exception, TocsinError)
    name = wrong.splitlines()[-1].split("=")[0]
    assert name in str(done.exception) or "stops after" in str(done.exception)


def test_times_without_a_calendar_stay_numbers_also_over_space_alone(tmp_path: Path) -> None:
    from_prm(tmp_path, "AnalysisType=1\nPrecisionCaseTimes=4\nStartDate=1\nEndDate=9\nMonteCarloReps=0")
    (tmp_path / "city.cas").write_text("a 9 3\nb 1 4\nc 1 9\nd 1 1\n")
    CliRunner().invoke(command, ["--prm", str(tmp_path / "run.prm"), "--out", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())["clusters"][0]
    assert (found["start"], found["end"]) == ("1", "9")


@pytest.mark.parametrize("analysis", ["spatial", "temporal", "space-time"])
@pytest.mark.parametrize("cases", [DAYS, [("a", "2024-01-01", 0), ("b", "2024-01-10", 0)]], ids=["some", "none"])
def test_every_writer_writes_every_analysis_in_the_same_columns(tmp_path: Path, analysis: str, cases: list) -> None:
    files = {}
    for ending in ("json", "geojson", "csv", "parquet"):
        files[ending] = tmp_path / f"found.{ending}"
        args = ["--analysis", analysis]
        done = started(tmp_path, args, files[ending], cases=counts(cases), areas=AREAS, population=PEOPLE)
        assert done.exit_code == 0, done.exception
    clusters = json.loads(files["json"].read_text())["clusters"]
    drawn = json.loads(files["geojson"].read_text())["features"]
    assert [f["properties"] for f in drawn] == clusters
    assert all((f["geometry"] is None) == (analysis == "temporal") for f in drawn)
    table = pl.read_parquet(files["parquet"])
    assert table.columns == files["csv"].read_text().splitlines()[0].split(",")
    assert table.height == len(clusters) == (len(cases) > 2)
    assert ("latitude" in table.columns) == (analysis != "temporal")
    assert table.schema["radius"] == table.schema["recurrence_interval_days"] == pl.Float64
    for row, cluster in zip(table.rows(named=True), clusters, strict=True):
        assert row["members"].split() == cluster["members"]
        assert row["llr"] == cluster["llr"]


def test_no_scan_is_made_for_a_map_that_cannot_be(tmp_path: Path) -> None:
    done = started(tmp_path, ["--analysis", "temporal", "--map", str(tmp_path / "m.png")], cases=counts(DAYS),
                   population=PEOPLE)  # fmt: skip
    assert "has no map" in str(done.exception)
    assert not (tmp_path / "found.json").exists()


def test_options_beside_a_parameter_file_count_or_are_said(tmp_path: Path) -> None:
    from_prm(tmp_path, "AnalysisType=1\nPrecisionCaseTimes=0\nCoordinatesType=0\nMonteCarloReps=999")
    given = ["--prm", str(tmp_path / "run.prm"), "--out", str(tmp_path / "found.json")]
    done = CliRunner().invoke(command, [*given, "--replicates", "19", "--seed", "5", "--max-km", "3", "--weekly"])
    assert done.exit_code == 0, done.exception
    assert "--max-km, --weekly left out" in done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["monte_carlo"]["replicates"], found["seed"], found["random"]) == (19, 5, "tocsin")


@pytest.mark.parametrize("random", ["satscan", "tocsin"])
@pytest.mark.parametrize("model", ["poisson", "bernoulli", "permutation", "ebp"])
def test_a_stream_without_cases_adds_nothing(tmp_path: Path, model: str, random: str) -> None:
    (tmp_path / "none.csv").write_text("location_id,date,n\na,2024-01-02,0\n")
    controls = counts([(p, d, 2) for p, d, _ in DAYS])
    held = {"poisson": {"population": PEOPLE}, "bernoulli": {"controls": controls}}.get(model, {})
    asked = ["--model", model, "--random", random]
    alone = best(tmp_path, asked, cases=counts(DAYS), areas=AREAS, **held)
    beside = best(tmp_path, [*asked, "--cases", str(tmp_path / "none.csv")], cases=counts(DAYS), areas=AREAS, **held)
    assert beside["llr"] == pytest.approx(alone["llr"])
    assert (beside["members"], beside["observed"]) == (alone["members"], alone["observed"])


def test_rows_that_a_parameter_file_lets_be_left_out_are_counted(tmp_path: Path) -> None:
    relaxed = "StudyPeriodCheckType=1\nGeographicalCoordinatesCheckType=1\n"
    plain = "AnalysisType=1\nCoordinatesType=0\nMonteCarloReps=0\nStartDate=2001/1/1\nEndDate=2001/12/31\n"
    from_prm(tmp_path, plain + relaxed)
    (tmp_path / "city.cas").write_text("a 9 2001/3/4\nb 1 2001/3/4\nz 5 2001/3/4\nb 7 2002/3/4\n")
    given = ["--prm", str(tmp_path / "run.prm"), "--out", str(tmp_path / "found.json")]
    done = CliRunner().invoke(command, given)
    assert "2 rows are at unknown places or outside the study period" in done.stderr
    assert json.loads((tmp_path / "found.json").read_text())["cases"] == [10]
    from_prm(tmp_path, plain)
    (tmp_path / "city.cas").write_text("a 9 2001/3/4\nz 5 2001/3/4\n")
    assert "city.cas line 2: location 'z' is not" in str(CliRunner().invoke(command, given).exception).lower()
