"""The page in a browser, against a served city: what people see, press and are told."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from server import small

from .conftest import TOKEN, City, Reader
from .contrast import poor

PAGES = ["/", "/map", "/signal/ed.ili/11", "/sources"]


def _first(page: Page) -> None:
    expect(page.locator("a.card").first).to_be_visible()


def test_today_ranks_alerts_with_reasons_and_shows_the_first(reader: Reader) -> None:
    with reader.open() as page:
        _first(page)
        assert page.locator("a.card .rank").first.inner_text() == "1"
        panel = page.locator("#panel")
        expect(panel.get_by_role("heading", name="ILI")).to_be_visible()
        expect(panel).to_contain_text("40")
        expect(panel).to_contain_text("EARS")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_the_language_is_switched_and_remembered(reader: Reader) -> None:
    with reader.open() as page:
        _first(page)
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.get_by_role("button", name="切换到中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page.get_by_role("link", name="来源").first).to_be_visible()
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page.locator("#panel").get_by_role("heading", name="流感样")).to_be_visible()


def test_the_theme_follows_the_system_until_it_is_chosen(reader: Reader) -> None:
    with reader.open(color_scheme="dark") as page:
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Switch to light").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_without_a_token_a_key_asks_for_it_and_changes_nothing(reader: Reader, city: City) -> None:
    before = [(a["id"], a["state"]) for a in city.ask("/alerts")["alerts"]]
    with reader.open() as page:
        _first(page)
        expect(page.get_by_text("no access token has been given")).to_be_visible()
        page.get_by_role("button", name=re.compile("^Acknowledge")).click()
        expect(page.get_by_role("dialog")).to_contain_text("Access token")
    assert [(a["id"], a["state"]) for a in city.ask("/alerts")["alerts"]] == before


def test_keys_move_open_and_acknowledge(reader: Reader, city: City) -> None:
    with reader.open(f"/#token={TOKEN}") as page:
        _first(page)
        assert "token" not in page.url
        cards = page.locator("a.card")
        page.keyboard.press("j")
        expect(cards.nth(1)).to_have_attribute("aria-current", "true")
        page.keyboard.press("k")
        expect(cards.nth(0)).to_have_attribute("aria-current", "true")
        page.keyboard.press("Enter")
        page.wait_for_url("**/alerts/*")
        number = page.url.rsplit("/", 1)[1]
        page.get_by_label("Your name or number").fill("Li Wei")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        expect(page.locator("#panel")).to_contain_text("acknowledged")
        expect(page.locator("#panel")).to_contain_text("Li Wei")
        found = city.ask(f"/alerts/{number}")
        assert (found["state"], found["notes"][-1]["who"]) == ("acknowledged", "Li Wei")
        page.keyboard.press("Escape")
        page.wait_for_url(re.compile(r"/$"))
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("acknowledge the selected alert")


def test_an_alert_arrives_while_the_page_stands_open(reader: Reader, city: City) -> None:
    events = [{**e, "key": f"west-{e['key']}", "area": "12"} for e in small.outbreak(city.today)]
    with reader.open() as page:
        _first(page)
        west = page.locator("a.card", has_text="West")
        expect(west).to_have_count(0)
        city.ask("/events", events)
        expect(west).to_have_count(1)


def test_the_map_is_drawn_and_leads_to_the_curve(reader: Reader) -> None:
    with reader.open("/map?signal=ed.ili&level=town") as page:
        expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
        page.get_by_role("button", name="Rate").click()
        expect(page.get_by_text("per 100,000 in 7 days").first).to_be_visible()
        page.get_by_role("button", name="East", exact=True).click()
        page.wait_for_url("**/signal/ed.ili/11")
        expect(page.locator(".plot canvas")).to_be_visible()


def test_the_map_is_shaded_by_completeness(reader: Reader, city: City) -> None:
    shares = [a["complete"] for a in city.ask("/completeness?signal=ed.ili&level=town")["areas"]]
    with reader.open("/map?signal=ed.ili&level=town") as page:
        page.get_by_role("button", name="Completeness").click()
        page.wait_for_url("**shade=complete")
        expect(page.get_by_role("heading", name="Least complete")).to_be_visible()
        expect(page.get_by_text("under 80%: not judged")).to_be_visible()
        least = min((x for x in shares if x is not None), default=None)
        expect(page.locator("tbody tr td:last-child").first).to_have_text("–" if least is None else f"{least:.0%}")


def test_the_map_does_without_webgl(reader: Reader) -> None:
    with reader.open("/sources") as page:
        page.add_init_script("HTMLCanvasElement.prototype.getContext = new Proxy("
                             "HTMLCanvasElement.prototype.getContext, { apply: (f, self, [kind, ...rest]) => "
                             "kind.startsWith('webgl') ? null : f.call(self, kind, ...rest) })")  # fmt: skip
        page.goto(page.url.replace("/sources", "/map?signal=ed.ili&level=town"))
        expect(page.get_by_text("No WebGL in this browser")).to_be_visible()
        expect(page.locator("canvas.maplibregl-canvas")).to_have_count(0)


def test_the_curve_gives_its_numbers_as_a_table_and_as_csv(reader: Reader, city: City, tmp_path: Path) -> None:
    said = city.ask("/series?signal=ed.ili&area=11")
    with reader.open("/signal/ed.ili/11") as page:
        page.get_by_role("button", name="Numbers").click()
        row = page.locator("tbody tr", has=page.get_by_text("▼ Alarm")).first
        expect(row).to_contain_text("40")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Download CSV").click()
        waiting.value.save_as(tmp_path / "curve.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "curve.csv").read_text("utf-8-sig"))))
    got = {row["time"]: row["value"] for row in rows}
    for time, value in zip(said["times"][-30:], said["values"][-30:], strict=True):
        assert got[time] == ("" if value is None else f"{value:g}")


def test_the_slider_shows_what_was_known_on_a_day(reader: Reader, city: City) -> None:
    with reader.open("/signal/ed.ili/11") as page:
        slider = page.get_by_role("slider")
        expect(slider).to_be_visible()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**as_of=*")
        expect(page.get_by_text("This is what was known on")).to_be_visible()
        page.get_by_role("button", name="Now").click()
        expect(page.get_by_text("This is what was known on")).to_have_count(0)


def test_sources_list_what_was_wrong(reader: Reader) -> None:
    with reader.open("/sources") as page:
        expect(page.get_by_role("heading", name="Findings")).to_be_visible()
        expect(page.locator("code.value", has_text="no-such-signal")).to_be_visible()
        expect(page.get_by_text("unknown-signal")).to_be_visible()


def test_sources_show_thirty_days_of_every_feed_in_both_languages(reader: Reader) -> None:
    with reader.open("/sources") as page:
        section = page.get_by_role("region", name="The last 30 days, feed by feed")
        row = section.get_by_role("row").filter(has_text="hospital")
        expect(row.get_by_role("cell")).to_have_count(30)
        expect(row.get_by_role("cell").last).to_contain_text("as expected")
        page.get_by_role("button", name="切换到中文").click()
        expect(page.get_by_role("region", name="近 30 天到报情况").get_by_text("断报").first).to_be_visible()


def test_an_address_that_is_wrong_says_so(reader: Reader) -> None:
    with reader.open("/nowhere") as page:
        expect(page.get_by_text("There is no such page")).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_each_page_without_scrolling_sideways(reader: Reader, path: str) -> None:
    with reader.open(path, 390, 844, locale="zh-CN", has_touch=True) as page:
        page.get_by_role("navigation").last.wait_for()
        page.wait_for_timeout(1500)  # what comes late may be wide too
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.get_by_role("link", name="来源").last).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_words_stand_out_from_their_ground(reader: Reader, path: str, scheme: str) -> None:
    with reader.open(path, color_scheme=scheme) as page:
        page.locator("main .panel, main a.card").first.wait_for()
        page.wait_for_timeout(800)  # lists and curves are still being read
        assert poor(page) == []


def test_a_line_that_stays_dead_is_said(reader: Reader) -> None:
    with reader.open() as page:
        _first(page)
        page.clock.install()
        page.route("**/api/v1/live", lambda route: route.fulfill(status=204))
        page.reload()
        _first(page)
        for _ in range(8):  # each try to reconnect is answered in real time, so the clock goes on in strides
            page.clock.run_for(15_000)
            page.wait_for_timeout(100)
        expect(page.get_by_text("Stale since")).to_be_visible()


def test_points_stand_for_areas_without_borders(reader: Reader) -> None:
    with reader.open() as page:
        _first(page)
        whole = page.request.get(f"{page.url}api/v1/city").json()
        page.route("**/api/v1/city", lambda route: route.fulfill(json={**whole, "has_map": False}))
        page.goto(f"{page.url}map?signal=ed.ili&level=town")
        expect(page.get_by_text("areas are drawn as points")).to_be_visible()
        expect(page.locator("canvas.maplibregl-canvas")).to_be_visible()
