"""Nowcasts judged as of past days on real triangles: better than what they must beat, and as sure as they say."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from shared import shared
from tocsin.estimate import nowcast, scores

LEVELS = nowcast.LEVELS


def as_of(counts, step):
    """The triangle (…, step + 1, D + 1) as it stood at a step, NaN where not yet due."""
    seen = counts[:, : step + 1].copy()
    seen[:, np.add.outer(np.arange(step + 1), np.arange(counts.shape[2])) > step] = np.nan
    return seen


def ladder(triangle, window):
    """The plain chain ladder without weekdays or memory: what a spreadsheet would do. Sums (S, H)."""
    steps, size = triangle.shape[1:]
    known = np.cumsum(np.nan_to_num(triangle), axis=2)
    grow = np.ones(size)
    for d in range(1, size):
        grow[d] = known[:, : steps - d, d].sum() / known[:, : steps - d, d - 1].sum()
    to_come = np.array([np.prod(grow[age + 1 :]) for age in range(size)])
    final = np.array(
        [known[:, steps - 1 - a, min(a, size - 1)] * (to_come[a] if a < size else 1) for a in range(steps)]
    ).T
    total = np.cumsum(np.concatenate([np.zeros((len(final), 1)), final], axis=1), axis=1)
    return total[:, window:] - total[:, :-window]


@pytest.fixture(scope="module")
def german():
    table = pl.read_parquet(shared("data/nowcast/de_covid_hosp/triangle_DE_ages.parquet"))
    first = table["reference_date"].min()
    assert isinstance(first, date)
    ages = sorted(table["age_group"].unique())
    counts = np.zeros((len(ages), (table["reference_date"].max() - first).days + 1, 41))
    where = [ages.index(a) for a in table["age_group"]], (table["reference_date"] - first).dt.total_days().to_numpy()
    counts[*where, table["delay"].to_numpy()] = table["count"].to_numpy()
    return ages, first, counts


def judged(counts, first, steps, window, ages):
    """WIS and coverage of nowcasts as of several steps; mean absolute errors of the plain ladder and of the reports."""
    final = np.cumsum(np.concatenate([np.zeros((len(counts), 1)), counts.sum(axis=2)], axis=1), axis=1)
    wis, half, most, plain, raw = [], [], [], [], []
    for step in steps:
        seen = as_of(counts, step)
        found = nowcast.nowcast(seen, np.random.default_rng(1), weekday=first.weekday(), draws=500)
        draws = nowcast.windowed(found, seen, window)[:, :ages]
        quantiles = np.moveaxis(np.quantile(draws, LEVELS, axis=-1), 0, -1)
        ends = step - np.arange(ages)
        truth = final[:, ends + 1] - final[:, ends + 1 - window]
        wis.append(scores.wis(quantiles, LEVELS, truth).mean())
        half.append(scores.covered(quantiles, LEVELS, truth, 0.5).mean())
        most.append(scores.covered(quantiles, LEVELS, truth, 0.95).mean())
        plain.append(np.abs(ladder(seen, window)[:, :ages] - truth).mean())
        reported = np.cumsum(np.concatenate([np.zeros((len(seen), 1)), np.nansum(seen, axis=2)], axis=1), axis=1)
        raw.append(np.abs(reported[:, ends + 1] - reported[:, ends + 1 - window] - truth).mean())
    return tuple(float(np.mean(x)) for x in (wis, half, most, plain, raw))


def test_german_hospitalisations(german):
    _, first, counts = german
    steps = range(90, counts.shape[1] - 41, 7)
    wis, half, most, plain, raw = judged(counts[:1], first, steps, 7, 29)
    assert wis < 0.6 * plain
    assert wis < 0.1 * raw
    assert 0.35 < half < 0.65
    assert most > 0.88
    wis, half, most, plain, raw = judged(counts[1:], first, steps, 7, 29)
    assert wis < 0.7 * plain
    assert wis < 0.15 * raw
    assert 0.4 < half < 0.65
    assert most > 0.9


def test_ages_add_up_to_a_fair_total(german):
    _, first, counts = german
    wis, inside = [], []
    for step in range(100, counts.shape[1] - 41, 14):
        seen = as_of(counts[1:], step)
        found = nowcast.nowcast(seen, np.random.default_rng(1), weekday=first.weekday(), draws=500)
        total = np.quantile(found.draws.sum(axis=0)[:15], LEVELS, axis=-1).T
        truth = counts[1:, step - np.arange(15)].sum(axis=(0, 2))
        wis.append(scores.wis(total, LEVELS, truth).mean())
        inside.append(scores.covered(total, LEVELS, truth, 0.95).mean())
        raw = np.abs(np.nansum(seen[:, ::-1][:, :15], axis=(0, 2)) - truth).mean()
        assert wis[-1] < 0.5 * raw
    assert np.mean(inside) > 0.85


def test_respinow_better_than_every_team_that_nowcast_throughout():
    source = "survstat/influenza"
    table = pl.read_parquet(shared("data/nowcast/respinow/triangles.parquet"))
    table = table.filter(source=source, location="DE", age_group="00+").filter(pl.col("delay") <= 4)
    first = table["date"].min()
    counts = np.zeros((1, (table["date"].max() - first).days // 7 + 1, 5))
    week = ((table["date"] - first).dt.total_days() // 7).to_numpy()
    np.add.at(counts[0], (week, np.maximum(table["delay"].to_numpy(), 0)), table["count"].to_numpy())
    teams = pl.read_parquet(shared("data/nowcast/respinow/submissions.parquet"))
    nowcasts = pl.col("horizon").is_between(-3, 0) & (pl.col("location") == "DE") & (pl.col("age_group") == "00+")
    teams = teams.filter(nowcasts, source=source, model="KIT-simple_nowcast")
    ours, theirs = [], []
    for (day,), group in teams.partition_by("forecast_date", as_dict=True).items():
        newest = (date.fromisoformat(str(day)) - first).days // 7
        if newest + 4 >= counts.shape[1]:
            continue
        found = nowcast.nowcast(as_of(counts, newest), np.random.default_rng(1), step_days=7.0)
        for row in group.iter_rows(named=True):
            age = newest - (date.fromisoformat(str(row["target_end_date"])) - first).days // 7
            truth = counts[0, newest - age].sum()
            ours.append(float(scores.wis(found.quantiles()[0, age], LEVELS, truth)))
            theirs.append(float(scores.wis(np.array([row[f"q{q:g}"] for q in LEVELS]), LEVELS, truth)))
    assert len(ours) > 100
    assert np.mean(ours) < 0.95 * np.mean(theirs)


def test_dengue_with_corrections_of_nothing_and_long_delays():
    table = pl.read_csv(shared("data/nowcast/linelists/dengue_triangle.csv"), try_parse_dates=True)
    first = table["onset_week"].min()
    counts = np.zeros((1, (table["onset_week"].max() - first).days // 7 + 1, 11))
    near = table.filter(pl.col("delay") <= 10)
    counts[0, ((near["onset_week"] - first).dt.total_days() // 7).to_numpy(), near["delay"].to_numpy()] = near[
        "n"
    ].to_numpy()
    wis, most, raw = [], [], []
    for step in range(110, counts.shape[1] - 10, 8):
        seen = as_of(counts, step)
        found = nowcast.nowcast(seen, np.random.default_rng(1), step_days=7.0, draws=500)
        truth = counts[0, step - np.arange(11)].sum(axis=1)
        wis.append(scores.wis(found.quantiles()[0], LEVELS, truth).mean())
        most.append(scores.covered(found.quantiles()[0], LEVELS, truth, 0.95).mean())
        raw.append(np.abs(np.nansum(seen[0, ::-1][:11], axis=1) - truth).mean())
    assert np.mean(wis) < 0.25 * np.mean(raw)
    assert np.mean(most) > 0.9
