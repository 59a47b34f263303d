"""A made-up history of a small city from one seed: what came, what people did, and what all of it adds up to."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from city import make_city
from tocsin import loop
from tocsin.alert import triage
from tocsin.calendar import end_of_day, zone
from tocsin.desk import Desk, open_desk
from tocsin.store import open_store
from tocsin.store.backup import backup, restore
from tocsin.store.copy import copy_store, digests
from tocsin.store.fsck import fsck
from tocsin.store.rebuild import rebuild

FIRST = date(2026, 3, 1)
ZONE = zone("Asia/Shanghai")
HEAD = "id,onset,reported,street,district,n\n"
AREAS = ("111", "112", "121", "11", "999")  # the last is unknown
Deed = Callable[[Desk], None]


@dataclass
class Act:
    """One thing that happens. `free`: it may change places with its free neighbours and nothing differs."""

    name: str
    do: Deed
    free: bool = False


def acts(seed: int, days: int = 26) -> list[Act]:
    """Deliveries by every door, beats, notes, a recount, a move and a backup; the same for the same seed."""
    chance = random.Random(seed)
    found: list[Act] = []
    keys: list[str] = []
    for n in range(days):
        day = FIRST + timedelta(days=n)
        now = int(end_of_day(day, ZONE))
        fresh = [f"v{n}-{i}" for i in range(chance.randint(2, 5))]
        ill = [f"o{n}-{i}" for i in range(12)] if n % 9 in (7, 8) and n > 12 else []
        mended = chance.sample(keys, min(len(keys), chance.randint(0, 3)))
        told = [_record(chance, k, day, again=k in mended) for k in [*fresh, *mended]]
        told += [(k, str(day), str(day), "111", "1") for k in ill]
        keys += [*fresh, *ill]
        found += _deliveries(chance, told, n, now)
        found.append(Act(f"tick {n}", _tick(now)))
        if n % 3 == 2 or n > days - 3:
            found.append(Act(f"note {n}", _note(now, chance.random())))
        if n == days // 2:
            found.append(Act("rebuild", _rebuild))
    return [*found, Act("move", _move), Act("backup", _backup)]


def _record(chance: random.Random, key: str, day: date, *, again: bool) -> tuple[str, str, str, str, str]:
    onset = str(day - timedelta(days=chance.randint(0, 3)))
    if chance.random() < 0.05:
        onset = "2026-13-41"
    return key, onset, str(day), chance.choice(AREAS), chance.choice(["0", "1", "2"]) if again else "1"


def _deliveries(chance: random.Random, told: list[tuple[str, ...]], n: int, now: int) -> list[Act]:
    """One day's records by different doors; no two of them speak of one key, so their order does not matter."""
    doors = [chance.randrange(3) for _ in range(chance.randint(1, 3))]
    parts = [told[i :: len(doors)] for i in range(len(doors))]
    make = (_file, _message, _push)
    return [make[d](part, f"{n}-{i}", now) for i, (d, part) in enumerate(zip(doors, parts, strict=True)) if part]


def _table(rows: list[tuple[str, ...]]) -> str:
    return HEAD + "".join(f"{k},{onset},{told},{area},11,{n}\n" for k, onset, told, area, n in rows)


def _file(rows: list[tuple[str, ...]], name: str, now: int) -> Act:
    def do(desk: Desk) -> None:
        path = desk.directory / f"in-{name}.csv"
        path.write_text(_table(rows), "utf-8")
        loop.take(desk, desk.settings.source("hospital"), path, now)

    return Act(f"file {name}", do, free=True)


def _message(rows: list[tuple[str, ...]], name: str, now: int) -> Act:
    data = _table(rows).encode()
    return Act(
        f"message {name}",
        lambda desk: _none(loop.receive(desk, desk.settings.source("hospital"), data, name, now)),
        True,
    )


def _push(rows: list[tuple[str, ...]], name: str, now: int) -> Act:
    body = json.dumps(
        [
            {"source": "hospital", "key": k, "signal": "cases", "area": area, "reference_time": onset,
             "report_time": told, "value": float(n)}
            for k, onset, told, area, n in rows
        ]
    ).encode()  # fmt: skip
    return Act(f"push {name}", lambda desk: _none(loop.push(desk, body, now)), free=True)


def _none(_: object) -> None:
    pass


