"""R equals the reference numbers: every public case, every window, to 1e-9 of its size (chance: to its own error)."""

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from golden import rt_cases as ref
from tocsin.cli.rt import command
from tocsin.estimate import aggregate, cohort, interval, rt, uncertain

LEVELS = ["q0.025", "q0.05", "q0.25", "q0.5", "q0.75", "q0.95", "q0.975"]
THREE = np.array([0.025, 0.5, 0.975])


def same(found, expected, tolerance=1e-9):
    assert found.shape == expected.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_posterior_lambda_and_warning_of_every_case():
    assert len(ref.cases()) > 100
    for case in ref.cases():
        local, imported = ref.counts(case)
        weights, windows = ref.weights(case), ref.windows(case)
        prior = {"prior_mean": case["mean_prior"], "prior_sd": case["std_prior"]}
        found = rt.estimate(local, weights, imported, windows, **prior)
        expected = ref.numbers(ref.tables("expected_r.csv")[case["id"]], "mean", "sd", *LEVELS)
        same(np.column_stack([found.mean[0], found.sd[0], found.quantiles[0]]), expected)
        _, total = rt.split(local, imported)
        same(rt.infectivity(total, weights)[0], ref.numbers(ref.tables("expected_lambda.csv")[case["id"]], "lambda"))
        warned = any("too early" in w for w in case["warnings"])
        assert rt.too_early(total[0], windows[0], **prior, cv=case["cv_posterior"]) == warned, case["id"]


def test_wallinga_teunis_of_every_case():
    spread_error, same_quantile = [], []
    for case in ref.cases():
        if not case["wallinga_teunis"]:
            continue
        local, imported = ref.counts(case)
        (found,) = cohort.estimate(local, ref.weights(case), imported, ref.windows(case), levels=THREE)
        table = ref.tables("expected_wt.csv")[case["id"]]
        np.testing.assert_array_equal(found.windows, table.select("t_start", "t_end").to_numpy())
        same(found.mean[0], ref.numbers(table, "mean"))
        if case["wt_n_sim"]:  # theirs is drawn a thousand times
            some = found.sd[0] > 1e-9
            error = ref.numbers(table, "sd_mc")[some] / found.sd[0][some] - 1
            spread_error.extend(error * np.sqrt(2 * case["wt_n_sim"]))
            same_quantile.extend(
                np.isclose(found.quantiles[0][:, [0, 2]], ref.numbers(table, "q0.025_mc", "q0.975_mc"))
            )
    assert len(spread_error) > 200
    assert np.median(np.abs(spread_error)) < 1.5
    assert np.mean(same_quantile) > 0.8  # a quantile of whole cases, near a step, may fall on either side by chance


@pytest.mark.parametrize("option", ["naive", "match"])
def test_weekly_data(option):
    for name, table in ref.tables("agg_weekly_incidence.csv").items():
        mean, sd, first = table.select("mean_si", "std_si", "recon_opt").row(0)
        if first != option:
            continue
        counts = ref.numbers(table, "count")
        weights = interval.discretised(mean, sd, 7 * counts.size)
        found, days = aggregate.estimate(counts, weights, first=option, levels=THREE)
        same(days, ref.numbers(ref.tables("agg_expected_daily.csv")[name], "incidence"))
        expected = ref.tables("agg_expected_r.csv")[name]
        np.testing.assert_array_equal(found.windows, expected.select("t_start", "t_end").to_numpy())
        got = np.column_stack([found.mean[0], found.sd[0], found.quantiles[0]])
        same(got, ref.numbers(expected, "mean", "sd", "q0.025", "q0.5", "q0.975"))


def test_uncertain_intervals_within_the_error_of_drawing():
    for name, expected in ref.tables("mc_expected_r.csv").items():
        table = ref.tables("mc_incidence.csv")[name]
        local = ref.numbers(table, "local")
        imported = None if table["imported"].null_count() == table.height else ref.numbers(table, "imported")
        if name in ref.tables("mc_si_sample.csv"):
            parts = ref.tables("mc_si_sample.csv")[name].partition_by("sample", maintain_order=True)
            intervals, weight = np.stack([ref.numbers(p, "w") for p in parts]), None
        else:
            given = ref.tables("mc_config.csv")[name].row(0)[1:]
            intervals, weight = uncertain.nodes(uncertain.Uncertain(*given), local.size)
        windows = expected.select("t_start", "t_end").to_numpy()
        found = uncertain.estimate(local, intervals, imported, windows, weight=weight, levels=THREE)
        got = np.column_stack([found.mean[0], found.sd[0], found.quantiles[0]])
        names = ("mean", "sd", "q0.025", "q0.5", "q0.975")
        want, error = ref.numbers(expected, *names), ref.numbers(expected, *(f"{n}_se" for n in names))
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        np.testing.assert_allclose(got, want, rtol=0.02)
        assert np.nanmean(np.abs(got - want) / error) < 2


def test_command_gives_the_same_numbers(tmp_path):
    case = next(c for c in ref.cases() if c["imported_given"] and c["method"] == "non_parametric_si")
    local, imported = ref.counts(case)
    steps = np.arange(1, local.size + 1)
    pl.DataFrame({"t": steps, "local": local, "imported": imported}).write_csv(tmp_path / "cases.csv")
    si = ref.weights(case)
    pl.DataFrame({"k": np.arange(si.size), "w": si}).write_csv(tmp_path / "si.csv")
    pl.DataFrame({"t_start": case["t_start"], "t_end": case["t_end"]}).write_csv(tmp_path / "windows.csv")
    args = [str(tmp_path / "cases.csv"), "--si-weights", str(tmp_path / "si.csv"), "--out", str(tmp_path / "rt.csv")]
    args += ["--windows", str(tmp_path / "windows.csv")]
    args += ["--prior-mean", str(case["mean_prior"]), "--prior-sd", str(case["std_prior"])]
    done = CliRunner().invoke(command, args)
    assert done.exit_code == 0, done.output
    table = pl.read_csv(tmp_path / "rt.csv")
    assert table.columns == ["t_start", "t_end", "mean", "sd", *LEVELS]
    same(
        ref.numbers(table, "mean", "sd", *LEVELS),
        ref.numbers(ref.tables("expected_r.csv")[case["id"]], "mean", "sd", *LEVELS),
    )
