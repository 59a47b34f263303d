"""`tocsin scan` on files that are odd, empty or wrong: a right answer, or a sentence with file and line."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tocsin.cli.scan import command
from tocsin.errors import TocsinError
from tocsin.scan import prm, prm_keys

SPATIAL = ["--analysis", "spatial", "--model", "poisson", "--replicates", "19", "--threads", "1"]
DAYS = ["--model", "permutation", "--max-days", "3", "--replicates", "19", "--threads", "1"]


def run(tmp: Path, args: list[str], **tables: str) -> list[dict]:
    """The clusters; tables are written as CSV files and given as options."""
    given = []
    for name, text in tables.items():
        (tmp / f"{name}.csv").write_text(text)
        given += [f"--{name}", str(tmp / f"{name}.csv")]
    done = CliRunner().invoke(command, [*given, *args, "--out", str(tmp / "found.json")])
    if done.exception:
        raise done.exception
    return json.loads((tmp / "found.json").read_text())["clusters"]


def areas(points: list[tuple[float, float]], names: str = "abcdefgh") -> str:
    return "location_id,latitude,longitude\n" + "".join(
        f"{n},{y},{x}\n" for n, (y, x) in zip(names, points, strict=False)
    )


def rows(cells: dict[tuple[str, int], int]) -> str:
    return "location_id,date,n\n" + "".join(f"{p},2024-01-{d:02d},{n}\n" for (p, d), n in cells.items())


def flat(people: dict[str, int]) -> str:
    return "location_id,year,population\n" + "".join(f"{p},2024,{n}\n" for p, n in people.items())


FOUR = areas([(1, 1), (1, 2), (2, 1), (2, 2)])
PEOPLE = flat(dict.fromkeys("abcd", 1000))


def test_ties_enter_one_at_a_time_by_their_coordinates(tmp_path: Path) -> None:
    """a sees b and c at (nearly) one distance on the plane; x decides: (1, 2) before (2, 1)."""
    square = "location_id,x,y\na,1,1\nb,2,1\nc,1,2\nd,2,2\n"
    cases = rows({("a", 1): 9, ("c", 1): 9, ("b", 1): 1, ("d", 1): 1})
    best = run(tmp_path, [*SPATIAL, "--cartesian"], cases=cases, areas=square, population=PEOPLE)[0]
    assert best["members"] == ["a", "c"]
    assert best["observed"] == 18
    assert best["expected"] == pytest.approx(10)


def test_places_at_one_point_are_one_place_with_all_their_cases(tmp_path: Path) -> None:
    same = areas([(1, 1), (1, 1), (2, 1), (2, 2)])
    best = run(tmp_path, SPATIAL, cases=rows({("a", 1): 5, ("b", 1): 6, ("c", 1): 1}), areas=same, population=PEOPLE)[0]
    assert (best["members"], best["observed"]) == (["a"], 11)
    assert best["expected"] == pytest.approx(6)


def test_one_place_no_cases_all_cases_in_one_place(tmp_path: Path) -> None:
    assert run(tmp_path, DAYS, cases=rows({("a", 1): 3, ("a", 2): 4}), areas=areas([(1, 1)])) == []
    assert run(tmp_path, SPATIAL, cases=rows({("a", 1): 0}), areas=FOUR, population=PEOPLE) == []
    all_in_one = run(tmp_path, SPATIAL, cases=rows({("a", 1): 7}), areas=FOUR, population=PEOPLE)
    assert all_in_one[0]["members"] == ["a"]
    assert all_in_one[0]["llr"] == pytest.approx(7 * np.log(4))
    assert all_in_one[0]["relative_risk"] is None  # nothing outside to compare with


@pytest.mark.parametrize("turn", [0.0, 179.5], ids=["plain", "across 180"])
def test_the_seam_of_the_map_is_no_edge(tmp_path: Path, turn: float) -> None:
    points = [(10, (x + turn + 180) % 360 - 180) for x in (0.0, 1.0, 2.0, 40.0, 80.0)]
    cases = rows({("a", 1): 8, ("b", 1): 8, ("c", 1): 8, ("d", 1): 1, ("e", 1): 1})
    people = flat(dict.fromkeys("abcde", 1000))
    best = run(tmp_path, [*SPATIAL, "--max-size", "0.7"], cases=cases, areas=areas(points), population=people)[0]
    assert sorted(best["members"]) == ["a", "b", "c"]
    half = np.sin(np.radians(1))  # a to c are two degrees; the first by name is the centre, all being equal
    assert best["radius"] == pytest.approx(2 * 6367 * np.arcsin(np.cos(np.radians(10)) * half))


def test_the_pole_is_a_place_like_others(tmp_path: Path) -> None:
    ring = areas([(90, 0), (89, -120), (89, 0), (89, 120), (0, 0), (0, 90), (0, 180), (0, -90)])
    cases = rows({(p, 1): 9 for p in "abcd"} | {(p, 1): 1 for p in "efgh"})
    best = run(tmp_path, SPATIAL, cases=cases, areas=ring, population=flat(dict.fromkeys("abcdefgh", 100)))[0]
    assert (best["center"], sorted(best["members"])) == ("a", list("abcd"))
    assert best["radius"] == pytest.approx(np.radians(1) * 6367)


def test_where_nobody_lives_nothing_is_expected(tmp_path: Path) -> None:
    empty = PEOPLE.replace("d,2024,1000", "d,2024,0")
    best = run(tmp_path, SPATIAL, cases=rows({("a", 1): 8, ("b", 1): 1}), areas=FOUR, population=empty)[0]
    assert best["expected"] == pytest.approx(3)
    with pytest.raises(TocsinError, match=r"cases\.csv line 3: location 'd' has cases but nobody at risk"):
        run(tmp_path, SPATIAL, cases=rows({("a", 1): 8, ("d", 1): 1}), areas=FOUR, population=empty)


def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(TocsinError, match=r"cases\.csv line 3: location 'z' is not among the areas"):
        run(tmp_path, SPATIAL, cases=rows({("a", 1): 8, ("z", 1): 1}), areas=FOUR, population=PEOPLE)
    with pytest.raises(TocsinError, match=r"population\.csv line 6: location 'z' is not"):
        run(tmp_path, SPATIAL, cases=rows({("a", 1): 8}), areas=FOUR, population=PEOPLE + "z,2024,1\n")
    with pytest.raises(TocsinError, match=r"population\.csv line 6: -3 people"):
        run(tmp_path, SPATIAL, cases=rows({("a", 1): 8}), areas=FOUR, population=PEOPLE + "a,2024,-3\n")
    with pytest.raises(TocsinError, match=r"cases\.csv line 4: no date in"):
        run(tmp_path, DAYS, cases=rows({("a", 1): 8}) + "\nb,2024-13-77,2\n", areas=FOUR)
    with pytest.raises(TocsinError, match=r"cases\.csv line 3: 2 columns, the header has 3"):
        run(tmp_path, DAYS, cases=rows({("a", 1): 8}) + "b,2024-01-02\n", areas=FOUR)
    with pytest.raises(TocsinError, match=r"network\.csv line 2: location 'z' is not among the areas"):
        run(tmp_path, SPATIAL, cases=rows({("a", 1): 8}), areas=FOUR, population=PEOPLE, network="from,to\na,z\n")


def test_dates_outside_the_period_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(rows({("a", d): 1 for d in range(1, 11)} | {("b", 2): 3}))
    (tmp_path / "areas.csv").write_text(FOUR)
    given = ["--cases", str(tmp_path / "cases.csv"), "--areas", str(tmp_path / "areas.csv"), *DAYS]
    done = CliRunner().invoke(
        command, [*given, "--start", "2024-01-01", "--end", "2024-01-08", "--out", str(tmp_path / "o.json")]
    )
    assert done.exit_code == 0
    assert "2 of 11 rows of cases are outside the study period: left out" in done.stderr
    assert json.loads((tmp_path / "o.json").read_text())["cases"] == [11]


def test_along_a_network_from_files(tmp_path: Path) -> None:
    """a–c are joined by a bridge of 3 km, b and d by nothing: no window has them with others."""
    roads = "from,to,distance\na,c,3\n"
    cases = rows({("a", 1): 9, ("b", 1): 9, ("c", 1): 8, ("d", 1): 1})
    found = run(tmp_path, SPATIAL, cases=cases, areas=FOUR, population=PEOPLE, network=roads)
    assert (found[0]["members"], found[0]["radius"]) == (["a", "c"], 3)
    assert all(len(c["members"]) == 1 for c in found[1:])


def test_every_setting_of_a_parameter_file_is_known_to_be_read_refused_or_idle() -> None:
    groups = [set(prm_keys.READ), set(prm_keys.ONLY), set(prm_keys.NO_EFFECT)]
    assert sum(map(len, groups)) == len(set.union(*groups))
    for name, allowed in prm_keys.ONLY.items():
        other = {"n": "y", "y": "n", "0": "1", "1": "7", "": "file.txt"}[allowed]
        with pytest.raises(TocsinError, match=f"{name}={other}"):
            prm.read(f"CaseFile=x\n{name}={other}\n")
    with pytest.raises(TocsinError, match=r"newthing=3 \(not known\)"):
        prm.read("CaseFile=x\nNewThing=3\n")
    with pytest.raises(TocsinError, match="casefile-sourcetype=0"):
        prm.read("CaseFile=x\nCaseFile-SourceType=0\n")
    idle = "".join(f"{name}=whatever\n" for name in prm_keys.NO_EFFECT)
    assert prm.read("CaseFile=x\nCaseFile2=y\nDataSet2-Name=z\n" + idle).cases == ("x", "y")


@pytest.mark.parametrize("model", ["ebp", "ebnb"])
def test_expectation_based_scans_of_time_alone_and_of_space_alone(tmp_path: Path, model: str) -> None:
    cases = rows({(p, d): 9 if p == "a" and d > 26 else 2 for p in "abcd" for d in range(1, 29)})
    expected = "location_id,date,expected\n" + "".join(f"{p},2024-01-{d:02d},2\n" for p in "abcd" for d in range(1, 29))
    args = ["--model", model, "--max-days", "3", "--replicates", "99", "--threads", "1"]
    for known in ({}, {"expected": expected}):
        best = run(tmp_path, [*args, "--analysis", "temporal"], cases=cases, areas=FOUR, **known)[0]
        assert best["members"] == ["All"]
        assert (best["start"], best["observed"]) == ("2024-01-27", 30)
        assert best["expected"] == pytest.approx(16, rel=1e-3)
    best = run(tmp_path, [*args, "--analysis", "spatial"], cases=cases, areas=FOUR, expected=expected)[0]
    assert best["members"] == ["a"]
    assert (best["observed"], best["expected"]) == (70, pytest.approx(56))
    with pytest.raises(TocsinError, match="--expected FILE"):
        run(tmp_path, [*args, "--analysis", "spatial"], cases=cases, areas=FOUR)
