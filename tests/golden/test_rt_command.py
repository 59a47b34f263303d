"""`tocsin rt`, file to file: every public case through the command line, by every way of giving an interval."""

import numpy as np
import polars as pl
from click.testing import CliRunner

from golden import rt_cases as ref
from tocsin.cli.rt import command

LEVELS = ["q0.025", "q0.05", "q0.25", "q0.5", "q0.75", "q0.95", "q0.975"]
THREE = ["q0.025", "q0.5", "q0.975"]


def ran(folder, table, *args):
    """The table that the command writes for a table of cases, as users would call it."""
    file, out = folder / "cases.csv", folder / "rt.csv"
    table.write_csv(file)
    done = CliRunner().invoke(command, [str(a) for a in (file, *args, "--out", out)])
    assert done.exit_code == 0, (args, done.output, done.exception)
    return pl.read_csv(out, infer_schema_length=None)


def written(path, **columns):
    pl.DataFrame(columns).write_csv(path)
    return path


def options(case, folder):
    """The interval and the windows of a case, as options."""
    if case["method"] == "parametric_si":
        interval = ["--si-mean", repr(case["mean_si"]), "--si-sd", repr(case["std_si"])]
    else:
        si = ref.weights(case)
        interval = ["--si-weights", written(folder / "si.csv", k=np.arange(si.size), w=si)]
    windows = written(folder / "windows.csv", t_start=case["t_start"], t_end=case["t_end"])
    return [*interval, "--windows", windows]


def cases_of(case):
    local, imported = ref.counts(case)
    columns = {"t": np.arange(1, local.size + 1), "local": local}
    return pl.DataFrame(columns if imported is None else columns | {"imported": imported}).fill_nan(None)


def same(found, expected, tolerance=1e-9):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_every_case_by_window(tmp_path):
    for case in ref.cases():
        prior = ["--prior-mean", repr(case["mean_prior"]), "--prior-sd", repr(case["std_prior"])]
        table = ran(tmp_path, cases_of(case), *options(case, tmp_path), *prior)
        assert table.columns == ["t_start", "t_end", "mean", "sd", *LEVELS]
        expected = ref.tables("expected_r.csv")[case["id"]]
        names = ("mean", "sd", *LEVELS)
        same(ref.numbers(table, *names), ref.numbers(expected, *names))


def test_every_cohort(tmp_path):
    seen = 0
    for case in ref.cases():
        if case["wallinga_teunis"]:
            table = ran(tmp_path, cases_of(case), *options(case, tmp_path), "--method", "wallinga-teunis")
            expected = ref.tables("expected_wt.csv")[case["id"]]
            assert table.select("t_start", "t_end").rows() == expected.select("t_start", "t_end").rows()
            same(ref.numbers(table, "mean"), ref.numbers(expected, "mean"))
            seen += 1
    assert seen > 20


def test_every_weekly_case(tmp_path):
    for name, weeks in ref.tables("agg_weekly_incidence.csv").items():
        mean, sd, first = weeks.select("mean_si", "std_si", "recon_opt").row(0)
        counts = ref.numbers(weeks, "count")
        table = pl.DataFrame({"t": np.arange(1, counts.size + 1), "local": counts})
        found = ran(tmp_path, table, "--si-mean", mean, "--si-sd", sd, "--weekly", "--first-week", first)
        expected = ref.tables("agg_expected_r.csv")[name]
        assert found.select("t_start", "t_end").rows() == expected.select("t_start", "t_end").rows()
        same(ref.numbers(found, "mean", "sd", *THREE), ref.numbers(expected, "mean", "sd", *THREE))


def test_every_uncertain_interval_within_the_error_of_drawing(tmp_path):
    for name, expected in ref.tables("mc_expected_r.csv").items():
        given = ref.tables("mc_incidence.csv")[name]
        local = given["local"]
        columns = {"t": np.arange(1, len(local) + 1), "local": local}
        if given["imported"].null_count() < given.height:
            columns["imported"] = given["imported"]
        if name in ref.tables("mc_si_sample.csv"):
            samples = ref.tables("mc_si_sample.csv")[name]
            lag = next(c for c in samples.columns if c in ("k", "lag"))
            samples = samples.select("sample", pl.col(lag).alias("k"), "w")
            samples.write_csv(tmp_path / "samples.csv")
            how = ["--si-samples", tmp_path / "samples.csv"]
        else:
            how = ["--si-uncertain", *map(repr, ref.tables("mc_config.csv")[name].row(0)[1:])]
        expected.select("t_start", "t_end").write_csv(tmp_path / "w.csv")
        found = ran(tmp_path, pl.DataFrame(columns), *how, "--windows", tmp_path / "w.csv")
        names = ("mean", "sd", *THREE)
        got, want = ref.numbers(found, *names), ref.numbers(expected, *names)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_allclose(got, want, rtol=0.02)
