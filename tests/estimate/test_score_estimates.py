"""Nowcasts judged by themselves: nothing later is shown, points are what they are called, and a stopped run goes on."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin.cli.score_estimates import command
from tocsin.errors import InputError, MethodError
from tocsin.estimate import judged, nowcast

SHARE = np.array([0.4, 0.3, 0.2, 0.1])


def counts(steps=60, strata=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(40 * SHARE, (strata, steps, 4)).astype(float)


def test_the_plain_ladder_is_exact_where_delays_never_change():
    whole = np.outer(np.arange(20, 40), SHARE)[None] * 10
    np.testing.assert_allclose(judged.chain_ladder(judged.as_of(whole, 19))[0], 10.0 * np.arange(20, 40))


def test_nothing_reported_later_is_shown():
    table = counts()
    later = table.copy()
    later[:, np.add.outer(np.arange(60), np.arange(4)) > 40] += 1000
    one, other = (judged.judge(t, 40, step_days=7.0) for t in (table, later))
    np.testing.assert_array_equal(one.quantiles, other.quantiles)
    np.testing.assert_array_equal(one.ladder, other.ladder)
    np.testing.assert_array_equal(one.reported, other.reported)
    assert (one.truth[:, :3] < other.truth[:, :3]).all()


def test_rows_are_means_of_the_nowcasts():
    table = counts()
    steps = judged.steps_to_judge(60, 4, every=5)
    assert list(steps) == [8, 13, 18, 23, 28, 33, 38, 43, 48, 53]
    found = list(judged.replay(table, steps, step_days=7.0))
    rows = judged.summary(found, groups=(1, 2))
    assert [(r.first, r.last, r.n) for r in rows] == [(0, 0, 20), (1, 1, 20), (2, 3, 40), (0, 3, 80)]
    newest = np.stack([f.truth[:, 0] - f.reported[:, 0] for f in found])
    assert rows[0].reported == pytest.approx(newest.mean())
    assert rows[0].wis < rows[0].ladder < rows[0].reported
    median = nowcast.LEVELS.tolist().index(0.5)
    shift = sum((f.quantiles[:, 0, median] - f.truth[:, 0]).sum() for f in found)
    assert rows[0].shift == pytest.approx(shift / sum(f.truth[:, 0].sum() for f in found))


def test_what_has_not_all_come_is_not_judged():
    with pytest.raises(MethodError, match="not all come"):
        judged.judge(counts(), 57)
    with pytest.raises(MethodError, match="more history"):
        judged.summary([])


@pytest.fixture
def lines(tmp_path):
    rng = np.random.default_rng(1)
    onset = np.repeat(np.arange(90), rng.poisson(20, 90))
    reported = onset + np.minimum(rng.geometric(0.4, onset.size) - 1, 8)
    start = np.datetime64("2026-01-01")
    file = tmp_path / "l.csv"
    columns = {"onset": (start + onset).astype(str), "reported": (start + reported).astype(str)}
    pl.DataFrame({**columns, "district": rng.choice(["north", "south"], onset.size)}).write_csv(file)
    return file


def ran(*args):
    done = CliRunner().invoke(command, [str(a) for a in args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


BASE = ("--reference", "onset", "--report", "reported", "--every", 8, "--draws", 200)


def test_a_stopped_run_goes_on_and_says_the_same(lines, tmp_path):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    by = ("--by", "district", "--total", "--ages", 5, "--json")
    first = json.loads(ran(lines, *BASE, *by, "--out", whole))
    assert first["all"]["wis"] < first["all"]["reported"]
    assert first["strata"] == 3
    assert [row["first"] for row in first["by_age"]] == [0, 1, 2, 3, 4]
    text = whole.read_text("utf-8")
    part.write_text(text[: len(text) * 2 // 3], "utf-8")  # cut in the middle of a line
    assert json.loads(ran(lines, *BASE, *by, "--out", part)) == first
    assert part.read_text("utf-8") == text
    assert json.loads(ran(lines, *BASE, *by, "--out", part)) == first
    table = pl.read_csv(whole)
    assert table.height == first["dates"] * 3 * 5
    raw = pl.read_csv(lines).filter((pl.col("onset") == "2026-02-10") & (pl.col("district") == "north")).height
    assert set(table.filter(stratum="north", reference="2026-02-10")["truth"]) <= {raw}


def test_another_file_of_scores_is_not_touched(lines, tmp_path):
    out = tmp_path / "s.csv"
    ran(lines, *BASE, "--out", out)
    before = out.read_bytes()
    with pytest.raises(InputError, match="other data or settings"):
        ran(lines, *BASE, "--out", out, "--seed", 5)
    assert out.read_bytes() == before


def test_table_picture_and_what_cannot_be(lines, tmp_path):
    shown = ran(lines, *BASE, "--plot", tmp_path / "p.png")
    assert "chain ladder" in shown
    assert "of a plain chain ladder" in " ".join(shown.split())
    assert (tmp_path / "p.png").stat().st_size > 10_000
    with pytest.raises(MethodError, match="no as-of date to judge"):
        ran(lines, *BASE, "--from", "2027-01-01")


def test_a_year_that_cannot_be_is_left_out(lines, tmp_path):
    """A slip such as the year 1 would make a table of two thousand years."""
    slip = tmp_path / "slip.csv"
    slip.write_text(lines.read_text("utf-8") + "0001-01-01,2026-02-01,north\n2026-01-05,9999-01-01,north\n", "utf-8")
    assert ran(slip, *BASE, "--json") == ran(lines, *BASE, "--json")
