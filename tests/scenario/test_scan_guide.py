"""docs/guides/scan.md as printed: its configuration in a fresh city, its commands on files, its Python."""

import json
import os
import re
import shlex
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from grid import CITY, DAYS, FIRST, SIDE, START, areas, counts, put, squares
from tidy.rules import ROOT
from tocsin import cli, loop, views
from tocsin.calendar import end_of_day
from tocsin.desk import open_desk
from tocsin.scan import Stream, Study
from tocsin.scan.periods import intervals

GUIDE = (ROOT / "docs" / "guides" / "scan.md").read_text("utf-8")
DAY0 = FIRST.toordinal() - date(1970, 1, 1).toordinal()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def run(*words: object) -> str:
    done = CliRunner().invoke(cli._tocsin, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.skipif("TOCSIN_TEST_STORE" in os.environ, reason="the commands would open another store")
def test_new_yorks_configuration_runs_in_a_fresh_city(tmp_path):
    (printed,) = blocks("toml")
    folder = tmp_path / "city"
    folder.mkdir()
    (folder / "city.toml").write_text(CITY.format(more="").split("[[scans]]")[0] + printed, "utf-8")
    (folder / "areas.csv").write_text(areas(), "utf-8")
    (folder / "areas.geojson").write_text(squares(), "utf-8")
    assert "scan daily: permutation by street; clusters of 2 to 30 days in 365" in run("check", "--city", folder)
    desk = open_desk(folder, {})
    put(desk, counts(6), "all")
    for index in range(START + 1, START + 4):
        loop.tick(desk, end_of_day(FIRST + timedelta(days=index), desk.tz), strict=True)
    at = (FIRST + timedelta(days=START + 3)).isoformat()
    scans = {s["signal"]: s for s in views.clusters(desk, None, at, 2**60)["scans"]}
    assert scans.keys() == {"cases", "other"}, "every count signal by days"
    (found,) = scans["cases"]["clusters"]
    assert found["recurrence_days"] >= 100
    assert found["end"] == (FIRST + timedelta(days=START + 2)).isoformat(), "the study ends the day before"
    assert "daily" in {s["scan"] for s in scans.values()}
    assert "cases" in run("clusters", "--city", folder, "--as-of", at)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the guide's commands read: cases and areas of the grid, and its streets joined to their neighbours."""
    y = counts(6)
    rows = [
        f"{a // SIDE}{a % SIDE},{FIRST + timedelta(days=t)},{n}" for (a, t), n in np.ndenumerate(y[:, : START + 4]) if n
    ]
    (tmp_path / "cases.csv").write_text("location_id,date,n\n" + "\n".join(rows) + "\n")
    at = [f"{i}{j},{31 + i / 50},{121 + j / 50}" for i in range(SIDE) for j in range(SIDE)]
    (tmp_path / "areas.csv").write_text("location_id,latitude,longitude\n" + "\n".join(at) + "\n")
    roads = [f"{i}{j},{i}{j + 1}\n{j}{i},{j + 1}{i}" for i in range(SIDE) for j in range(SIDE - 1)]
    (tmp_path / "roads.csv").write_text("from,to\n" + "\n".join(roads) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_on_files_run_as_printed(files: Path):
    pytest.importorskip("matplotlib")
    lines = [c for b in blocks("sh") for c in b.replace("\\\n", " ").splitlines() if c.startswith("tocsin scan")]
    ran = 0
    for line in lines:
        words = shlex.split(line)[1:]
        if "--prm" in words:
            continue  # a SaTScan user's own file; tests/golden runs those
        shown, ran = run(*words), ran + 1
        if "--out" not in words:
            assert "2026-04-2" in shown
    assert ran == 2
    (first, *_) = json.loads((files / "clusters.geojson").read_text())["features"]
    assert first["properties"]["center"] == "12"
    picture = (files / "clusters.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(picture) > 10_000


def test_the_python_runs_as_printed():
    points = np.array([(31 + i / 50, 121 + j / 50) for i in range(SIDE) for j in range(SIDE)])
    codes = tuple(f"{i}{j}" for i in range(SIDE) for j in range(SIDE))
    edges = intervals(DAY0, DAY0 + DAYS - 1, "day", 1)
    y = counts(8, days=DAYS - START)
    study = Study(codes, points, True, edges, (Stream(y),))
    quiet = Study(codes, points, True, edges, (Stream(counts(0)),))
    one, two = blocks("python")
    said: dict = {"studies": {"salmonella": study, "listeria": quiet}}
    exec(one, said)
    assert said["signals"]["salmonella"]
    assert not said["signals"]["listeria"]
    assert said["q"]["salmonella"] < 0.01 < said["q"]["listeria"]
    said = {"nowcast": y, "points": points, "codes": codes, "edges": edges, "expected": np.full(y.shape, 2.0)}
    exec(two, said)
    assert "12" in said["found"].clusters[0].members


@pytest.mark.parametrize("more", ["--analysis spatial --replicates 0", "--replicates 99 --max-days 9"])
def test_a_map_is_drawn_with_many_clusters_and_without_p(files: Path, more: str):
    pytest.importorskip("matplotlib")
    (files / "people.csv").write_text("\n".join(f"{i}{j},2026,1000" for i in range(SIDE) for j in range(SIDE)))
    asked = ("--cases", "cases.csv", "--areas", "areas.csv", "--population", "people.csv", "--model", "poisson")
    run("scan", *asked, *more.split(), "--map", "map.svg")
    assert "<svg" in (files / "map.svg").read_text("utf-8")
