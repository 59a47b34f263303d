"""`tocsin rt` and `tocsin nowcast` from files to files, and what they say when they cannot."""

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin.cli.nowcast import command as nowcast_command
from tocsin.cli.rt import command as rt_command
from tocsin.errors import InputError, MethodError
from tocsin.estimate import interval, rt

LOCAL = np.array([3, 5, 4, 8, 9, 14, 13, 17, 25, 22, 30, 28, 35, 40.0])
SI = ["--si-mean", "3.6", "--si-sd", "1.6"]


def ran(command, *args):
    done = CliRunner().invoke(command, [str(a) for a in args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return pl.read_csv(done.stdout.encode())


def written(path, **columns):
    pl.DataFrame(columns).write_csv(path)
    return path


def test_rt_of_two_series_by_date_with_a_gap(tmp_path):
    days = [f"2026-01-{d:02d}" for d in range(1, 15) if d != 4]
    local = np.delete(LOCAL, 3)
    file = written(
        tmp_path / "c.csv", series=["b"] * 13 + ["a"] * 13, date=days * 2, local=np.concatenate([local, 2 * local])
    )
    table = ran(rt_command, file, *SI)
    assert table["series"].unique(maintain_order=True).to_list() == ["b", "a"]
    full = LOCAL.copy()
    full[3] = 0
    expected = rt.estimate(np.stack([full, 2 * full]), interval.discretised(3.6, 1.6, 14))
    np.testing.assert_allclose(table["mean"].to_numpy(), expected.mean.ravel(), rtol=1e-12)


@pytest.mark.parametrize("method", ["epiestim", "wallinga-teunis", "tocsin"])
def test_rt_of_every_method(tmp_path, method):
    file = written(tmp_path / "c.csv", t=np.arange(1, 15), local=LOCAL, imported=np.ones(14))
    table = ran(rt_command, file, "--disease", "influenza", "--method", method, "--window", "5")
    assert table.columns[:4] == ["t_start", "t_end", "mean", "sd"]
    assert table["t_start"].to_list() == list(range(2, 11))
    assert (table["q0.025"] <= table["q0.975"]).all()


def test_rt_of_weeks_and_of_uncertain_intervals(tmp_path):
    file = written(tmp_path / "w.csv", t=np.arange(1, 6), local=LOCAL[:5] * 10)
    weekly = ran(rt_command, file, *SI, "--weekly")
    assert weekly["t_end"].to_list() == list(range(14, 36))
    daily = written(tmp_path / "c.csv", t=np.arange(1, 15), local=LOCAL)
    sure = ran(rt_command, daily, *SI)
    unsure = ran(rt_command, daily, "--si-uncertain", 3.6, 1, 2, 5.2, 1.6, 0.5, 0.6, 2.6)
    assert (unsure["sd"][-3:] > sure["sd"][-3:]).all()


def test_rt_of_weeks_with_imported_cases(tmp_path):
    local, weeks = LOCAL[:6] * 10, np.arange(1, 7)
    alone = ran(rt_command, written(tmp_path / "a.csv", t=weeks, local=local), *SI, "--weekly")
    none = ran(rt_command, written(tmp_path / "b.csv", t=weeks, local=local, imported=[0] * 6), *SI, "--weekly")
    assert none.equals(alone)
    abroad = written(tmp_path / "c.csv", t=weeks, local=local, imported=[50] * 6)
    with_imports = ran(rt_command, abroad, *SI, "--weekly")
    assert (with_imports["mean"] < alone["mean"]).all()  # others infected them, so each infected fewer
    # Where nothing grows, weeks are evenly split and R is that of the days.
    flat, some = written(tmp_path / "d.csv", t=weeks, local=[140] * 6, imported=[35] * 6), []
    for file, how in ((flat, ["--weekly"]), (None, [])):
        days = file or written(tmp_path / "e.csv", t=np.arange(1, 43), local=[20] * 42, imported=[5] * 42)
        some.append(ran(rt_command, days, *SI, *how).filter(pl.col("t_start") > 28)["mean"].to_numpy())
    np.testing.assert_allclose(some[0], some[1], rtol=0.02)
    windows = written(tmp_path / "w.csv", t_start=[15, 20], t_end=[21, 40])
    chosen = ran(rt_command, abroad, *SI, "--weekly", "--windows", windows)
    same = with_imports.filter(t_start=15, t_end=21)
    assert chosen[:1].equals(same)
    early = written(tmp_path / "v.csv", t_start=[2], t_end=[9])
    with pytest.raises(MethodError, match="can begin at step"):
        ran(rt_command, abroad, *SI, "--weekly", "--windows", early)


DAYS = "t,local\n" + "".join(f"{i},{i % 5 + 1}\n" for i in range(1, 21))
WEIGHTS = "k,w\n0,0\n1,0.5\n2,0.5\n"
WINDOWS = "t_start,t_end\n2,8\n5,9\n"


@pytest.mark.parametrize(
    ("cases", "weights", "windows", "said"),
    [
        (DAYS.replace("7,3", "7,many"), WEIGHTS, WINDOWS, "c.csv, line 8, local 'many': write a finite number"),
        (DAYS.replace("7,3", "7,inf"), WEIGHTS, WINDOWS, "c.csv, line 8, local 'inf': write a finite number"),
        (DAYS.replace("7,3", "7,-3"), WEIGHTS, WINDOWS, "c.csv, line 8, local '-3': write 0 or more"),
        (DAYS.replace("7,3", "0,3"), WEIGHTS, WINDOWS, "c.csv, line 8, t '0': write a whole number from 1"),
        (DAYS.replace("7,3", "1000000000000,3"), WEIGHTS, WINDOWS, "c.csv, line 8, t '1000000000000': write a whole"),
        (DAYS.replace("7,3", "8,3"), WEIGHTS, WINDOWS, "c.csv, line 9, t '8': this step stands twice"),
        (DAYS.replace("7,3", "\n7.5,3"), WEIGHTS, WINDOWS, "c.csv, line 9, t '7.5': write a whole number"),
        (DAYS.replace("7,3", "7,3,4"), WEIGHTS, WINDOWS, "c.csv: not a readable CSV"),
        ("t,cases,imported\n1,2,1\n", WEIGHTS, WINDOWS, "line 1: no column local (are the imported among cases?)"),
        ("date,local\n2026-01-01,1\n2026/01/02,3\n", WEIGHTS, WINDOWS, "c.csv, line 3, date '2026/01/02': write a"),
        ("date,local\n0001-01-01,1\n2026-01-02,3\n", WEIGHTS, WINDOWS, "c.csv, line 2, date '0001-01-01': write a"),
        ("date,local\n1950-01-01,1\n1950-01-02,1\n2026-01-02,3\n", WEIGHTS, WINDOWS, "line 4, date '2026-01-02': more"),
        ("day,local\n1,1\n", WEIGHTS, WINDOWS, "c.csv, line 1: no column t (1, 2, 3, …) or date"),
        ("t,local\n", WEIGHTS, WINDOWS, "c.csv: no rows"),
        ("", WEIGHTS, WINDOWS, "not a readable CSV"),
        (DAYS, WEIGHTS.replace("0,0", "0,0.1"), WINDOWS, "si.csv, line 2, w '0.1': the weight of lag 0 must be 0"),
        (DAYS, WEIGHTS.replace("2,0.5", "2,0.4"), WINDOWS, "si.csv: serial interval weights sum to 0.9"),
        (DAYS, WEIGHTS.replace("2,0.5", "1,0.5"), WINDOWS, "si.csv, line 4, k '1': this lag has a weight already"),
        (DAYS, WEIGHTS.replace("2,0.5", "2,"), WINDOWS, "si.csv, line 4, w '': a number has to stand here"),
        (DAYS, WEIGHTS.replace("2,0.5", "99999999999999,0.5"), WINDOWS, "si.csv, line 4, k '99999999999999': write a"),
        (DAYS, "k,w\n", WINDOWS, "si.csv: no weights"),
        (DAYS, WEIGHTS, WINDOWS.replace("2,8", "1,8"), "w.csv, line 2, t_start '1': write a whole number from 2 to 20"),
        (DAYS, WEIGHTS, WINDOWS.replace("5,9", "5,21"), "w.csv, line 3, t_end '21': write a whole number from 2 to 20"),
        (DAYS, WEIGHTS, WINDOWS.replace("5,9", "9,5"), "w.csv, line 3, t_end '5': the window ends before it starts"),
        (DAYS, WEIGHTS, WINDOWS.replace("5,9", "5.5,9"), "w.csv, line 3, t_start '5.5': write a whole number"),
        (DAYS, WEIGHTS, "t_start,t_end\n", "w.csv: no windows"),
    ],
)  # fmt: skip
def test_rt_names_file_line_field_and_what_to_do(tmp_path, cases, weights, windows, said):
    for name, text in (("c.csv", cases), ("si.csv", weights), ("w.csv", windows)):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        ran(rt_command, tmp_path / "c.csv", "--si-weights", tmp_path / "si.csv", "--windows", tmp_path / "w.csv")
    assert said in str(caught.value)


def test_rt_refuses_what_no_method_can_do(tmp_path):
    good = written(tmp_path / "g.csv", t=np.arange(1, 15), local=LOCAL)
    with pytest.raises(MethodError, match="does not fit"):
        ran(rt_command, written(tmp_path / "f.csv", t=[1, 2, 3], local=[1, 2, 3]), *SI)
    for bad in (["--si-mean", "inf", "--si-sd", "1"], [*SI, "--prior-sd", "inf"], [*SI, "--prior-mean", "nan"]):
        with pytest.raises(MethodError):
            ran(rt_command, good, *bad)
    assert CliRunner().invoke(rt_command, [str(good)]).exit_code == 2
    assert CliRunner().invoke(rt_command, [str(good), *SI, "--disease", "mers"]).exit_code == 2
    days = written(tmp_path / "d.csv", date=[f"2026-01-{d:02d}" for d in range(1, 20)], local=range(19))
    with pytest.raises(InputError, match="line 3, date '2026-01-02': with --weekly, dates lie whole weeks apart"):
        ran(rt_command, days, *SI, "--weekly")


def test_rt_reads_files_as_people_make_them(tmp_path):
    plain = ran(rt_command, written(tmp_path / "a.csv", t=np.arange(1, 15), local=LOCAL), *SI)
    rows = [(t, c, t % 2) for t, c in enumerate(LOCAL.astype(int).tolist(), 1)]
    mixed = "\ufeffimported , local, t\r\n" + "".join(f"NA, {c} ,{t}\r\n" for t, c, _ in rows[::-1]) + "\r\n"
    (tmp_path / "b.csv").write_bytes(mixed.encode())
    assert ran(rt_command, tmp_path / "b.csv", *SI).equals(plain)
    named = "日期,cases,series\n" + "".join(f"{t},{c},海淀\n" for t, c, _ in rows)
    (tmp_path / "c.csv").write_bytes(named.replace("日期", "t").encode("gb18030"))
    assert ran(rt_command, tmp_path / "c.csv", *SI).drop("series").equals(plain)
    late = written(tmp_path / "d.csv", t=np.arange(3, 17), local=LOCAL)
    done = CliRunner().invoke(rt_command, [str(late), *SI])
    assert "column t begins at 3" in done.stderr
    weeks = written(tmp_path / "e.csv", date=["2026-01-05", "2026-01-12", "2026-01-26"], local=[3, 4, 9])
    done = CliRunner().invoke(rt_command, [str(weeks), *SI, "--window", "1"])
    assert "dates lie 7 days apart" in done.stderr


@pytest.mark.parametrize(
    ("parts", "mean"),
    [([17, 21, 3, 15, 18, 11, 4, 11], 4), ([3, 12, 27, 21, 23, 5, 9], 4), ([19, 29, 8, 23, 19, 2], 3)],
)
def test_a_window_that_the_mean_interval_just_fills_says_nothing(parts, mean):
    """Added from left to right these weights' means miss the whole number by one unit in the last place."""
    weights = np.r_[0, np.array(parts) / 100]
    assert interval.mean_sd(weights)[0] == mean
    found = rt.estimate(LOCAL, weights, windows=np.array([[2, mean], [2, mean + 1]]))
    assert np.isnan(found.mean[0]).tolist() == [True, False]


def test_cohorts_of_a_great_epidemic_are_no_strain(tmp_path):
    file = written(tmp_path / "c.csv", t=np.arange(1, 15), local=LOCAL * 1e12)
    table = ran(rt_command, file, *SI, "--method", "wallinga-teunis")
    assert (table["q0.025"] <= table["mean"]).all()
    assert (table["mean"] <= table["q0.975"]).all()


@pytest.fixture
def lines(tmp_path):
    rng = np.random.default_rng(1)
    onset = np.repeat(np.arange(80), rng.poisson(12, 80))
    delay = rng.geometric(0.3, onset.size) - 1
    start = np.datetime64("2026-01-01")
    return written(
        tmp_path / "l.csv",
        onset=(start + onset).astype(str),
        reported=(start + onset + delay).astype(str),
        district=rng.choice(["north", "south"], onset.size),
    )


def test_nowcast_of_a_line_list_as_of_a_day(lines):
    table = ran(nowcast_command, lines, "--reference", "onset", "--report", "reported", "--as-of", "2026-03-05")
    assert table["reference"][-1] == "2026-03-05"
    assert table["age"].to_list() == list(range(table.height))[::-1]
    whole = pl.read_csv(lines)
    known = whole.filter((pl.col("onset") == "2026-03-05") & (pl.col("reported") <= "2026-03-05")).height
    assert table["reported"][-1] == known
    assert table["mean"][-5:].sum() == pytest.approx(60, rel=0.35)
    assert (table["reported"] <= table["mean"] + 1e-9).all()


def test_nowcast_strata_add_up_and_windows_sum(lines):
    names = ["--reference", "onset", "--report", "reported", "--as-of", "2026-03-05", "--max-delay", "15"]
    table = ran(nowcast_command, lines, *names, "--by", "district", "--total", "--window", "7")
    assert table["district"].unique(maintain_order=True).to_list() == ["north", "south", "total"]
    parts = table.filter(pl.col("district") != "total").group_by("reference").agg(pl.col("reported", "mean").sum())
    both = table.filter(district="total").join(parts, on="reference")
    np.testing.assert_allclose(both["reported"], both["reported_right"])
    np.testing.assert_allclose(both["mean"], both["mean_right"])


def test_nowcast_of_weeks_from_counts(tmp_path, lines):
    counted = pl.read_csv(lines).group_by("onset", "reported").len("n")
    counted.write_csv(tmp_path / "n.csv")
    names = ["--reference", "onset", "--report", "reported", "--as-of", "2026-03-12", "--step", "week"]
    one = ran(nowcast_command, lines, *names)
    other = ran(nowcast_command, tmp_path / "n.csv", *names, "--count", "n")
    assert one.equals(other)
    assert one["reference"][-1] == "2026-03-09"  # the Monday of that Thursday's week


def test_nowcast_says_what_is_wrong(tmp_path, lines):
    with pytest.raises(InputError, match="no column known"):
        ran(nowcast_command, lines, "--reference", "onset", "--report", "known", "--as-of", "2026-03-05")
    with pytest.raises(InputError, match="no line was reported by"):
        ran(nowcast_command, lines, "--reference", "onset", "--report", "reported", "--as-of", "2025-03-05")
    bad = CliRunner().invoke(
        nowcast_command, [str(lines), "--reference", "onset", "--report", "reported", "--as-of", "today"]
    )
    assert bad.exit_code == 2
