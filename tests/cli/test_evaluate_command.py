"""`tocsin evaluate` says what the library measures, goes on where it stopped, and takes any registered detector."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin import detect
from tocsin.cli import kept, methods
from tocsin.cli.evaluate import command
from tocsin.detect import Detector, ears, evaluate, scenarios
from tocsin.errors import MethodError
from tocsin.types import Alarms

FEW = ("--weekly", "--series", "8", "--method", "ears_c1", "--method", "ears_c2:alpha=0.01")


def run(*arguments):
    done = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_says_what_the_library_measures(tmp_path):
    told = json.loads(run(*FEW, "--json", "--out", tmp_path / "x.csv", "--plot", tmp_path / "x.svg"))
    parts = [scenarios.weekly(np.random.default_rng([1, i]), 1, only=[i]) for i in range(42)]
    y = np.concatenate([p.panel.y for p in parts])
    drawn = parts[0]._replace(
        panel=detect.panel(y, first="2010-01-04", step="1w"),
        cases=np.concatenate([p.cases for p in parts]),
        size=np.concatenate([p.size for p in parts]),
    )
    wanted = evaluate.evaluate([detect.detector("ears_c2", alpha=0.01)], drawn, np.random.default_rng(1))[0]
    found = {r["measure"]: r for r in told["weekly"] if r["method"] == "ears_c2:alpha=0.01"}
    assert set(found) == set(evaluate.MEASURES)
    for m in evaluate.MEASURES:
        assert found[m]["value"] == pytest.approx(getattr(wanted, m).value)
        assert found[m]["low"] <= found[m]["value"] <= found[m]["high"]
    shown = pl.read_csv(tmp_path / "x.csv")
    assert shown.columns == ["design", "method", "group", "skipped", "measure", "value", "low", "high"]
    assert shown["value"].to_list() == pytest.approx([r["value"] for r in told["weekly"]])
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")


def test_it_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = run(*FEW, "--json")
    asked = []
    judge = ears.c1

    def interrupted(panel, start, **parameters):
        asked.append(len(asked))
        if len(asked) == 10:
            raise KeyboardInterrupt
        return judge(panel, start, **parameters)

    c1 = detect.DETECTORS["ears_c1"]
    monkeypatch.setitem(detect.DETECTORS, "ears_c1", Detector("ears_c1", interrupted, c1.needs, c1.cite, c1.kinds))
    work = ("--work", tmp_path / "w")
    assert CliRunner().invoke(command, [*FEW, *map(str, work)]).exit_code == 1
    assert len(asked) == 10
    assert run(*FEW, *work, "--json") == whole
    assert len(asked) == 10 + 42 - 9  # the nine that were done are not asked again
    assert run(*FEW, *work, "--json") == whole
    assert len(asked) == 10 + 42 - 9
    assert run(*FEW, *work, "--json", "--seed", 2) != whole


def test_a_piece_cut_short_is_made_anew(tmp_path):
    store = kept.Kept(tmp_path)
    made = store.get(("q",), lambda: {"a": np.arange(3)})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:50])
    again = store.get(("q",), lambda: {"a": np.arange(3)})
    np.testing.assert_array_equal(made["a"], again["a"])
    np.testing.assert_array_equal(store.get(("q",), dict)["a"], np.arange(3))


def test_a_detector_appears_by_being_registered(monkeypatch):
    def prophet(panel, start):
        """Alarms at everything."""
        y = panel.y[:, start:]
        return Alarms(y * 0, y * 0 + 1, y * 0 + 2, y * np.nan)

    def weekly_only(step):
        if step != 7 * 1440:
            raise MethodError("weeks only")
        return 0

    monkeypatch.setattr(detect, "DETECTORS", {"prophet": Detector("prophet", prophet, weekly_only, "Delphi (2020)")})
    monkeypatch.setattr(detect, "detectors", lambda: detect.DETECTORS)
    told = json.loads(run("--weekly", "--series", "8", "--by", "size", "--json"))
    found = {(r["group"], r["measure"]): r["value"] for r in told["weekly"]}
    assert {r["method"] for r in told["weekly"]} == {"prophet"}
    assert found["all", "fpr"] == found["all", "pod"] == found["10 sd", "pod_first"] == 1
    assert found["all", "timeliness"] == 0
    assert methods.methods([], step=1440) == {}
    # One that is asked for by name and cannot is left out with its reason.
    refused = CliRunner().invoke(command, ["--weekly", "--series", "8", "--method", "oracle"])
    assert isinstance(refused.exception, MethodError)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--series", "9"),
        ("--fpr", "0"),
        ("--out", "figures.txt"),
        ("--method", "ears_c1:alpha"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(wrong):
    done = CliRunner().invoke(command, ["--weekly", *wrong])
    assert done.exit_code == 2
    assert "Usage" in done.output
