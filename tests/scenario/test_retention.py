"""Raw bytes go when their days are over; what they said stays."""

from cli.conftest import AREAS, CITY, HEAD, rows
from tocsin import loop
from tocsin.desk import open_desk
from tocsin.store.retention import forget
from tocsin.views.mapped import changes

FIRST, LATER = 1_790_000_000_000_000, 1_790_900_000_000_000


def test_bytes_are_forgotten_by_source_and_events_stay(tmp_path):
    (tmp_path / "city.toml").write_text(CITY + CITY[CITY.index("[[sources]]") :].replace("hospital", "other"), "utf-8")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    desk = open_desk(tmp_path, {})
    old, new, both = (tmp_path / f"{n}.csv" for n in ("old", "new", "both"))
    old.write_text(HEAD + rows(0, 5) + "bad,never,2026-03-02,101,\n", "utf-8")
    new.write_text(HEAD + rows(5, 9), "utf-8")
    both.write_text(HEAD + rows(9, 12), "utf-8")
    for source, file, at in (
        ("hospital", old, FIRST),
        ("hospital", new, LATER),
        ("hospital", both, FIRST),
        ("other", both, FIRST),
    ):
        loop.take(desk, desk.settings.source(source), file, at)
    kept = sorted((tmp_path / "raw").rglob("*.gz"))
    assert len(kept) == 3
    assert forget(desk.store, tmp_path, {"hospital": FIRST}) == 0
    assert forget(desk.store, tmp_path, {"hospital": FIRST + 1}) == 1
    assert forget(desk.store, tmp_path, {"hospital": FIRST + 1}) == 0
    assert forget(desk.store, tmp_path, {"hospital": FIRST + 1, "other": FIRST + 1}) == 1
    (left,) = (tmp_path / "raw").rglob("*.gz")
    assert left in kept
    assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] == 15
    message_ = (HEAD + rows(20, 21)).encode()
    loop.receive(desk, desk.settings.source("hospital"), message_, "POST", LATER)
    assert [c.before for c in changes(desk, desk.settings.source("hospital")).added] == []
    assert forget(desk.store, tmp_path, {"hospital": LATER}) == 0
    assert forget(desk.store, tmp_path, {"hospital": LATER + 1}) == 2
    assert desk.store.db.execute("SELECT COUNT(*) FROM message").fetchone()[0] == 0
    raw, message = desk.store.db.execute("SELECT raw, message FROM finding").fetchone()
    assert bytes(raw) == b""
    assert "never" in message
    desk.store.close()
