"""SaTScan's runs through `tocsin scan --prm FILE`: what the written file says, replicates and all."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from shared import SHARED, shared
from tocsin.cli.scan import command

GOLDENS = SHARED / "goldens/scan"
INDEX = json.loads((GOLDENS / "index.json").read_text()) if GOLDENS.exists() else []
SMALL = ("nm_brain.", "nyc_fever.", "nhumberside.", "salmonella_agona.", "kaohsiung_dengue_2014.")
RUNS = [run["run_id"] for run in INDEX if run["run_id"].startswith(SMALL)]


def written(run: str, tmp: Path) -> tuple[dict, dict]:
    """Our file and SaTScan's clusters."""
    folder = shared(f"goldens/scan/{run}")
    out = tmp / "found.json"
    done = CliRunner().invoke(command, ["--prm", str(folder / "run.prm"), "--out", str(out)])
    assert done.exit_code == 0, done.exception
    return json.loads(out.read_text()), json.loads((folder / "golden.json").read_text())


def near(ours: float | None, theirs: float) -> bool:
    return ours is not None and abs(ours - theirs) <= 1e-8 * max(abs(theirs), 1)


def p_agrees(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= 3.5 * np.sqrt(2 * theirs * (1 - theirs) / 1000) + 0.001


@pytest.mark.parametrize("run", RUNS)
def test_the_file_written_says_what_satscan_said(run: str, tmp_path: Path) -> None:
    ours, theirs = written(run, tmp_path)
    replayed = ours["model"] != "poisson"  # SaTScan's own replicates: ranks, and which clusters are the last, are equal
    assert len(ours["clusters"]) == len(theirs["clusters"]) or not replayed
    assert len(ours["clusters"]) >= len(theirs["clusters"])
    for c, g in zip(ours["clusters"], theirs["clusters"], strict=False):
        assert c["center"] == g["center_location_id"]
        assert c["members"] == g.get("members", c["members"])
        for edge in ("start", "end"):  # theirs may be a year or unpadded
            assert c[edge].startswith("-".join(part.zfill(2) for part in g[edge].split("/")))
        assert c["observed"] == g["observed"]
        assert "satscan_defect" in g or near(c["expected"], g["expected"])
        assert g.get("relative_risk") is None or near(c["relative_risk"], g["relative_risk"])
        assert near(c["llr"], g.get("llr", g.get("test_statistic")))
        assert "radius" not in g or g["radius"] is None or near(c["radius"], g["radius"])
        for ours_at, theirs_at in (("latitude", "lat"), ("longitude", "lon"), ("x", "x"), ("y", "y")):
            assert g.get(theirs_at) is None or near(c[ours_at], g[theirs_at])
        assert p_agrees(c["p_value"], g["p_value"])
        if replayed:
            assert c["rank"] == g["monte_carlo_rank"]
        assert (c["recurrence_interval_days"] is not None) == ("recurrence_interval_days_rounded" in g)


def test_purely_temporal_scans_report_the_same_further_windows(tmp_path: Path) -> None:
    """One place gives one cluster, however many windows stand out."""
    runs = [r["run_id"] for r in INDEX if "purely temporal" in r["analysis"]] or [shared("goldens/scan")]
    assert len(runs) >= 9
    for run in runs:
        ours, theirs = written(run, tmp_path)
        assert [(c["observed"], round(c["llr"], 8)) for c in ours["clusters"]] == [
            (g["observed"], pytest.approx(g["llr"], abs=1e-8)) for g in theirs["clusters"]
        ], run
