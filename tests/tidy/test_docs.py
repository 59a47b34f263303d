"""The documents point to what exists: links, headings, commands and their options."""

import re
from pathlib import Path

import click
import pytest

from tidy.rules import ROOT
from tocsin import cli

PAGES = sorted(
    p
    for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    if "_build" not in p.parts
)
CODE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = CODE.sub("", page.read_text("utf-8"))
    titles = [re.sub(r"[`*]", "", t).strip().lower() for t in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", t).replace(" ", "-") for t in titles}


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links of a page's text that point to nothing."""
    found = []
    for link in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


def unknown_commands(text: str) -> list[str]:
    """Commands in a text that the program does not have, and options that a command does not have."""
    group = cli._tocsin
    assert isinstance(group, click.Group)
    found = []
    for block in CODE.finditer(text):
        for line in block.group().replace("\\\n", " ").splitlines():
            said = re.match(r"^(?:\$ )?(?:[A-Z_]+=\S+ )?tocsin ([a-z]\S*)(.*)$", line)
            if not said:
                continue
            command = group.get_command(click.Context(group), said[1])
            if command is None:
                found.append(said[1])
                continue
            parts = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
            known = {o for c in parts for p in c.params for o in p.opts} | {"--help"}
            given = re.findall(r"(?:^|\s)(--[\w-]+)", said[2].split(" #")[0])
            found += [f"{said[1]} {o}" for o in given if o not in known]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_point_to_what_exists(page):
    assert broken_links(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_exist(page):
    assert unknown_commands(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_two_commands_and_the_tour_are_there(page):
    text = (ROOT / page).read_text("utf-8")
    verbs = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[0].split()
    assert [v for v in re.findall(r"\bmake ([a-z]+)\b", text) if v not in {*verbs, "one"}] == []
    assert all(f"make {v}" in text for v in ("demo", "test"))
    tour = ("init", "check", "ingest", "findings", "cube", "replay", "alerts", "show", "note", "serve")
    assert [c for c in tour if f"tocsin {c}" not in text] == []


@pytest.mark.parametrize(
    "page",
    [p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts and p.name != "index.md"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_page_is_in_the_contents(page):
    index = "\n".join(p.read_text("utf-8") for p in (ROOT / "docs").rglob("index.md") if "_build" not in p.parts)
    name = page.relative_to(ROOT / "docs").with_suffix("")
    assert str(name) in index.split() or f"{name.parent}/*" in index or name.parent.name == "decisions"


def test_planted_mistakes_are_caught():
    page = ROOT / "README.md"
    assert broken_links(page, "[gone](docs/gone.md) and [there](LICENSE)") == ["docs/gone.md"]
    assert broken_links(page, "[head](ARCHITECTURE.md#no-such-heading)") == ["ARCHITECTURE.md#no-such-heading"]
    assert broken_links(page, "```\n[code](docs/gone.md)\n```\n") == []
    assert unknown_commands("```sh\n$ tocsin conjure --now\ntocsin tick --loud\n```\n") == ["conjure", "tick --loud"]
    assert unknown_commands("```sh\ntocsin tick --city c  # as --above\n```\n") == []
