"""One scan over several signals: places sorted once; q tells how many of its signals' clusters chance makes."""

import os
from datetime import timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from grid import CITY, FIRST, SIDE, START, areas, counts, put, squares
from tocsin import cli, loop, views
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.store import deliveries
from tocsin.types import Event

MANY = 6
TWICE = '[[scans]]\nname = "again"\nmodel = "poisson"\nstudy_days = 90\nmin_days = 2\nmax_days = 7\n'


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Desk:
    """Six signals over the same streets, scanned by two scans; only `cases` is raised anywhere."""
    folder = tmp_path_factory.mktemp("many") / "city"
    folder.mkdir()
    more = "".join(f'[[signals]]\nname = "s{i}"\nlevels = ["street"]\n' for i in range(MANY - 1))
    text = CITY.format(more="").replace('[[signals]]\nname = "other"\nlevels = ["street"]\n', more)
    (folder / "city.toml").write_text(text.replace('signals = ["cases"]\n', "") + TWICE, "utf-8")
    (folder / "areas.csv").write_text(areas(), "utf-8")
    (folder / "areas.geojson").write_text(squares(), "utf-8")
    desk = open_desk(folder, {})
    put(desk, counts(6), "cases")
    for i in range(MANY - 1):
        _quiet(desk, f"s{i}", i)
    loop.tick(desk, end_of_day(FIRST + timedelta(days=START + 2), desk.tz), strict=True)
    return desk


def _quiet(desk: Desk, signal: str, seed: int) -> None:
    begun = deliveries.begin(desk.store, "s", signal, signal, "m", 10**15)
    found = []
    for (a, t), n in np.ndenumerate(np.random.default_rng(seed).poisson(0.5, (SIDE * SIDE, START + 3))):
        at = end_of_day(FIRST + timedelta(days=t), desk.tz) - 8 * 3600 * 1_000_000
        code = f"{a // SIDE}{a % SIDE}"
        found += [Event("s", f"{signal}-{code}-{t}-{i}", signal, code, at, at, 1.0) for i in range(n)]
    loop.put(desk, found, begun.id, 10**15)


def test_the_places_are_sorted_once_for_all_signals_and_scans(desk):
    assert len(desk.settings.signals) == MANY
    assert len(desk._kept["neighbours"]) == 1


@pytest.mark.parametrize("scan", ["streets", "again"])
def test_q_is_the_share_of_false_alarms_among_a_scans_signals(desk, scan):
    at = end_of_day(FIRST + timedelta(days=START + 2), desk.tz)
    told = [s for s in views.clusters(desk, None, None, at)["scans"] if s["scan"] == scan]
    assert len(told) == MANY
    ordered = sorted(told, key=lambda s: s["p"])
    assert ordered[0]["signal"] == "cases"
    for i, s in enumerate(ordered):  # Benjamini & Hochberg's own words: the least of p·m/rank from here on
        least = min(min(t["p"] * MANY / (j + 1), 1.0) for j, t in enumerate(ordered) if j >= i)
        assert s["q"] == pytest.approx(least)
    assert ordered[0]["q"] >= ordered[0]["p"]


@pytest.mark.skipif("TOCSIN_TEST_STORE" in os.environ, reason="the command would open another store")
def test_the_command_prints_q_beside_a_signals_best_cluster(desk):
    at = (FIRST + timedelta(days=START + 2)).isoformat()
    shown = CliRunner().invoke(cli._tocsin, ["clusters", "--city", str(desk.directory), "--as-of", at])
    assert shown.exit_code == 0, shown.output
    assert " q " in shown.output.splitlines()[1]
    assert "<.0001" in shown.output