def _tick(now: int) -> Deed:
    return lambda desk: _none(loop.tick(desk, now, strict=True))


def _note(now: int, which: float) -> Deed:
    """Somebody works on an alert. Whoever finds it done already, after a failure, has nothing left to do."""

    def do(desk: Desk) -> None:
        said = loop.notes.read_notes(desk.store, now)
        before = loop.episode.fold(said)
        if not before:
            return
        alert = sorted(before)[int(which * len(before))]
        if any(n.alert == alert and n.who == "duty" and n.at == now for n in said):
            return
        action = triage.actions(before[alert].state)[0]
        loop.note(desk, alert, action, "duty", "looked into it", now)

    return do


def _rebuild(desk: Desk) -> None:
    rebuild(desk.store, desk.stored_as, desk.settings.city.zone, desk.step_of)


def _move(desk: Desk) -> None:
    """To another store, row by row. One that is not empty is whole: it landed before the lights went out."""
    folder = desk.directory / "moved"
    folder.mkdir(exist_ok=True)
    to = open_store(folder)
    try:
        if not any(to.db.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in ("event", "delivery")):
            copy_store(desk.store, to)
        assert digests(to) == digests(desk.store)
    finally:
        to.close()


def _backup(desk: Desk) -> None:
    """Out and back in: the same rows; nothing half done is taken for whole."""
    archive, back = (
        desk.directory.parent / f"{desk.directory.name}.tgz",
        desk.directory.parent / f"{desk.directory.name}.back",
    )
    if not archive.exists():
        backup(desk.directory, desk.store, archive, {})
    if not back.exists():
        restore(archive, back)
    again = open_desk(back, {})
    try:
        assert digests(again.store) == digests(desk.store)
    finally:
        again.store.close()


def opened(folder: Path) -> Desk:
    """The city as a program that starts finds it."""
    return make_city(folder, detectors='[{ method = "ears_c2", baseline = 10 }, { method = "fixed_value", value = 9 }]')


SAID = {
    "event": "SELECT s.name, e.key, g.name, a.code, e.reference_time, e.report_time, e.value, e.imported FROM event e"
    " JOIN source s ON s.id = e.source JOIN signal g ON g.id = e.signal JOIN area a ON a.id = e.area",
    "arrival": "SELECT s.name, t.minute, t.events FROM arrival t JOIN source s ON s.id = t.source WHERE t.events > 0",
    "finding": "SELECT s.name, f.file, f.line, f.field, f.value, f.code, f.message, f.raw, f.kept, f.key, f.at,"
    " f.closed FROM finding f JOIN source s ON s.id = f.source",
    "delivery": "SELECT s.name, d.file, d.sha256, d.mapping, d.received, d.events, d.findings, d.done FROM delivery d"
    " JOIN source s ON s.id = d.source",
    "message": "SELECT sha256, received, data FROM message",
    "note": "SELECT seq, alert, at, who, action, what FROM note",
    "evidence": "SELECT alert, detector, step, observed, at, expected, upper, score, p, area FROM evidence",
    "tick": "SELECT at FROM tick",
    "fault": "SELECT at, part, message FROM fault",
}


def state(desk: Desk) -> dict[str, Counter[Any]]:
    """All that the city holds, free of the order in which free deliveries came and of how often they were sent."""
    db = desk.store.db
    found = {name: Counter(map(tuple, db.execute(sql).fetchall())) for name, sql in SAID.items()}
    net: Counter[Any] = Counter()
    for *cell, n in db.execute(
        "SELECT g.name, a.code, i.step, i.report_time, i.value, i.imported, i.n FROM increment i"
        " JOIN signal g ON g.id = i.signal JOIN area a ON a.id = i.area"
    ):
        net[tuple(cell)] += n
    found["increment"] = Counter({c: n for c, n in net.items() if n})
    return found


def whole(desk: Desk) -> list[str]:
    """What `tocsin fsck` finds wrong."""
    return [p for check in fsck(desk.store, desk.directory, desk.step_of) for p in check.problems]


def differences(got: dict[str, Counter[Any]], wanted: dict[str, Counter[Any]]) -> list[str]:
    """Rows too many and too few, a few of each table."""
    found = []
    for name, rows in wanted.items():
        for word, more in (("too many", got[name] - rows), ("missing", rows - got[name])):
            found += [f"{name}: {word}: {row!r}" for row in list(more)[:3]]
    return found
