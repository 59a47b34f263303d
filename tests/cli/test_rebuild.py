"""`tocsin rebuild` counts as the live fold would have, and changes of city.toml are said, not suffered."""

import random
from collections import Counter

import pytest

from cli.conftest import HEAD, rows
from tocsin import loop
from tocsin.desk import open_desk
from tocsin.errors import StoreError

FIELDS = "s.name, a.code, i.step, i.report_time, i.value, i.imported, i.n"


def net(city):
    """The net increments, whatever batches they came in."""
    desk = open_desk(city, {})
    found = Counter()
    for *cell, n in desk.store.db.execute(
        f"SELECT {FIELDS} FROM increment i JOIN signal s ON s.id = i.signal JOIN area a ON a.id = i.area"
    ):
        found[tuple(cell)] += n
    desk.store.close()
    return {cell: n for cell, n in found.items() if n}


def history(chance, size=3000):
    """Cases that are corrected, moved and withdrawn."""
    return HEAD + "".join(
        f"k{chance.randrange(400)},2026-02-{chance.randint(1, 28):02d}T{chance.randrange(24):02d}:10,"
        f"2026-03-{1 + i * 28 // size:02d},{chance.choice(['101', '102', '1'])},{chance.choice([0, 1, 1, 2])}\n"
        for i in range(size)
    )


def edit(city, old, new):
    text = (city / "city.toml").read_text("utf-8")
    assert old in text
    (city / "city.toml").write_text(text.replace(old, new), "utf-8")


def test_rebuilt_equals_live(tocsin, city):
    (city / "in.csv").write_text(history(random.Random(1)), "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    live, desk = net(city), open_desk(city, {})
    before = desk.cube("ili", "district", 1_775_000_000_000_000, None, None)
    assert tocsin("rebuild", "--city", city).code == 0
    assert net(city) == live != {}
    after = desk.cube("ili", "district", 1_775_000_000_000_000, None, None)  # a reader that was there all the time
    assert (after.values == before.values).all()


@pytest.mark.parametrize("new", ['step = "1w"', 'step = "1h"', 'kind = "measure"\ndetectors = []'])
def test_a_changed_step_or_kind_is_refused_until_rebuilt(tocsin, city, tmp_path_factory, new):
    (city / "in.csv").write_text(history(random.Random(2)), "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    edit(city, 'detectors = ["ears_c2"]', new)
    refused = tocsin("alerts", "--city", city)
    assert refused.code == 4
    assert "tocsin rebuild" in refused.err
    assert tocsin("rebuild", "--city", city).code == 0
    fresh = tmp_path_factory.mktemp("fresh")
    for name in ("city.toml", "areas.csv"):
        (fresh / name).write_bytes((city / name).read_bytes())
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", fresh)
    assert net(city) == net(fresh)


def test_a_changed_zone_is_refused_until_rebuilt(tocsin, city):
    (city / "in.csv").write_text(HEAD + "a,2026-03-05T06:00,2026-03-09,101,\n", "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    edit(city, "Asia/Shanghai", "America/New_York")
    assert "clock of Asia/Shanghai" in tocsin("alerts", "--city", city).err
    assert tocsin("rebuild", "--city", city).code == 0
    known = tocsin("cube", "--signal", "ili", "--level", "city", "--as-of", "2026-03-20", "--city", city)
    assert "1,2026-03-04,1\n" in known.out, "six in the morning in Shanghai is the evening before in New York"


def test_a_running_program_does_not_go_on_by_old_settings(tocsin, city):
    (city / "in.csv").write_text(HEAD + rows(0, 10), "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    old = open_desk(city, {})
    edit(city, 'name = "ili"', 'name = "ili"\nstep = "1h"')
    tocsin("rebuild", "--city", city)
    (city / "in.csv").write_text(HEAD + rows(0, 20), "utf-8")
    with pytest.raises(StoreError, match="start this program again"):
        loop.take(old, old.settings.source("hospital"), city / "in.csv", 1_780_000_000_000_000)


def test_cases_move_out_of_a_signal_and_an_area_that_are_gone(tocsin, city):
    (city / "in.csv").write_text(HEAD + rows(0, 10), "utf-8")
    tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    edit(city, 'name = "ili"', 'name = "flu"')
    edit(city, 'signal = "ili"', 'signal = "flu"')
    (city / "areas.csv").write_text((city / "areas.csv").read_text("utf-8").replace("102,1,district,西,West\n", ""))
    done = tocsin("ingest", city / "in.csv", "--source", "hospital", "--city", city)
    assert "10 events" in done.out
    for signal, want in (("flu", {"10"}), ("ili", None)):
        known = tocsin("cube", "--signal", signal, "--level", "city", "--as-of", "2026-11-20", "--city", city)
        if want is None:
            assert known.code == 2
            assert "flu" in known.err
        else:
            assert str(sum(int(x.split(",")[2] or 0) for x in known.out.splitlines()[1:])) in want
    left = {(cell[0], n) for cell, n in net(city).items()}
    assert {signal for signal, _ in left} <= {"flu", "ili"}
    assert tocsin("rebuild", "--city", city).code == 0
    assert {(cell[0], n) for cell, n in net(city).items()} == left
