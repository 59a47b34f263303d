"""The Signal page says why: the baseline of a picked step marked on the curve, and sentences in both languages."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from .conftest import City, Reader


def test_why_is_asked_of_the_latest_alarm_and_of_any_step(reader: Reader, city: City) -> None:
    with reader.open("/signal/ed.ili/11?detector=ears_c2") as page:
        page.get_by_role("button", name="Why?").click()
        panel = page.get_by_role("complementary", name="Why it was judged so")
        yesterday = (city.today - timedelta(days=1)).isoformat()
        expect(panel).to_contain_text(f"EARS C2, {yesterday}: 40, expected")
        expect(panel).to_contain_text("Baseline: 7 days")
        expect(panel).to_contain_text(re.compile(r"At \d+ or less there would have been no alarm"))
        assert f"at={yesterday}" in page.url
        expect(page.locator("figure .basis")).to_be_visible()
        panel.get_by_text("Baseline (7 days)").click()
        assert panel.locator("tbody tr").count() == 7
        # … another method, by its own baseline
        page.get_by_role("button", name="EARS C1").click()
        expect(panel).to_contain_text("EARS C1")
        # … another step, by the keyboard
        curve = page.get_by_role("img", name=re.compile("ILI"))
        curve.focus()
        for _ in range(5):
            page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        expect(panel).to_contain_text("no alarm")
        assert f"at={yesterday}" not in page.url
        # … or by a press on the curve
        box = page.locator(".u-over").bounding_box()
        assert box
        before = page.url
        page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
        page.wait_for_function("before => location.href !== before", arg=before)
        page.get_by_role("button", name="切换到中文").click()
        expect(page.get_by_role("complementary", name="为什么这样判断")).to_contain_text("基线")
        page.get_by_role("complementary").get_by_role("button", name="关闭").click()
        expect(page.get_by_role("complementary")).to_have_count(0)


def test_dots_are_drawn_where_the_baseline_is(reader: Reader, city: City) -> None:
    """The curve differs with a step picked, and only there where there is a baseline to mark."""
    yesterday = (city.today - timedelta(days=1)).isoformat()
    with reader.open("/signal/ed.ili/11?detector=ears_c2") as page:
        curve = page.locator(".u-wrap canvas")
        expect(curve).to_be_visible()
        plain = curve.screenshot()
    with reader.open(f"/signal/ed.ili/11?detector=ears_c2&at={yesterday}") as page:
        expect(page.locator("figure .basis")).to_be_visible()
        assert page.locator(".u-wrap canvas").screenshot() != plain


def test_a_phone_reads_why_without_scrolling_sideways(reader: Reader, city: City) -> None:
    yesterday = (city.today - timedelta(days=1)).isoformat()
    with reader.open(f"/signal/ed.ili/11?detector=ears_c2&at={yesterday}", width=390, height=844) as page:
        expect(page.get_by_role("complementary")).to_contain_text("Baseline: 7 days")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_answer_has_weights_and_refuses_what_it_does_not_know(city: City) -> None:
    yesterday = (city.today - timedelta(days=1)).isoformat()
    found = city.ask(f"/explain?signal=ed.ili&area=11&time={yesterday}")
    assert [d["name"] for d in found["detectors"]] == ["ears_c2", "ears_c1"]
    assert [b["weight"] for b in found["detectors"][0]["baseline"]] == [1.0] * 7
    assert found["speaks"]
    assert 2 <= found["quiet"] < 40
