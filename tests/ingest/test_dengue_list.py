"""The example of Taiwan's dengue line list reads the real file as it is, every row."""

import gzip
from collections import Counter
from functools import cache, partial
from io import BytesIO
from typing import BinaryIO

import numpy as np

from shared import ROOT, shared
from tables import events, findings
from tocsin.areas import AreaTree, parse_areas, tree
from tocsin.config import Settings
from tocsin.config import parse as parse_config
from tocsin.ingest import parse
from tocsin.types import Event, Finding

LIST = partial(shared, "data/dengue/line_list_1998_2014.csv.gz")
DAY = 86_400_000_000
NOW = 1_788_000_000_000_000  # 2026-08-29


@cache
def city() -> tuple[Settings, AreaTree]:
    settings = parse_config((ROOT / "examples/dengue/city.toml").read_text())
    data = gzip.decompress(shared("data/dengue/areas.csv.gz").read_bytes())
    return settings, tree(parse_areas(data, settings.areas.columns, "areas.csv.gz"), settings.city.levels)


def read(stream: BinaryIO) -> list[Event | Finding]:
    settings, areas = city()
    return list(parse(settings.source("dengue"), stream, file="f", tree=areas, settings=settings, received=NOW))


@cache
def everything() -> list[Event | Finding]:
    with LIST().open("rb") as stream:
        return read(stream)


def test_every_row_is_an_event() -> None:
    found = events(everything())
    assert len(found) == 26_692
    assert len({e.key for e in found}) == 26_692
    assert Counter(e.signal for e in found) == {"dengue.imported": 1_832, "dengue.local": 24_860}
    assert all((e.imported == "yes") == (e.signal == "dengue.imported") for e in found)
    assert sum(e.value for e in found) == 26_692


def test_delays_are_those_of_the_file() -> None:
    delays = np.array([(e.report_time - e.reference_time) / DAY for e in events(everything())])
    assert (delays.min() >= 0, np.median(delays), np.percentile(delays, 95), delays.max()) == (True, 3, 9, 140)
    assert (
        sum(e.reference_time >= 1_388_505_600_000_000 for e in events(everything())) == 15_605
    )  # onset in 2014, Taipei's time


def test_places_are_kept_as_near_as_they_are_known() -> None:
    _, areas = city()
    levels = Counter(areas[e.area].level for e in events(everything()))
    assert levels == {"village": 26_003, "town": 670, "county": 19}
    found = findings(everything())
    assert {f.code for f in found} == {"unknown-area"}
    assert all(f.kept for f in found)
    assert len(found) == 26_692 - 26_003
    assert sum(f.value == "" for f in found) == 623


HEADER = (
    "發病日,通報日,居住縣市,居住鄉鎮,居住村里,最小統計區中心點X,最小統計區中心點Y,"
    "是否境外移入,確定病例數,VILLCODE,COUNTYCODE"
)


def test_other_years_are_written_otherwise() -> None:
    """Coordinates, missing marks, renamed counties, both ways to write 臺, new villages, the end of a spreadsheet."""
    rows = [
        ("2015/9/1,2015/9/3,臺南市,北區,東興里,120.20,23.01,否,1,67000340999,67000", "67000340"),
        ("2015/09/01,2015/09/03,台東縣,台東市,None,None,None,否,1,None,10014", "10014010"),
        ("2015-09-01,2015-09-03,臺東縣,臺東市,,,,否,1,,", "10014010"),
        ("2015/9/1,2015/9/3,高雄縣,鳳山市,,,,否,1,,", "64000"),
        ("2015/9/1,2015/9/3,無,無,,,,是,1,,67000", "67000"),
        ("2015/9/1,2015/9/3,,,,,,否,2,,", "*"),
        (",,,,,,,,,,", ""),
    ]
    text = "\n".join([HEADER, *(row for row, _ in rows)])
    for encoding in ("utf-8-sig", "utf-8", "gb18030"):
        items = read(BytesIO(text.encode(encoding)))
        assert [e.area for e in events(items)] == [area for _, area in rows if area]
        assert {f.code for f in findings(items)} == {"unknown-area"}


def test_the_same_list_a_month_later_brings_only_what_is_new() -> None:
    data = gzip.decompress(LIST().read_bytes()).split(b"\r\n")
    earlier = {e.key for e in events(read(BytesIO(b"\r\n".join(data[:20_000]))))}
    later = {e.key for e in events(everything())}
    assert earlier <= later
    assert len(later - earlier) == 26_692 - 19_999
