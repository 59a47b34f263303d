"""The outlook in a browser: fans with their intervals, both boards, sliders that change the answer, two languages."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from server import small

from .conftest import City, Reader, served
from .contrast import poor

DAYS = 90


def _cases(city: City) -> list[dict[str, Any]]:
    """A rise in the east whose reports take two days on average; one in twenty imported."""
    rng, found = np.random.default_rng(4), []
    for back in range(DAYS, -1, -1):
        day = city.today - timedelta(days=back)
        for town, mean in (("11", 6 * 1.03 ** (DAYS - back) / 3), ("12", 3.0)):
            for _ in range(rng.poisson(mean)):
                told = day + timedelta(days=int(rng.geometric(0.35)) - 1)
                if told < city.today or (told == city.today and rng.uniform() < 0.3):
                    key, far = f"o{len(found)}", "yes" if rng.uniform() < 0.05 else "no"
                    when = f"{told}T00:00:10" if told == city.today else f"{told}T12:00:00"
                    found.append(
                        {"source": "hospital", "key": key, "signal": "ed.ili", "area": town, "reference_time": str(day),
                         "report_time": when, "imported": far}
                    )  # fmt: skip
    return sorted(found, key=lambda e: str(e["report_time"]))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A small city whose ILI has an interval and is judged on the nowcast."""
    folder = small.city(tmp_path_factory.mktemp("e2e") / "outlook")
    toml = folder / "city.toml"
    more = 'name = "ed.ili"\njudge = "nowcast"\ninterval = { mean = 4.0, sd = 2.0 }'
    toml.write_text(toml.read_text("utf-8").replace('name = "ed.ili"', more, 1), "utf-8")
    with served(folder) as found:
        found.ask("/events", _cases(found))
        for path in ("/outlook", "/boards?signal=ed.ili&level=town", "/nowcast?signal=ed.ili&area=11"):
            found.ask(path, patience=300)  # once after an install its kernels are compiled
        yield found


def test_every_number_of_a_card_has_its_interval(reader: Reader) -> None:
    with reader.open("/outlook") as page:
        card = page.locator("article").filter(has_text="ILI")
        expect(card).to_be_visible()
        for value in card.locator("dd").all():
            assert re.search(r"\d.*\(.*\d.*(–| to ).*\d.*\)", value.inner_text()), value.inner_text()
        expect(card).to_contain_text("P(Rt>1)")


def test_the_boards_ask_two_questions_and_follow_the_level(reader: Reader) -> None:
    with reader.open("/outlook") as page:
        expect(page.get_by_role("heading", name="Does it come from outside?")).to_be_visible()
        expect(page.get_by_role("heading", name="Does it spread here?")).to_be_visible()
        expect(page.locator(".boards tbody tr").filter(has_text="East").last).to_contain_text(
            "sure since", timeout=30_000
        )
        page.get_by_label("Level").select_option("city")
        expect(page.locator(".boards tbody tr").filter(has_text="Small").first).to_be_visible()
        expect(page).to_have_url(re.compile("level=city"))


def test_a_slider_changes_the_what_if_and_assumptions_are_printed(reader: Reader) -> None:
    with reader.open("/outlook") as page:
        total = page.locator(".whatif dd").first
        expect(total).to_be_visible()
        before = total.inner_text()
        expect(page.locator(".assume li")).to_have_count(5)
        slider = page.get_by_label("Contacts, relative to now")
        slider.fill("0.2")
        expect(total).not_to_have_text(before)
        slider.fill("1")
        expect(page.locator(".whatif dd").nth(1)).to_have_text("0")  # nothing done averts nothing


def test_the_signal_page_draws_the_nowcast_as_of_a_day(reader: Reader, city: City) -> None:
    with reader.open("/signal/ed.ili/1") as page:
        section = page.locator(".nowcasts")
        expect(section.locator("figure")).to_have_count(3)
        expect(section).to_contain_text("Reports of the last")
        newest = section.locator("output").first
        now = newest.inner_text()
        day = str(city.today - timedelta(days=10))
        with page.expect_response(lambda r: "/nowcast" in r.url and day in r.url):
            page.goto(f"{city.url}/signal/ed.ili/1?as_of={day}")
        expect(newest).not_to_have_text(now)
        expect(newest).to_contain_text(re.compile(r"Estimated \d+ \(\d+–\d+\)"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_chinese_nothing_is_wider_than_the_screen_and_all_can_be_read(
    reader: Reader, scheme: str
) -> None:
    with reader.open("/outlook", width=390, height=844, locale="zh-CN", color_scheme=scheme) as page:
        expect(page.get_by_role("heading", name="形势研判")).to_be_visible()
        expect(page.locator(".whatif dd").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert poor(page) == []
