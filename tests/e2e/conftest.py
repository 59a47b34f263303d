"""A served city, a browser, and pages that tell on themselves."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from server import small

TOKEN = "a-token-for-the-page"
# WebGL by software, so that the map is drawn as on a desk.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]


class City(NamedTuple):
    """Where it is served, and how to talk to it without a browser."""

    url: str
    today: date

    def ask(self, path: str, body: Any = None, patience: float = 60) -> Any:
        """GET, or POST with the token when there is a body."""
        request = urllib.request.Request(f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=patience) as answer:
            return json.load(answer)


@contextmanager
def served(folder: Path) -> Iterator[City]:
    """A city directory, served as a user would serve it."""
    env = {**os.environ, "TOCSIN_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-m", "tocsin", "serve", "--city", str(folder), "--port", "0", "--beat", "1"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            said = server.stdout.readline()
            link = re.search(r"http://[^/\s]+", said)
            assert link, said
            yield City(link[0], datetime.now(ZoneInfo("Asia/Shanghai")).date())
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A small city with an outbreak in the east and one bad record."""
    with served(small.city(tmp_path_factory.mktemp("e2e") / "small")) as found:
        events = small.outbreak(found.today)
        found.ask("/events", [*events, {**events[0], "key": "bad", "signal": "no-such-signal"}])
        yield found


@pytest.fixture(scope="module")
def city_url(city: City) -> str:
    return city.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the machine has it; without one these tests say so and are skipped."""
    found = os.environ.get("TOCSIN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium on the path (or in TOCSIN_CHROMIUM): the page is not looked at")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


class Reader:
    """Opens pages in one browser profile, and fails when one complains or asks anybody but the city."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url

    @contextmanager
    def open(self, path: str = "/", width: int = 1440, height: int = 900, **more: Any) -> Iterator[Page]:
        """A page at `path`, closed afterwards."""
        more = {"locale": "en-GB", "color_scheme": "light", "accept_downloads": True, **more}
        with self._browser.new_context(viewport={"width": width, "height": height}, **more) as profile:
            page, wrong = profile.new_page(), []
            page.set_default_timeout(30_000)
            page.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
            page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
            page.on(
                "request", lambda asked: wrong.append(f"outside: {asked.url}") if self._outside(asked.url) else None
            )
            page.goto(self._url + path)
            yield page
            assert wrong == []

    def _outside(self, url: str) -> bool:
        return not url.startswith((f"{self._url}/", "blob:", "data:"))


@pytest.fixture
def reader(browser: Browser, city: City) -> Reader:
    return Reader(browser, city.url)
