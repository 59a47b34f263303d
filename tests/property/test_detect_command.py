"""`tocsin detect` judges a table as the library judges its panel, and says in words what it cannot read."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from golden.surveillance import case
from shared import shared
from tocsin import detect
from tocsin.cli.detect import command
from tocsin.cli.detectors import command as list_command
from tocsin.errors import InputError, MethodError


def run(*arguments):
    done = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return pl.read_csv(done.stdout.encode(), infer_schema_length=None)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("ears_C2_edgew", "ears"),
        ("ff_edgew_default", "farrington_flexible"),
        ("bayes2_edgew", "bayes"),
        ("cusum_rossi_campy_glm", "cusum"),
        ("cusum_reset_agona", "cusum"),
        ("glrpois_agona_cases", "glr_poisson"),
        ("glrnb_newportDE_vign", "glr_nb"),
        ("outbreakP_m1_cases", "outbreak_p"),
    ],
)
def test_reference_runs_through_the_command(tmp_path, name, method):
    c = case(name)
    cases = {x["id"]: x for x in json.loads(shared("goldens/surveillance/cases.json").read_text())["cases"]}
    meta = cases[name]
    settings = [f for k, v in meta["control"].items() for f in ("--set", f"{k}={json.dumps(v)}")]
    source = shared(f"goldens/surveillance/data/{meta['dataset']}.csv")
    first, last = meta["range"]
    shown = run(source, "--method", method, "--range", f"{first}:{last}", *settings, "--set", "compat=surveillance")
    assert shown.columns == ["series", "t", "date", "observed", "expected", "upper", "score", "p", "alarm"]
    upper = shown["upper"].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(c.columns["upperbound"].shape)
    np.testing.assert_allclose(upper, c.columns["upperbound"], rtol=1e-9, atol=1e-12)
    alarm = shown["alarm"].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(c.columns["alarm"].shape)
    np.testing.assert_array_equal(alarm, c.columns["alarm"])
    assert shown["t"][0] == first


def test_long_and_wide_say_the_same_and_gaps_are_not_zeros(tmp_path):
    rng = np.random.default_rng(1)
    y = rng.poisson(4, (2, 30))
    days = [str(np.datetime64("2026-01-01") + i) for i in range(30)]
    long = ["date,series,count"] + [
        f"{days[t]},{'ab'[s]},{y[s, t]}" for s in range(2) for t in range(30) if (s, t) != (1, 20)
    ]
    wide = ["date,a,b"] + [f"{days[t]},{y[0, t]},{y[1, t] if t != 20 else ''}" for t in range(30)]
    ours = [
        run(write(tmp_path / f"{n}.csv", "\n".join(lines)), "--method", "ears_c1", "--from", "2026-01-15")
        for n, lines in (("long", long), ("wide", wide))
    ]
    assert ours[0].equals(ours[1])
    held = y.astype(float)
    held[1, 20] = np.nan
    alarms = detect.detector("ears_c1").run(detect.panel(held, first="2026-01-01"), 14)
    np.testing.assert_allclose(ours[0]["p"].fill_null(np.nan), alarms.p.ravel(), equal_nan=True)
    assert ours[0].filter((pl.col("series") == "b") & (pl.col("date") == "2026-01-21"))["alarm"][0] is None


def test_gb18030_parquet_and_months(tmp_path):
    months = [str(np.datetime64("2020-01", "M") + i) + "-01" for i in range(40)]
    text = "date,series,count\n" + "\n".join(f"{m},三民區,{i % 5}" for i, m in enumerate(months))
    source = tmp_path / "months.csv"
    source.write_bytes(text.encode("gb18030"))
    out = tmp_path / "out.parquet"
    done = CliRunner().invoke(
        command, [str(source), "--method", "bayes", "--set", "b=1", "--set", "w=2", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    shown = pl.read_parquet(out)
    assert shown["series"][0] == "三民區"
    assert shown["t"][0] == 12 + 2 + 1


def test_a_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    source = write(tmp_path / "x.csv", "t,count\n" + "\n".join(f"{t},{t % 4}" for t in range(1, 60)))
    run(source, "--method", "ears_c1", "--plot", tmp_path / "x.svg")
    assert "<svg" in (tmp_path / "x.svg").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when,count\n2026-01-01,1", "no column of time.*its columns are: when, count"),
        ("date,count\n2026-01-01,1\n01/02/2026,2", "row 3: date is '01/02/2026'; write 2026-03-02"),
        ("date,count\n2026-01-01,1\n2026-01-02,many", "row 3: count is 'many'; write a number"),
        ("date,count\n2026-01-01,1\n2026-01-01,2", "one time"),
        ("date,series,count\n2026-01-01,a,1\n2026-01-02,a,1\n2026-01-02,a,2", "'a' has the same time twice"),
        ("t,count\n1,2\n999999999999,3", "span 999,999,999,998 steps; one of them is mistyped"),
        ("t,count\n1,2\n1.5,3", "t is a step's whole number"),
        ("date,count", "no rows"),
        ("", "cannot be read as a table"),
    ],
)
def test_bad_tables_are_refused_in_words(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        run(write(tmp_path / "bad.csv", text), "--method", "ears_c1", "--range", "1:2")


def test_too_little_history_says_what_to_do(tmp_path):
    source = write(tmp_path / "x.csv", "t,count\n" + "\n".join(f"{t},1" for t in range(1, 9)))
    with pytest.raises(MethodError, match="asks for 9 steps of history and the table has 8"):
        run(source, "--method", "ears_c2")
    with pytest.raises(MethodError, match="there is no detector 'nose'"):
        run(source, "--method", "nose")
    assert len(run(source, "--method", "ears_c2", "--range", "1:8")) == 8


def test_a_table_shorter_than_the_history_asked_for_is_judged_with_what_there_is(tmp_path):
    counts = np.random.default_rng(2).poisson(9, 120)
    lines = [f"{d},{n}" for d, n in zip(np.datetime64("2026-01-01") + np.arange(120), counts, strict=True)]
    source = write(tmp_path / "x.csv", "\n".join(["date,count", *lines]))
    said = CliRunner().invoke(command, [str(source), "--method", "baseline_nb"], catch_exceptions=False)
    assert "asks for 2,625 steps of history and the table has 120 in all; steps are judged with what" in " ".join(
        said.stderr.split()
    )
    found = run(source, "--method", "baseline_nb")
    assert found["t"].to_list() == list(range(1, 121))
    assert found["score"].null_count() == 28
    alarms = detect.detector("baseline_nb").run(detect.panel(counts, first="2026-01-01"), 0)
    np.testing.assert_allclose(found["p"].fill_null(np.nan), alarms.p[0], rtol=1e-12)


def test_detectors_are_listed():
    listed = json.loads(CliRunner().invoke(list_command, ["--json"]).stdout)
    assert [d["name"] for d in listed] == list(detect.detectors())
    assert [d["name"] for d in listed if d["default"]] == ["baseline_nb"]
    ears = next(d for d in listed if d["name"] == "ears_c1")
    assert ears["history"] == {"day": 7, "week": 7}
    assert ears["parameters"]["alpha"] == 0.001
    assert "ears_c1" in CliRunner().invoke(list_command, []).stdout
