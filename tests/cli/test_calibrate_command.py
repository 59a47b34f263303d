"""`tocsin calibrate` tells a p that means what it says from one that does not, on a grid and on a city's own series."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin import detect
from tocsin.cli.calibrate import command
from tocsin.detect import Detector
from tocsin.detect.nulls import Rate
from tocsin.types import Alarms

FEW = ("--daily", "--series", "60", "--steps", "20")


def run(*arguments):
    done = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_right_and_wrong_p_are_told_apart(monkeypatch, tmp_path):
    def told(factor):
        def method(panel, start):
            """Its p is that of a uniform number, times a factor."""
            y = panel.y[:, start:]
            u = np.random.default_rng(8).random(y.shape)
            return Alarms(y * 0, y * 0 + 1, np.where(u < 0.5, 2.0, 0.0), np.minimum(u * factor, 1))

        return method

    made = {f"times_{k}": Detector(f"times_{k}", told(1 / k), lambda step: 0, "made up 2020") for k in (0.1, 1, 4)}
    monkeypatch.setattr(detect, "detectors", lambda: made)
    files = ("--plot", tmp_path / "x.svg", "--out", tmp_path / "x.md")
    out = run(*FEW, "--flat", "--level", "0.05", "--json", *files).stdout
    rates = [r for r in json.loads(out)["rates"] if r["what"] == "p"]
    said = {m: {r["verdict"] for r in rates if r["method"] == m} for m in made}
    assert said == {"times_0.1": {"cautious"}, "times_1": {"fair"}, "times_4": {"liberal"}}
    assert {r["mean"] for r in rates} == {"< 0.2", "0.2 – 1", "1 – 5", "5 – 20", "≥ 20"}
    assert all(r["cells"] == 1200 for r in rates)
    alarms = [r["rate"] for r in json.loads(out)["rates"] if r["what"] == "alarm"]
    assert np.mean(alarms) == pytest.approx(0.5, abs=0.02)
    assert (tmp_path / "x.svg").exists()
    assert "| `times_4` | **" in (tmp_path / "x.md").read_text("utf-8")


def test_what_was_done_is_kept_and_another_question_is_asked_anew(tmp_path, monkeypatch):
    asked = []
    c1 = detect.DETECTORS["ears_c1"]

    def counted(panel, start, **parameters):
        asked.append(panel.y.shape)
        return c1.method(panel, start, **parameters)

    monkeypatch.setitem(detect.DETECTORS, "ears_c1", Detector("ears_c1", counted, c1.needs, c1.cite, c1.kinds))
    work = (*FEW, "--method", "ears_c1", "--work", tmp_path, "--json")
    first = run(*work).stdout
    assert run(*work).stdout == first
    assert len(asked) == 1
    assert run(*work, "--seed", 2).stdout != first
    assert run(*work, "--level", 0.1).stdout != first
    assert len(asked) == 3


def test_a_citys_own_series(tocsin, city, tmp_path):
    rng = np.random.default_rng(9)
    days = np.datetime64("2025-01-01") + np.arange(400)
    rows = [
        f"{area}-{d},{d},{d + 1},{area},{n}"
        for area, mean in ((101, 3.0), (102, 30.0))
        for d, n in zip(days, rng.poisson(mean, 400), strict=True)
    ]
    (city / "in.csv").write_text("id,onset,reported,area,n\n" + "\n".join(rows) + "\n")
    assert tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city).code == 0
    few = ("--series", 50, "--method", "baseline_nb", "--method", "ears_c2", "--out", tmp_path / "rates.csv")
    done = tocsin("calibrate", "--city", city, *few)
    assert done.code == 0, done.err
    assert "daily: 50 histories in each stratum" in done.out
    rates = pl.read_csv(tmp_path / "rates.csv")
    assert set(rates["mean"].unique()) == {"1 – 5", "≥ 20"}  # the districts', and the city's, which is their sum
    ours = rates.filter((pl.col("method") == "baseline_nb") & (pl.col("level") == 0.05))["rate"]
    assert ((ours > 0.02) & (ours < 0.08)).all()
    assert tocsin("calibrate", "--city", city, "--signal", "none").code == 2
    assert tocsin("calibrate", "--city", city, "--daily").code == 2


def test_a_city_without_counts_says_so(tocsin, city):
    done = tocsin("calibrate", "--city", city)
    assert done.code == 2
    assert "ingest" in done.err


@pytest.mark.parametrize("wrong", [("--level", "1.5"), ("--out", "x.txt"), ("--signal", "ili"), ("--plot", "x.doc")])
def test_what_cannot_be_is_refused_before_the_work(wrong, tocsin):
    assert tocsin("calibrate", *wrong).code == 2


def test_verdicts():
    from tocsin.cli.calibrated import verdict

    assert verdict(Rate(0.05, 0.04, 0.06), 0.05) == "fair"
    assert verdict(Rate(0.08, 0.07, 0.09), 0.05) == "liberal"
    assert verdict(Rate(0.01, 0.005, 0.02), 0.05) == "cautious"
    assert verdict(Rate(*[float("nan")] * 3), 0.05) == ""
