"""What monitors ask: metrics in Prometheus' format, readiness, and the log as JSON."""

import json
import logging
import re

from starlette.testclient import TestClient

from tocsin import views
from tocsin.errors import StoreError
from tocsin.feed.contract import Status
from tocsin.server import journal
from tocsin.server.app import API
from tocsin.server.site import Site

LINE = re.compile(r'^[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z]+="(\\.|[^"\\])*")*\})? -?[0-9.e+]+$')


def test_every_metric_is_explained_and_well_formed(web: TestClient) -> None:
    for path in ("/metrics", f"{API}/metrics"):
        got = web.get(path)
        assert (got.status_code, got.headers["content-type"].split(";")[0]) == (200, "text/plain")
        helped: set[str] = set()
        for line in got.text.splitlines():
            if line.startswith("# HELP "):
                helped.add(line.split()[2])
            elif not line.startswith("#"):
                assert LINE.match(line), line
                assert re.match(r"[a-z_]+", line)[0] in helped
        assert 'tocsin_complete_ratio{signal="ed.ili"} 0.9\ntocsin_data_alerts_open{source="hospital"} 1\n' in "".join(
            f"{line}\n" for line in got.text.splitlines() if not line.startswith("#")
        )
        assert {"tocsin_events_total", "tocsin_up", "tocsin_writes_waiting"} <= helped  # no beat yet: not behind


def test_ready_says_no_when_the_store_is_away_or_the_end_is_near(web: TestClient, site: Site, monkeypatch) -> None:
    assert web.get(f"{API}/ready").json() == {"ready": True}

    def away(*_: object) -> None:
        raise StoreError("the server is away")

    with monkeypatch.context() as m:
        m.setattr(views, "health", away)
        assert web.get(f"{API}/ready").status_code == 503
        assert web.get("/metrics").status_code == 503
    site.writer.close()
    got = web.get(f"{API}/ready")
    assert (got.status_code, got.headers["retry-after"]) == (503, "10")


def test_the_log_as_json_is_one_object_a_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as e:
        record = logging.LogRecord("tocsin.server", logging.ERROR, "", 1, "broke: %s", ("看",), (ValueError, e, None))
    line = journal.Structured().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["part"], said["message"]) == ("error", "tocsin.server", "broke: 看")
    assert said["trace"].endswith("ValueError: two\nlines\n")


def test_one_and_the_same_line_is_written_once_in_a_while() -> None:
    sparing = journal.Sparing()

    def written(text: str, at: float, why: Exception | None = None) -> str:
        made = logging.LogRecord("x", logging.ERROR, "", 1, "%s", (text,), (type(why), why, None) if why else None)
        made.created = at
        return made.getMessage() if sparing.filter(made) else ""

    assert [written("away", 100 + n / 1000) for n in range(1000)] == ["away"] + [""] * 999
    assert written("another", 101) == "another"
    assert written("away", 101, ValueError("for another reason")) == "away"
    assert written("away", 111) == "away (999 more like it)"
    assert [written("away", 112), written("away", 122)] == ["", "away (1 more like it)"]
    for n in range(5000):
        assert written(f"each another {n}", 123)
    assert len(sparing._last) <= 1000


def test_a_feeds_line_stands_in_the_sources_the_metrics_and_the_health(web: TestClient, site: Site) -> None:
    line = site.feeds["hospital"] = Status("mqtt", site.clock)
    assert web.get(f"{API}/health").json()["status"] == "ok"
    line.now("up")
    line.took(3)
    for state, problem, up, health in (("up", "", 1, "ok"), ("down", 'the "broker" is away', 0, "degraded")):
        line.now(state, problem)
        told = next(s["feed"] for s in web.get(f"{API}/sources").json() if s["name"] == "hospital")
        assert (told["kind"], told["state"], told["messages"], told["problem"]) == ("mqtt", state, 3, problem)
        assert told["errors"] == bool(problem)
        assert told["last_message"] == told["since"]
        text = web.get("/metrics").text
        assert f'tocsin_feed_up{{source="hospital",kind="mqtt"}} {up}\n' in text
        assert 'tocsin_feed_messages_total{source="hospital",kind="mqtt"} 3\n' in text
        said = web.get(f"{API}/health").json()
        assert said["status"] == health
        assert [f["message"] for f in said["faults"] if f["part"] == "feed hospital"] == [problem] * bool(problem)
