"""The real thing: Taiwan's line list, replayed day by day on what was reported by then, finds Kaohsiung's epidemic."""

import csv
import gzip
import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from shared import ROOT, SHARED, shared
from tocsin import loop
from tocsin.alert import episode
from tocsin.calendar import end_of_day
from tocsin.desk import Desk, open_desk
from tocsin.store import notes
from tocsin.store.totals import events

FIRST, THEN, LAST = date(2014, 5, 15), date(2014, 6, 5), date(2014, 11, 15)
KAOHSIUNG = "64000"

# The day by whose evening each town of Kaohsiung first had an alert of locally acquired dengue.
FOUND = {
    "Xiaogang District": "2014-06-11",  # 小港區
    "Qianzhen District": "2014-06-12",  # 前鎮區
    "Daliao District": "2014-07-01",  # 大寮區
    "Xinxing District": "2014-07-02",  # 新興區
    "Fengshan District": "2014-07-04",  # 鳳山區
    "Lingya District": "2014-07-21",  # 苓雅區
    "Qianjin District": "2014-08-03",  # 前金區
    "Zuoying District": "2014-08-09",  # 左營區
    "Sanmin District": "2014-08-18",  # 三民區
    "Gushan District": "2014-08-19",  # 鼓山區
    "Qishan District": "2014-08-20",  # 旗山區
    "Renwu District": "2014-09-15",  # 仁武區
    "Qiaotou District": "2014-09-26",  # 橋頭區
    "Yancheng District": "2014-09-26",  # 鹽埕區
    "Niaosong District": "2014-10-04",  # 鳥松區
    "Dashe District": "2014-10-07",  # 大社區
    "Nanzi District": "2014-10-17",  # 楠梓區
    "Gangshan District": "2014-10-22",  # 岡山區
    "Qijin District": "2014-10-22",  # 旗津區
    "Dashu District": "2014-10-24",  # 大樹區
    "Ziguan District": "2014-10-31",  # 梓官區
    "Yanchao District": "2014-11-07",  # 燕巢區
}


def take(where: Path, file: Path) -> Desk:
    """The example's city with a file of the line list in it."""
    shared("data/dengue/areas.csv.gz")
    shutil.copytree(ROOT / "examples" / "dengue", where)
    desk = open_desk(where, {**os.environ, "TOCSIN_SHARED": str(SHARED.resolve())})
    loop.take(desk, desk.settings.source("dengue"), file, end_of_day(date(2015, 12, 31), desk.tz))
    return desk


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Desk:
    """The city with the whole list, replayed over the epidemic."""
    file = shared("data/dengue/line_list_1998_2014.csv.gz")
    desk = take(tmp_path_factory.mktemp("dengue") / "city", file)
    assert events(desk.store) == 26_692, "every row is a case"
    for done in loop.replay(desk, FIRST, LAST, strict=True):
        assert done.faults == []
    return desk


def first_known(desk: Desk) -> dict[str, str]:
    """The day of the first local alert of every town of Kaohsiung, by its English name."""
    found: dict[str, str] = {}
    for a in episode.fold(notes.read_notes(desk.store, 2**62)).values():
        if a.signal == "dengue.local" and desk.tree[a.area].level == "town" and desk.tree[a.area].parent == KAOHSIUNG:
            found.setdefault(desk.tree[a.area].title.en, desk.day(a.began).isoformat())
    return found


def test_the_towns_and_the_days_on_which_they_were_found(city):
    assert first_known(city) == FOUND


def test_live_would_have_said_the_same(city, tmp_path):
    """A city that had only what was reported by then, and nothing of what came later, says the same to the letter."""
    with gzip.open(shared("data/dengue/line_list_1998_2014.csv.gz"), "rt", encoding="utf-8-sig") as file:
        head, *rows = file.read().splitlines()
    column = next(csv.reader([head])).index("通報日")
    then = [row for row in rows if next(csv.reader([row]))[column] <= f"{THEN:%Y/%m/%d}"]
    assert 10_000 < len(then) < len(rows)
    (tmp_path / "then.csv").write_text("\n".join([head, *then]) + "\n", "utf-8")
    live = take(tmp_path / "city", tmp_path / "then.csv")
    list(loop.replay(live, FIRST, THEN, strict=True))
    moment = end_of_day(THEN, city.tz)
    said = [[n[1:] for n in notes.read_notes(desk.store, moment)] for desk in (live, city)]
    assert said[0] == said[1] != []


def test_a_second_replay_writes_nothing(city):
    again = list(loop.replay(city, date(2014, 8, 1), date(2014, 8, 10), strict=True))
    assert [done.rows for done in again] == [0] * 10
