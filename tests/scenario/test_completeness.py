"""What is missing is not zero: several hospitals behind one count, and sums over districts that did not all report."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from city import AREAS, CITY
from tocsin import loop, views
from tocsin.calendar import end_of_day
from tocsin.cube.complete import by_parts, by_sources, due, spoke
from tocsin.desk import Desk, open_desk
from tocsin.store import deliveries
from tocsin.types import Event

FIRST = date(2025, 1, 6)
HOUR = 3_600_000_000
HOSPITALS = {"big": 16, "middle": 10, "small": 4}  # cases a day


def city(folder: Path, every: str = 'every = "1d"') -> Desk:
    text = CITY.format(zone="Asia/Shanghai", detectors="[]", every=every)
    head, _, source = text.partition("[[sources]]")
    for name in HOSPITALS:
        head += "[[sources]]" + source.replace('name = "hospital"', f'name = "{name}"')
    head = head.replace('[[signals]]\nname = "other"\nstep = "1d"', '[[signals]]\nname = "other"\nabsent = "missing"')
    (folder / "city.toml").write_text(head, "utf-8")
    (folder / "areas.csv").write_text(AREAS, "utf-8")
    return open_desk(folder, {})


def moment(desk: Desk, day: int, hour: float = 12.0) -> int:
    return end_of_day(FIRST + timedelta(days=day - 1), desk.tz) + 1 + int(hour * HOUR)


def put(desk: Desk, items: list[Event], name: str) -> None:
    begun = deliveries.begin(desk.store, "big", name, name, "m", 10**15)
    loop.put(desk, items, begun.id, 10**15)


def send(desk: Desk, source: str, days, told: int | None = None) -> None:
    """A hospital's cases of these days, on the same day at eight; or all on day `told`. The small one's are in 121."""
    items = [
        Event(source, f"{source}{d}-{i}", "cases", "121" if source == "small" else "111", moment(desk, d, 1),
              moment(desk, d if told is None else told, 8), 1.0)
        for d in days for i in range(HOSPITALS[source])
    ]  # fmt: skip
    put(desk, items, f"{source}{days}{told}")


def city_sum(desk: Desk, day: int, hour: float = 12.0, level: str = "city") -> list[float]:
    return desk.cube("cases", level, moment(desk, day, hour), 20_094 * 1440, None).values[0, 0, -5:].tolist()


def test_a_hospital_that_matters_makes_its_days_missing_until_it_tells_them(tmp_path: Path) -> None:
    desk = city(tmp_path)
    for source in HOSPITALS:
        send(desk, source, range(30))
    for source in ("middle", "small"):
        send(desk, source, range(30, 36))
    assert np.nan_to_num(city_sum(desk, 35), nan=-1).tolist() == [-1, -1, 14, 14, 14]  # 31, 32; 33 … are not due
    assert desk.complete("cases", "city", moment(desk, 35), np.array([29, 31], "datetime64[D]").astype("datetime64[m]")
                         + np.timedelta64((FIRST - date(1970, 1, 1)).days, "D"))[0].tolist() == pytest.approx(
        [1, 14 / 30], abs=0.02)  # fmt: skip
    send(desk, "big", range(30, 36), told=36)
    assert city_sum(desk, 36) == [30, 30, 30, 30, 0]


def test_a_hospital_that_matters_little_is_done_without(tmp_path: Path) -> None:
    desk = city(tmp_path)
    for source in HOSPITALS:
        send(desk, source, range(30))
    for source in ("big", "middle"):
        send(desk, source, range(30, 37))
    assert city_sum(desk, 36) == [26] * 5  # 4 of 30 missing
    west = desk.cube("cases", "district", moment(desk, 36), None, None).values[0, 1]
    assert np.nan_to_num(west[28:34], nan=-1).tolist() == [4, 4, -1, -1, -1, -1]  # but all of its own area


def test_a_hospital_without_a_stated_cadence_is_believed(tmp_path: Path) -> None:
    desk = city(tmp_path, every="")
    for source in HOSPITALS:
        send(desk, source, range(30))
    send(desk, "middle", range(30, 37))
    assert city_sum(desk, 36) == [10] * 5


def test_the_limit_may_be_moved(tmp_path: Path) -> None:
    city(tmp_path)
    file = tmp_path / "city.toml"
    file.write_text(file.read_text("utf-8").replace("[alerts]", "[alerts]\ncomplete = 0.4"), "utf-8")
    desk = open_desk(tmp_path, {})
    for source in HOSPITALS:
        send(desk, source, range(30))
    for source in ("middle", "small"):
        send(desk, source, range(30, 36))
    assert city_sum(desk, 35) == [14] * 5


def test_a_sum_of_which_a_large_part_is_missing_is_no_sum(tmp_path: Path) -> None:
    desk = city(tmp_path, every="")
    parts = {"111": 10, "112": 8, "121": 2}
    rows = [
        Event("big", f"{a}{d}", "other", a, moment(desk, d, 1), moment(desk, d, 8), float(n))
        for a, n in parts.items() for d in range(30)
        if not (a == "111" and d == 20) and not (a == "121" and d == 22)
    ]  # fmt: skip
    put(desk, rows, "parts")
    cube = desk.cube("other", "city", moment(desk, 29, 23), None, None).values[0, 0]
    assert np.isnan(cube[20])
    assert cube[[19, 21, 22]].tolist() == [20, 20, 18]
    assert np.isnan(desk.cube("other", "district", moment(desk, 29, 23), None, None).values[0, 0, 20])


def test_what_is_not_due_is_not_missing() -> None:
    times = np.arange(0, 5 * 1440, 1440).astype("datetime64[m]")
    assert due(times, 1440, 0, 4 * 1440).tolist() == [True, True, False, False, False]
    said = spoke(times, 1440, np.array([100, 1500]), 1440, np.array([], dtype=np.int64), 6 * 1440)
    assert np.nan_to_num(said, nan=-1).tolist() == [1, 1, 0, 0, -1]
    assert np.isnan(spoke(times, 1440, np.array([], dtype=np.int64), 1440, np.array([], dtype=np.int64), 10**6)).all()


def test_shares_go_by_volume_and_add_up() -> None:
    volume = np.array([[9.0, 0.0, 0.0], [1.0, 5.0, 0.0]])
    said = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, np.nan]])
    found = by_sources(volume, said)
    assert found[0, :2].tolist() == pytest.approx([1, 0.1])
    assert found[1, :2].tolist() == pytest.approx([1, 1])
    assert found[2, :2].tolist() == pytest.approx([1, 6 / 15])
    assert np.isnan(found[:, 2]).all()
    values = np.array([[4.0, np.nan, 4.0], [1.0, 1.0, np.nan], [np.nan] * 3])
    times = np.arange(0, 3 * 1440, 1440).astype("datetime64[m]")
    whole = by_parts(values, np.array([0, 0, 0]), 1, times, 1440, np.array([True, True, False]))
    assert whole[0, :2].tolist() == pytest.approx([1, 0.2])
    assert np.isnan(whole[0, 2])


def test_what_days_were_is_kept_until_more_comes_of_them(tmp_path: Path) -> None:
    """A desk that was asked before says what one says that opens now: later, after late reports, of the past."""
    desk = city(tmp_path)
    for source in HOSPITALS:
        send(desk, source, range(40))

    def agree(*moments: int) -> list[str]:
        again = open_desk(tmp_path, {})
        said = [views.completeness(desk, None, None, at) for at in moments]
        assert said == [views.completeness(again, None, None, at) for at in moments]
        again.store.close()
        return [s for row in said[-1]["sources"] for s in row["states"] if row["name"] == "big"]

    whole = agree(*(moment(desk, d, h) for d in (40, 41) for h in (0.0, 0.1, 7.9, 8.1, 12, 23.9)))
    send(desk, "big", range(43, 60))
    before = agree(moment(desk, 50), moment(desk, 59, 23))
    assert "silent" in before
    send(desk, "big", range(40, 43))  # a delivery that was forgotten, with its own report times
    after = agree(moment(desk, 20), moment(desk, 50), moment(desk, 59, 23))
    assert "silent" not in after
    assert len(whole) == len(after) == 30
    desk.store.close()
