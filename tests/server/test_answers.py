"""What the API answers: shapes, parameters, refusals, methods, headers."""

import msgspec
import pytest
from starlette.testclient import TestClient

from tocsin import loop, views
from tocsin.errors import StoreError
from tocsin.server import wire
from tocsin.server.app import API, ROUTES, build
from tocsin.server.site import Site

from . import fake
from .conftest import TOKEN, WRITE

READS = ["/city", "/signals", "/areas?level=town", "/series?signal=ed.ili&area=11", "/map?signal=ed.ili&level=town",
         "/clusters?signal=ed.ili", "/clusters", "/completeness", "/completeness?signal=ed.ili",
         "/alerts?state=new&phase=open&limit=5", f"/alerts/{fake.ALERT_ID}", "/sources", "/findings?source=hospital",
         "/health", "/openapi.json", "/areas.geojson"]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_reads_need_no_token_and_are_never_kept(web: TestClient, path: str) -> None:
    got = web.get(API + path)
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] in ("no-store", "no-cache")
    assert "default-src 'none'" in got.headers["content-security-policy"]


@pytest.mark.parametrize("path", [*READS, "/live"])
def test_head_is_get_without_the_body(web: TestClient, path: str) -> None:
    got = web.head(API + path)
    assert (got.status_code, got.content) == (200, b"")


