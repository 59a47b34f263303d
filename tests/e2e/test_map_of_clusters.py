"""Clusters in a browser: on the map of a day, played over days, in the alert, in both languages."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

import grid
from tocsin import loop

from .conftest import TOKEN, City, Reader

SLOW = 30_000  # ms: a busy machine draws slowly
NO_WEBGL = (
    "HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, "
    "{ apply: (f, self, [kind, ...rest]) => kind.startsWith('webgl') ? null : f.call(self, kind, ...rest) })"
)
# How many pixels of the plain map have the clusters' colour, as the sheet says it.
DRAWN = """() => {
  const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue('--cluster').trim()
    .match(/[0-9a-f]{2}/gi).map((x) => parseInt(x, 16));
  const canvas = document.querySelector('.sheet canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let n = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) n += 1;
  return n;
}"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Five streets mildly raised for the last four days before yesterday, lived through and served."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    first = today - timedelta(days=grid.START + 4)
    folder = tmp_path_factory.mktemp("clusters") / "city"
    desk = grid.city(folder, grid.counts(3), until=grid.START + 4, first=first)
    for done in loop.replay(desk, today - timedelta(days=6), today - timedelta(days=1), strict=True):
        assert done.faults == []
    desk.store.close()
    env = {**os.environ, "TOCSIN_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-m", "tocsin", "serve", "--city", str(folder), "--port", "0", "--beat", "3600"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            link = re.search(r"http://[^/\s]+", server.stdout.readline())
            assert link
            yield City(link[0], today)
        finally:
            server.terminate()
            server.wait(20)


def _address(city: City, ago: int) -> str:
    return f"/map?signal=cases&level=street&as_of={city.today - timedelta(days=ago)}"


def _told(page: Page) -> None:
    section = page.get_by_role("region", name="Clusters in space and time")
    expect(section.get_by_role("link", name=re.compile(r"^\d areas around Street 12$"))).to_be_visible(timeout=SLOW)
    expect(section).to_contain_text("Relative risk")
    expect(section).to_contain_text(re.compile(r"Recurrence\s*(\d|>)"))


def test_a_cluster_is_on_the_map_of_its_day_and_leads_to_its_alert(reader: Reader, city: City) -> None:
    with reader.open(_address(city, 1)) as page:
        expect(page.locator("canvas.maplibregl-canvas")).to_be_visible(timeout=SLOW)
        _told(page)
        page.get_by_role("link", name=re.compile("areas around Street 12")).click()
        page.wait_for_url("**/alerts/*")
        panel = page.locator("#panel")
        expect(panel).to_contain_text("scan statistic (streets)", timeout=SLOW)
        expect(panel).to_contain_text(re.compile(r"cluster in \d areas around Street 12"))
        panel.get_by_role("link", name="The cluster on the map").click()
        page.wait_for_url("**/map?*")
        _told(page)


def test_its_areas_and_circle_are_drawn_and_not_before_it_was(reader: Reader, city: City) -> None:
    with reader.open("/sources") as page:
        page.add_init_script(NO_WEBGL)
        page.goto(city.url + _address(city, 1))
        _told(page)
        assert page.evaluate(DRAWN) > 500
        page.goto(city.url + _address(city, 6))
        expect(page.get_by_text("The scan found no cluster worth telling.")).to_be_visible(timeout=SLOW)
        assert page.evaluate(DRAWN) == 0


def test_playing_the_days_shows_it_come(reader: Reader, city: City) -> None:
    with reader.open(_address(city, 6)) as page:
        expect(page.get_by_text("The scan found no cluster worth telling.")).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Play").click()
        _told(page)


def test_it_plays_on_after_a_day_that_was_skipped_while_it_was_read(reader: Reader, city: City) -> None:
    with reader.open(_address(city, 2)) as page:
        _told(page)
        page.route("**/api/v1/map?*", lambda route: None)  # the next day is never told
        slider = page.get_by_role("slider")
        slider.press("ArrowLeft")
        page.wait_for_url(f"**as_of={city.today - timedelta(days=3)}*")
        slider.press("ArrowRight")
        page.wait_for_url(f"**as_of={city.today - timedelta(days=2)}*")
        page.unroute("**/api/v1/map?*")
        page.get_by_role("button", name="Play").click()
        page.wait_for_url(lambda url: "as_of" not in url, timeout=SLOW)  # the last day is now …
        expect(page.get_by_role("button", name="Play")).to_be_visible(timeout=SLOW)  # … where it stops


def test_the_curve_of_its_alert_has_an_expectation_and_its_days(reader: Reader, city: City) -> None:
    (alert,) = [a for a in city.ask("/alerts")["alerts"] if a["members"]]
    assert {*alert["spark"]["window"].values()} < {*alert["spark"]["times"]}
    with reader.open(f"/alerts/{alert['id']}") as page:
        figure = page.locator("#panel figure")
        expect(figure).to_contain_text("Days of the cluster", timeout=SLOW)
        expect(figure).to_contain_text(re.compile(r"Expected \d"))
        expect(figure).not_to_contain_text("Threshold")


def test_it_is_said_in_chinese_and_on_a_phone(reader: Reader, city: City) -> None:
    with reader.open(_address(city, 1), width=390, height=844, locale="zh-CN") as page:
        section = page.get_by_role("region", name="时空聚集")
        expect(section).to_contain_text("以街12为中心的", timeout=SLOW)
        expect(section).to_contain_text("重现间隔")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_alert_of_a_cluster_reads_well_on_a_phone(reader: Reader, city: City) -> None:
    (alert,) = [a for a in city.ask("/alerts")["alerts"] if a["members"]]
    with reader.open(f"/alerts/{alert['id']}", width=390, height=844) as page:
        expect(page.locator("#panel")).to_contain_text("Relative risk", timeout=SLOW)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
