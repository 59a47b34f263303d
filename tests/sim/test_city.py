"""A simulated city is whole, repeatable, and wrong in just the ways it means to be."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import date, timedelta

import pytest

from tocsin import config
from tocsin.areas import AreaTree, parse_areas, tree
from tocsin.errors import ConfigError
from tocsin.sim.city import FILES, simulate

END = date(2026, 11, 21)


@pytest.fixture(scope="module")
def city() -> dict[str, bytes]:
    return {m.path: m.data for m in simulate(7, 2, END)}


@pytest.fixture(scope="module")
def settings(city: dict[str, bytes]) -> config.Settings:
    return config.parse(city["city.toml"].decode())


@pytest.fixture(scope="module")
def areas(city: dict[str, bytes], settings: config.Settings) -> AreaTree:
    return tree(parse_areas(city["areas.csv"], {}, "areas.csv"), settings.city.levels)


def rows(city: dict[str, bytes], path: str) -> list[dict[str, str]]:
    data = city[path]
    data = gzip.decompress(data) if path.endswith(".gz") else data
    if path.endswith(".jsonl"):
        found = []
        for line in data.decode().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                found.append({"broken": line})
        return found
    text = data.decode("gb18030" if path.startswith("inbox/lab") else "utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


FEEDS = {  # path: date, area, sent-at
    "inbox/ed-visits.csv.gz": ("visit_date", "street_code", "sent_at"),
    "inbox/lab-results.csv": ("采样日期", "现住街道代码", "报告时间"),
    "inbox/hotline-12345.jsonl": ("date", "street", "closed_at"),
    "inbox/school-absence.csv": ("date", "street_code", "reported_at"),
    "inbox/wastewater.csv": ("sampled_on", "district_code", "reported_at"),
    "inbox/air-pm25.csv": ("date", "district_code", "sent_at"),
}


def test_the_same_seed_and_end_give_the_same_bytes_and_another_seed_others(city: dict[str, bytes]) -> None:
    again = {m.path: m.data for m in simulate(7, 2, END)}
    assert again == city
    assert len(city) == FILES
    other = {m.path: m.data for m in simulate(8, 2, END)}
    assert not {p for p in city if other[p] == city[p]}


def test_settings_say_that_the_city_is_simulated_and_name_every_file(
    city: dict[str, bytes], settings: config.Settings
) -> None:
    assert settings.city.simulated
    assert "simulated" in settings.city.title["en"]
    assert "模拟" in settings.city.title["zh"]
    assert b"simulated" in city["README.md"]
    assert {settings.areas.file, settings.areas.geojson} <= set(city)
    from pathlib import PurePath

    for source in settings.sources:
        assert [p for p in city if PurePath(p).match(source.files)], source.name
    assert date(2026, 10, 1) in settings.holidays


def test_areas_are_one_city_eight_districts_fifty_one_streets(areas: AreaTree) -> None:
    assert Counter(a.level for a in areas.areas) == {"city": 1, "district": 8, "street": 51}
    assert len({a.title.zh for a in areas.areas}) == len({a.title.en for a in areas.areas}) == 60
    streets = areas.at("street")
    assert all(len(a.code) == 9 and a.code.startswith(a.parent) and a.code.startswith("99") for a in streets)
    assert sum(a.population for a in streets) == areas.root.population
    assert sum(a.population for a in areas.at("district")) == areas.root.population


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_is_in_the_order_of_sending_and_nothing_comes_from_the_future(
    city: dict[str, bytes], areas: AreaTree, path: str
) -> None:
    day, area, sent = FEEDS[path]
    good = []
    for r in rows(city, path):
        try:
            happened = date.fromisoformat((r.get(day) or "").replace("/", "-"))
        except ValueError:
            continue
        if r.get(area) in areas and len(r.get(sent) or "") == 16 and happened.year > 1900:
            good.append((happened.isoformat(), r[sent]))
    told = [s for _, s in good]
    assert told == sorted(told)
    assert max(told) < (END + timedelta(days=1)).isoformat()
    assert all(d <= s for d, s in good)  # nothing is known before it happens


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_holds_some_broken_lines_but_few(city: dict[str, bytes], areas: AreaTree, path: str) -> None:
    _, area, sent = FEEDS[path]
    all_rows = rows(city, path)
    broken = [r for r in all_rows if r.get(area) not in areas or len(r.get(sent) or "") != 16]
    assert 0 < len(broken) < 0.01 * len(all_rows)


def test_visits_are_sent_twice_now_and_then_and_corrected_later(city: dict[str, bytes]) -> None:
    text = gzip.decompress(city["inbox/ed-visits.csv.gz"]).decode().splitlines()
    share = 1 - len(set(text)) / len(text)
    assert 0.001 < share < 0.01
    told: dict[str, list[tuple[str, str]]] = {}
    for r in rows(city, "inbox/ed-visits.csv.gz"):
        told.setdefault(r["visit_id"], []).append((r["sent_at"] or "", r["syndrome"] or ""))
    known = {"流感样病例", "腹泻呕吐", "发热出疹"}
    corrected = [v for v in told.values() if len({w for _, w in v} & known) > 1]
    assert len(corrected) > 100
    assert all(v[0][0] < v[-1][0] for v in corrected)


def test_schools_are_silent_on_weekends_and_days_off_and_correct_upwards(
    city: dict[str, bytes], settings: config.Settings
) -> None:
    told: dict[tuple[str, str], list[int]] = {}
    for r in rows(city, "inbox/school-absence.csv"):
        try:
            day, value = date.fromisoformat(r["date"]), int(r["absent"])
        except (TypeError, ValueError):
            continue
        if day.year > 1900 and value >= 0:
            assert day.weekday() < 5
            assert day not in settings.holidays
            told.setdefault((r["street_code"], r["date"]), []).append(value)
    again = [v for v in told.values() if len(v) > 1 and len(set(v)) > 1]
    assert len(again) > 0.05 * len(told)
    assert all(v == sorted(v) for v in again)


def test_the_hotline_falls_silent_before_the_end_and_only_the_hotline(city: dict[str, bytes]) -> None:
    last = {path: max(r.get(sent) or "" for r in rows(city, path)) for path, (_, _, sent) in FEEDS.items()}
    assert last["inbox/hotline-12345.jsonl"][:10] == "2026-10-29"
    assert all(at[:10] >= "2026-11-18" for path, at in last.items() if "hotline" not in path)


def test_the_truth_names_known_areas_and_signals_and_two_outbreaks_go_on(
    city: dict[str, bytes], areas: AreaTree, settings: config.Settings
) -> None:
    truth = rows(city, "truth.csv")
    signals = {s.name for s in settings.signals}
    assert all(set(r["signals"].split()) <= signals for r in truth)
    assert all(a in areas for r in truth for a in r["areas"].split())
    assert all(r["start"] <= r["end"] <= END.isoformat() for r in truth)
    assert sum(r["start"] > "2026-08-22" for r in truth) >= 5
    assert {"waterborne", "ili_wave"} <= {r["kind"] for r in truth if r["ongoing"] == "yes"}
    assert {r["origin"] for r in truth} == {"local", "imported"}
    assert all(r["start"] <= r["first_report"] for r in truth if r["first_report"])


def test_an_outbreak_shows_in_its_own_streets_and_the_wave_in_the_sewage_before_the_wards(
    city: dict[str, bytes],
) -> None:
    truth = rows(city, "truth.csv")
    water = next(r for r in truth if r["kind"] == "waterborne" and r["ongoing"] == "yes")
    visits = [r for r in rows(city, "inbox/ed-visits.csv.gz") if r["syndrome"] == "腹泻呕吐"]
    there = [r for r in visits if r["street_code"] in water["areas"].split()]
    days = (date.fromisoformat(water["end"]) - date.fromisoformat(water["start"])).days + 1
    during = sum(r["visit_date"] >= water["start"] for r in there) / days
    before = sum("2026-08-01" <= r["visit_date"] < "2026-11-01" for r in there) / 92
    assert during > 3 * before
    wave = next(r for r in truth if r["kind"] == "city_wave" and r["end"] >= "2026-10-01")
    start = date.fromisoformat(wave["start"])
    peak = {"ww": 39, "ed": 48}  # days after the start, as the model has it
    near = [start + timedelta(days=peak["ww"] + k) for k in range(-7, 8)]
    readings = [r for r in rows(city, "inbox/wastewater.csv") if r["reported_at"]]
    high = [float(r["copies_per_litre"]) for r in readings if r["sampled_on"] in {d.isoformat() for d in near}]
    low = [float(r["copies_per_litre"]) for r in readings if r["sampled_on"] < "2025-03-01" and _number(r)]
    assert sum(high) / len(high) > 3 * sum(low) / len(low)


def _number(row: dict[str, str]) -> bool:
    try:
        return float(row["copies_per_litre"]) > 0
    except ValueError:
        return False


def test_what_cannot_be_simulated_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="years 2019 to 2035"):
        next(simulate(7, 3, date(2040, 1, 1)))
    with pytest.raises(ConfigError, match="--years 0"):
        next(simulate(7, 0, END))
    with pytest.raises(ConfigError, match="--seed -1"):
        next(simulate(-1, 1, END))


@pytest.mark.parametrize("seed", range(3))
def test_a_year_alone_is_a_city_too(seed: int) -> None:
    assert len(list(simulate(seed, 1, date(2025, 2, 1)))) == FILES
