"""What a scan promises whatever the data: edges of the map, of the data, of the rules."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import InputError, MethodError
from tocsin.scan import (
    Settings,
    Stream,
    Study,
    best_subset,
    clusters,
    follow,
    neighbours,
    prm,
    scan,
    scan_signals,
)
from tocsin.scan.inference import extreme_value_p, gumbel, gumbel_p, recurrence_days
from tocsin.scan.periods import Windows, intervals
from tocsin.scan.study import merged
from tocsin.scan.zones import along, chord, zones

QUICK = Settings(model="permutation", prospective=True, max_window=5, replicates=99, threads=1)


def study(cases: np.ndarray, points: np.ndarray, earth: bool = True) -> Study:
    names = tuple(f"{i:03d}" for i in range(len(points)))
    return Study(names, points, earth, np.arange(cases.shape[1] + 1), (Stream(cases),))


def scattered(seed: int, L: int = 25, T: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.poisson(0.5, (L, T)), np.column_stack([rng.uniform(22, 23, L), rng.uniform(120, 121, L)])


def test_a_planted_cluster_is_found() -> None:
    cases, points = scattered(1)
    near = np.argsort(((points - points[7]) ** 2).sum(axis=1))[:4]
    cases[near, -4:] += 3
    found = scan(study(cases, points), QUICK).clusters[0]
    assert {f"{i:03d}" for i in near} <= set(found.members)
    assert (found.start_day, found.end_day) == (26, 29)
    assert found.p == 0.01


def test_no_cases_one_place_all_cases_in_one_place() -> None:
    cases, points = scattered(2)
    assert scan(study(cases * 0, points), QUICK).clusters == ()
    assert scan(study(cases[:1], points[:1]), QUICK).clusters == ()
    alone = cases * 0
    alone[3] = cases[3] + 1
    held = np.ones(cases.shape) * alone.sum() / alone.size
    one = replace(study(alone, points), streams=(Stream(alone, held),))
    best = scan(one, replace(QUICK, model="poisson", analysis="spatial", prospective=False)).clusters[0]
    assert best.members == ("003",)
    assert best.relative_risk == np.inf


def test_the_seam_at_180_degrees_and_the_pole_are_no_edges() -> None:
    cases, points = scattered(3)
    here = points - [22.5, 120.5]
    plain = scan(study(cases, here), QUICK).clusters
    turned = here.copy()
    turned[:, 1] = (turned[:, 1] + 180 + 180) % 360 - 180
    for a, b in zip(plain, scan(study(cases, turned), QUICK).clusters, strict=True):
        assert (a.members, a.llr, a.p) == (b.members, b.llr, b.p)
        assert a.radius == pytest.approx(b.radius)
    polar = np.column_stack([np.full(8, 89.9), np.arange(8) * 45.0 - 180])
    reach = zones(study(cases[:8], polar).space, np.ones(8), replace(QUICK, max_size=1.0), earth=True)
    assert (np.diff(reach.begin) == 8).all()
    ring = reach.members[:8]
    assert abs(int(ring[1]) - int(ring[0])) in (1, 7)


def test_places_at_one_point_are_one_place() -> None:
    names, where, index = merged(["b", "c", "a"], np.array([[1.0, 2], [3, 4], [1, 2]]), earth=False)
    assert names == ("a", "c")
    assert index == {"a": 0, "b": 0, "c": 1}
    assert where.tolist() == [[1, 2], [3, 4]]


@given(km=st.floats(0, 20000))
def test_a_chord_goes_there_and_back(km: float) -> None:
    assert along(chord(km)) == pytest.approx(km, rel=1e-9, abs=1e-6)


@given(days=st.integers(1, 800), step=st.integers(1, 40), unit=st.sampled_from(["day", "month", "year"]))
def test_intervals_cover_the_study_once(days: int, step: int, unit: str) -> None:
    edges = intervals(19_000, 19_000 + days - 1, unit, step)  # type: ignore[arg-type] # drawn from the same words
    assert edges[0] == 19_000
    assert edges[-1] == 19_000 + days
    assert (np.diff(edges) > 0).all()
    if unit == "day":
        assert (np.diff(edges)[1:] == step).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_secondary_clusters_share_no_place(seed: int) -> None:
    cases, points = scattered(seed)
    found = scan(study(cases, points), replace(QUICK, replicates=0)).clusters
    every = [m for c in found for m in c.members]
    assert len(every) == len(set(every))
    assert [c.llr for c in found] == sorted((c.llr for c in found), reverse=True)


@pytest.mark.parametrize("model", ["poisson", "bernoulli", "permutation"])
def test_false_alarms_are_as_many_as_promised(model: str) -> None:
    """200 null studies at p ≤ 0.05: 10 expected, 3.1 the standard deviation; by rank and by Gumbel."""
    rng = np.random.default_rng(11)
    points = np.column_stack([rng.uniform(0, 9, 20), rng.uniform(0, 9, 20)])
    asked = replace(QUICK, model=model, replicates=59)  # type: ignore[arg-type] # drawn from the same words
    by_rank = by_gumbel = 0
    for i in range(200):
        cases = rng.multinomial(200, np.full(240, 1 / 240)).reshape(20, 12)
        held = rng.multinomial(400, np.full(240, 1 / 240)).reshape(20, 12) if model == "bernoulli" else cases * 0 + 1
        given = None if model == "permutation" else held * 1.0
        null = replace(study(cases, points, earth=False), streams=(Stream(cases, given),))
        found = scan(null, replace(asked, seed=i)).clusters
        by_rank += bool(found) and found[0].p <= 0.05
        by_gumbel += bool(found) and found[0].gumbel_p <= 0.05
    assert 2 <= by_rank <= 20
    assert 2 <= by_gumbel <= 20


def test_a_planted_cluster_is_found_where_it_is() -> None:
    """30 studies with eight times the risk in four places for four days: found nearly always, and most of it."""
    rng = np.random.default_rng(5)
    found_at_all, shared = 0, []
    for i in range(30):
        points = rng.uniform(0, 9, (30, 2))
        ill = np.argsort(((points - points[0]) ** 2).sum(axis=1))[:4]
        held = np.ones((30, 20))
        raised = held.copy()
        raised[ill, -4:] *= 8
        cases = rng.multinomial(300, (raised / raised.sum()).ravel()).reshape(30, 20)
        made = replace(study(cases, points, earth=False), streams=(Stream(cases, held),))
        best = scan(made, replace(QUICK, model="poisson", seed=i)).clusters[0]
        truth = {f"{k:03d}" for k in ill}
        found_at_all += best.p <= 0.05
        shared.append(len(truth & set(best.members)) / len(truth | set(best.members)))
    assert found_at_all >= 27
    assert np.mean(shared) > 0.7


def test_an_extreme_p_goes_beyond_the_replicates() -> None:
    maxima = np.random.default_rng(0).gumbel(5, 1, 9999)
    truth = -np.expm1(-np.exp(-(15 - 5.0)))
    assert gumbel_p(15.0, gumbel(maxima)) == pytest.approx(truth, rel=0.3)
    assert extreme_value_p(15.0, maxima) == pytest.approx(truth, rel=0.9)
    assert recurrence_days(0.001, 1.0, 1) == pytest.approx(1000)
    assert recurrence_days(0.5, 7.0, 1) == 14


def test_the_best_subset_is_the_best_of_all_subsets() -> None:
    rng = np.random.default_rng(4)
    counts, base = rng.poisson(2.0, (7, 1)) * 1.0, rng.uniform(1, 3, (7, 1))
    around = zones(rng.uniform(0, 1, (7, 2)), np.ones(7), replace(QUICK, max_size=1.0))
    found = best_subset(counts, base, around, Windows(np.zeros(1, np.int64), np.zeros(1, np.int64)))
    best = 0.0
    for bits in range(1, 128):
        inside = [i for i in range(7) if bits >> i & 1]
        C, B = counts[inside].sum(), base[inside].sum()
        best = max(best, C * np.log(C / B) + B - C if C > B else 0.0)
    assert found.llr == pytest.approx(best)


def test_clusters_are_followed_from_day_to_day() -> None:
    cases, points = scattered(1)
    near = np.argsort(((points - points[7]) ** 2).sum(axis=1))[:4]
    cases[near, -4:] += 3
    names, edges = tuple(f"{i:03d}" for i in range(25)), np.arange(31)
    before = clusters(cases[:, :-1], points, names, edges[:-1], QUICK).clusters
    today = clusters(cases, points, names, edges, QUICK).clusters
    first = follow(before, today)[0]
    assert first.change == "grown"
    assert before[first.before].members[0] in today[0].members
    assert [f.change for f in follow((), today[:1])] == ["new"]
    assert [f.change for f in follow(today[:1], today[:1])] == ["ongoing"]
    assert [f.change for f in follow(today[:1], ())] == ["ended"]
    less = today[0].__class__(**{**{k: getattr(today[0], k) for k in today[0].__slots__}, "observed": 1.0})
    assert [f.change for f in follow(today[:1], (less,))] == ["shrunk"]


def test_yesterdays_neighbours_give_the_same_answer() -> None:
    cases, points = scattered(6)
    table = neighbours(study(cases, points), QUICK)
    assert scan(study(cases, points), QUICK, table).clusters == scan(study(cases, points), QUICK).clusters


def test_signals_share_a_table_and_the_false_discoveries() -> None:
    cases, points = scattered(1)
    loud = cases.copy()
    loud[np.argsort(((points - points[7]) ** 2).sum(axis=1))[:4], -4:] += 3
    studies = {"quiet": study(cases, points), "loud": study(loud, points), "none": study(cases * 0, points)}
    found = scan_signals(studies, QUICK)
    assert found["loud"].result.clusters == scan(studies["loud"], QUICK).clusters
    assert found["loud"].q == pytest.approx(0.02)  # p = 0.01, the best of two signals with a p
    assert found["quiet"].q == found["quiet"].result.clusters[0].p
    assert np.isnan(found["none"].q)


def test_what_is_not_supported_is_named() -> None:
    with pytest.raises(MethodError, match=r"ModelType=3.*IsotonicScan=1|IsotonicScan=1.*ModelType=3"):
        prm.read("CaseFile=x\nModelType=3\nIsotonicScan=1\n")
    with pytest.raises(InputError, match="no SaTScan parameter file"):
        prm.read("hello\n")
    with pytest.raises(MethodError, match="permutation"):
        Settings(model="permutation", analysis="spatial")


def test_a_purely_temporal_scan_shows_plain_p_values_by_default() -> None:
    """Only over places is a Gumbel distribution shown for the rarest clusters."""
    cases = np.ones((2, 12), np.int64)
    cases[0, 5:7] = 40
    held = np.full((2, 12), cases.sum() / 24)
    asked = replace(QUICK, model="poisson", prospective=False, p_value="default", max_window=4)
    points = np.array([[0.0, 0.0], [0.0, 1.0]])
    whole = Study(("a", "b"), points, False, np.arange(13), (Stream(cases, held),))
    along_time = scan(whole, replace(asked, analysis="temporal")).clusters[0]
    assert (along_time.rank, along_time.p) == (1, 0.01)
    over_places = scan(whole, replace(asked, analysis="space-time")).clusters[0]
    assert over_places.p == over_places.gumbel_p < 0.01


@pytest.mark.parametrize("places", [1, 2, 5])
def test_a_purely_temporal_scan_tells_no_more_clusters_than_places(places: int) -> None:
    cases = np.ones((places, 40), np.int64)
    for day in (3, 15, 27, 35):
        cases[0, day] = 30
    held = np.full((places, 40), cases.sum() / cases.size)
    points = np.column_stack([np.arange(places), np.zeros(places)]) * 1.0
    names = tuple("abcde"[:places])
    whole = Study(names, points, False, np.arange(41), (Stream(cases, held),))
    asked = replace(QUICK, model="poisson", analysis="temporal", prospective=False, replicates=0, max_window=3)
    found = scan(whole, asked).clusters
    assert len(found) == min(places, 4)
    assert all(c.llr > 1 for c in found)