def test_options_and_405_say_what_a_path_answers(web: TestClient) -> None:
    assert web.options(f"{API}/events").headers["allow"] == "OPTIONS, POST"
    got = web.get(f"{API}/events")
    assert (got.status_code, got.headers["allow"]) == (405, "OPTIONS, POST")
    assert got.json()["error"]["code"] == "no-such-method"
    assert web.delete(f"{API}/alerts").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_number_that_is_missing_is_null(web: TestClient) -> None:
    curve = web.get(f"{API}/series?signal=ed.ili&area=11").json()["detectors"][0]
    assert (curve["score"], curve["upper"]) == ([None], [2.5])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/series?signal=nope&area=11", 404),
        ("/series?signal=ed.ili&area=99", 404),
        ("/series?signal=ed.ili", 400),
        ("/series?signal=ed.ili&area=11&asof=2026-01-01", 400),  # a misspelt as_of must not mean now
        ("/series?signal=ed.ili&signal=ed.ili&area=11", 400),
        ("/series?signal=ed.ili&area=11&from=yesterday", 400),
        ("/series?signal=ed.ili&area=11&as_of=tomorrow", 400),
        ("/series?signal=ed.ili&area=11&as_of=0001-01-01", 400),
        ("/series?signal=ed.ili&area=11&from=9999-12-31", 400),
        ("/alerts?limit=0", 400),
        ("/alerts?limit=many", 400),
        ("/alerts?state=asleep", 400),
        ("/alerts?state=null", 400),
        ("/alerts?as_of=", 400),
        ("/areas?level=", 400),
        ("/alerts/none", 404),
        (f"/alerts/{fake.ALERT_ID}?id=x", 400),
        ("/areas?level=moon", 404),
        ("/findings?source=nobody", 404),
        ("/nothing", 404),
        ("/alerts/", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_in_json(web: TestClient, path: str, status: int) -> None:
    got = web.get(API + path)
    assert got.status_code == status
    assert set(got.json()) == {"error"}
    assert all(got.json()["error"][k] for k in ("code", "message"))


def test_what_is_asked_arrives(web: TestClient, city: fake.City) -> None:
    base = f"{API}/series?signal=ed.ili&area=11"
    past = {"signal": "ed.ili", "area": "11", "from": "2026-01-01", "to": "2026-02-01"}
    for as_of in ("2026-03-02", "2026-03-02T18:00:00+08:00", "2026-03-02T18:00"):
        assert web.get(f"{API}/series", params=past | {"as_of": as_of}).status_code == 200
        assert city.asked[-1] == ("ed.ili", "11", "2026-01-01", "2026-02-01", as_of, fake.NOW)
    assert web.get(base).status_code == 200
    assert city.asked[-1] == ("ed.ili", "11", None, None, None, fake.NOW)
    web.get(f"{API}/alerts?phase=quiet&limit=7")
    assert city.asked[-1] == (None, "quiet", None, 7, fake.NOW)


def test_can_write_is_said_of_this_request(web: TestClient) -> None:
    assert web.get(f"{API}/city").json()["can_write"] is False
    assert web.get(f"{API}/city", headers=WRITE).json()["can_write"] is True


def test_what_breaks_is_answered_without_details(
    web: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret path /etc/x")

    monkeypatch.setattr(views, "signals", broken)
    got = web.get(f"{API}/signals", headers=WRITE)
    assert (got.status_code, got.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in got.text
    assert "the secret path" in caplog.text
    assert TOKEN not in caplog.text

    def locked(*_: object) -> None:
        raise StoreError("the store is locked; end the other program")

    monkeypatch.setattr(loop, "push", locked)
    got = web.post(f"{API}/events", json=[], headers=WRITE)
    assert (got.status_code, "retry-after" in got.headers) == (503, True)


def test_an_answer_that_breaks_the_contract_is_our_fault(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ([{"name": "ed.ili"}], [fake.City().signals()[0] | {"surprise": 1}]):
        monkeypatch.setattr(views, "signals", lambda _, wrong=wrong: wrong)
        assert web.get(f"{API}/signals").status_code == 500


def test_big_answers_are_compressed_when_the_client_can(web: TestClient, city: fake.City) -> None:
    city.polygons = b'{"type":"FeatureCollection","features":[%s]}' % b",".join([b"{}"] * 2000)
    got = web.get(f"{API}/areas.geojson")
    assert (got.headers["content-encoding"], got.content) == ("gzip", city.polygons)
    plain = web.get(f"{API}/areas.geojson", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_polygons_are_sent_once(web: TestClient, city: fake.City) -> None:
    first = web.get(f"{API}/areas.geojson")
    again = web.get(f"{API}/areas.geojson", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    city.polygons = None
    assert web.get(f"{API}/areas.geojson").status_code == 404


def test_faults_of_the_server_show_in_health(web: TestClient, site: Site) -> None:
    assert web.get(f"{API}/health").json()["status"] == "ok"
    site.fault("tick", RuntimeError("no"))
    health = web.get(f"{API}/health").json()
    assert health["status"] == "degraded"
    assert health["faults"] == [{"at": fake.AT, "part": "tick", "message": "RuntimeError: no"}]
    site.clock = lambda: fake.NOW + 86_400_000_000
    assert web.get(f"{API}/health").json()["status"] == "ok"


def test_every_write_route_refuses_without_the_right_token(web: TestClient, city: fake.City) -> None:
    writes = [r for r in ROUTES if r.method not in ("GET", "HEAD")]
    assert writes
    assert all(r.token for r in writes)
    for route in writes:
        path = API + route.path.replace("{id}", fake.ALERT_ID)
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": ""},
                      {"Authorization": b"Bearer \xe9\xff"}, {"Authorization": f"Bearer {TOKEN}x"}):  # fmt: skip
            got = web.request(route.method, path, json=[], headers=given)
            assert got.status_code == 401
            assert got.headers["www-authenticate"].startswith("Bearer")
    assert not city.events
    assert not city.notes


def test_without_a_token_nobody_writes(city: fake.City) -> None:
    with TestClient(build(Site(city))) as web:
        for given in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
            assert web.post(f"{API}/events", json=[], headers=given).status_code == 401


def test_types_on_the_wire_hold_every_shape_of_the_contract() -> None:
    """Names of the contract, so that a renamed field is noticed here before a page notices."""
    fields = {k: set(getattr(wire, k).__struct_encode_fields__) for k in ("Alert", "Series", "Source", "Health")}
    assert fields["Alert"] >= {"id", "rank", "imported_share", "spark", "reason", "path"}
    assert fields["Series"] >= {"times", "values", "detectors", "alarms", "alerts"}
    assert fields["Source"] >= {"last_seen", "lag_minutes", "findings_open", "recent"}
    assert fields["Health"] >= {"behind_seconds", "faults"}
    assert msgspec.json.decode(wire.problem("a", "b"))["error"] == {"code": "a", "message": "b"}
