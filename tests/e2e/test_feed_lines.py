"""The Sources page says how each line does that messages come by, and what to do when it does not."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from feed.lines import ROWS, VISITS, adt
from server import small
from server.test_feeds_served import connect
from tocsin.feed.frames import END, START

from .conftest import City, Reader, served

SILENT = 'kind = "mqtt"\nhost = "127.0.0.1"\nport = 1\ntopic = "epi/rows"\n'


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city with a line that listens, on which a message and rubbish came, and one whose other end is not there."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    folder: Path = small.city(tmp_path_factory.mktemp("lines") / "small")
    with (folder / "city.toml").open("a", encoding="utf-8") as out:
        out.write(f'{VISITS}[sources.feed]\nkind = "mllp"\nport = {port}\n{ROWS}[sources.feed]\n{SILENT}')
    with served(folder) as found, connect(port) as line:
        line.sendall(START + adt("C1") + END)
        assert b"MSA|A" in line.recv(1000)
        line.sendall(b"rubbish" + START + b"no HL7" + END)
        assert b"MSA|AR" in line.recv(1000)
        yield found


@pytest.mark.parametrize("width", [1440, 390])
def test_each_line_says_how_it_does_and_what_to_do(lined: City, browser: Browser, width: int) -> None:
    with Reader(browser, lined.url).open("/sources", width) as page:
        row = page.get_by_role("row")
        listening = row.filter(has_text="HL7 (MLLP) · listening")
        expect(listening).to_contain_text("1 taken")
        expect(listening).to_contain_text("this is no HL7 v2 message")
        expect(listening).to_contain_text("sort out with the sender")
        down = row.filter(has_text="MQTT · down, tried again by itself")
        expect(down).to_contain_text("cannot reach 127.0.0.1 port 1")
        expect(down).to_contain_text("tocsin feed test rows")
        order = page.locator("tbody").first.locator("tr td.name b").all_inner_texts()
        assert order[0] == "rows"  # what is down comes first
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.get_by_role("button", name="切换到中文").click()
        expect(row.filter(has_text="MQTT · 中断，自动重试中")).to_contain_text("请检查对方是否在运行")
        expect(row.filter(has_text="HL7（MLLP） · 正在监听")).to_contain_text("已收 1 份")


def test_a_line_that_breaks_while_somebody_looks_is_told(lined: City, browser: Browser) -> None:
    with Reader(browser, lined.url).open("/sources") as page:
        expect(page.get_by_text("HL7 (MLLP) · listening")).to_be_visible()
        said = lined.ask("/sources")
        next(s for s in said if s["name"] == "visits")["feed"] |= {"state": "paused", "problem": "the disk is full"}
        page.route("**/api/v1/sources", lambda route: route.fulfill(json=said))
        expect(page.get_by_text("HL7 (MLLP) · paused")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("look at the disk or the database")).to_be_visible()
