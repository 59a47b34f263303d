"""What the city's sources send, in the order of sending: late, corrected, twice, and now and then wrong. Pure."""

import gzip
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tocsin.sim import delays
from tocsin.sim.abroad import imported
from tocsin.sim.chance import stream
from tocsin.sim.faults import Roles, Row, lines
from tocsin.sim.geography import DISTRICTS, STREETS
from tocsin.sim.outcomes import OUTCOMES, drawn
from tocsin.sim.signals import absence, air, usual, wastewater
from tocsin.sim.world import World
from tocsin.types import Ints

SILENT_DAYS = 23  # the hotline has sent nothing for so long at the end
NONE = -1  # a case of no outbreak
SYNDROMES = {"ed.ili": "流感样病例", "ed.gi": "腹泻呕吐", "ed.fever_rash": "发热出疹"}
PATHOGENS = {"lab.dengue": "登革病毒", "lab.noro": "诺如病毒"}


class Feed(NamedTuple):
    """One file of one source: its bytes, how many lines of records, and the first report (minute) of each outbreak."""

    path: str
    data: bytes
    rows: int
    first_report: dict[int, int]


class _Cases(NamedTuple):
    """Single cases (n,): signal index, street, day index, outbreak (or NONE), whether infected elsewhere."""

    signal: Ints
    street: Ints
    day: Ints
    outbreak: Ints
    imported: Ints


def feeds(world: World) -> list[Callable[[], Feed]]:
    """The city's feeds, one call each, so that progress can be shown."""
    counts = usual(world.seed, world.people, world.days)
    counts["lab.dengue"] = imported(world.seed, world.abroad, world.days)  # nothing local in usual times
    return [
        lambda: _emergency(world, counts),
        lambda: _laboratory(world, counts),
        lambda: _wards(world, counts),
        lambda: _hotline(world, counts),
        lambda: _school(world),
        lambda: _sewage(world),
        lambda: _air(world),
    ]


def _emergency(world: World, counts: dict[str, Ints]) -> Feed:
    rng = stream(world.seed, "feed ed")
    cases = _cases(world, counts, list(SYNDROMES))
    sent = delays.emergency(rng, _civil(world, cases.day))
    again = np.flatnonzero(rng.uniform(size=len(sent)) < 0.004)  # the syndrome is corrected later
    pick = np.concatenate([np.arange(len(sent)), again])
    words = np.array(list(SYNDROMES.values()))
    syndrome = np.concatenate([cases.signal, (cases.signal[again] + 1) % len(words)])
    sent = np.concatenate([sent, delays.later(rng, sent[again])])
    key = np.char.add("E", np.char.zfill(np.arange(len(cases.day)).astype(str), 7))
    streets = np.array(world.street_codes)
    columns = [key[pick], _dates(world, cases.day[pick]), streets[cases.street[pick]], words[syndrome], _stamps(sent)]
    header = "visit_id,visit_date,street_code,syndrome,sent_at"
    kept, first = _known(world, sent, cases.outbreak[pick])
    rows = _rows(columns, kept)
    text = [header, *lines(rows, ",".join, Roles(date=1, area=2, word=3), rng, 0.0012)]
    return Feed("inbox/ed-visits.csv.gz", gzip.compress(_joined(text).encode(), 6, mtime=0), len(text) - 1, first)


def _laboratory(world: World, counts: dict[str, Ints]) -> Feed:
    rng = stream(world.seed, "feed lab")
    cases = _cases(world, counts, list(PATHOGENS))
    sent = delays.laboratory(rng, _civil(world, cases.day))
    words = np.array(list(PATHOGENS.values()))
    traveller = np.where(cases.signal == 0, np.where(cases.imported == 1, "是", "否"), "不详")
    key = np.char.add("LB", np.char.zfill(np.arange(len(sent)).astype(str), 6))
    day = np.char.replace(_dates(world, cases.day), "-", "/")
    columns = [key, day, np.array(world.street_codes)[cases.street], words[cases.signal], traveller, _stamps(sent)]
    kept, first = _known(world, sent, cases.outbreak)
    roles = Roles(date=1, area=2, word=3)
    text = ["样本编号,采样日期,现住街道代码,病原体,是否输入,报告时间"]
    text += lines(_rows(columns, kept), ",".join, roles, rng, 0.003)
    return Feed("inbox/lab-results.csv", _joined(text).encode("gb18030"), len(text) - 1, first)


def _wards(world: World, counts: dict[str, Ints]) -> Feed:
    rng = stream(world.seed, "feed wards")
    parts = []
    for k, what in enumerate(OUTCOMES):
        cases = _cases(world, counts, [what.of])
        who, day = drawn(rng, what, cases.day)
        parts.append(np.stack([np.full(len(day), k), cases.street[who], day])[:, day < len(world.days.date)])
    kind, street, day = np.concatenate(parts, axis=1)
    sent = delays.ward(rng, _civil(world, day))
    key = np.char.add("W", np.char.zfill(np.arange(len(day)).astype(str), 6))
    words = np.array([what.word for what in OUTCOMES])
    columns = [key, _dates(world, day), np.array(world.street_codes)[street], words[kind], _stamps(sent)]
    kept, _ = _known(world, sent, np.full(len(sent), NONE))  # outbreaks were known by their cases
    text = ["record_id,date,street_code,outcome,sent_at"]
    text += lines(_rows(columns, kept), ",".join, Roles(date=1, area=2, word=3), rng, 0.002)
    return Feed("inbox/wards.csv", _joined(text).encode(), len(text) - 1, {})


def _hotline(world: World, counts: dict[str, Ints]) -> Feed:
    rng = stream(world.seed, "feed hotline")
    cases = _cases(world, counts, ["hotline.12345"])
    sent = delays.calls(rng, _civil(world, cases.day))
    key = np.char.add("H", np.char.zfill(np.arange(len(sent)).astype(str), 7))
    streets = np.array(world.street_codes)[cases.street]
    columns = [key, _dates(world, cases.day), streets, np.full(len(sent), "1"), _stamps(sent)]
    kept, first = _known(world, sent, cases.outbreak, SILENT_DAYS)
    names = ("id", "date", "street", "calls", "closed_at")

    def render(row: Row) -> str:
        return json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)

    text = lines(_rows(columns, kept), render, Roles(date=1, area=2, number=3), rng, 0.002)
    return Feed("inbox/hotline-12345.jsonl", _joined(text).encode(), len(text), first)


def _school(world: World) -> Feed:
    rng = stream(world.seed, "feed school")
    absent = absence(world.seed, world.people, world.days)
    planted = sum((o.absent for o in world.outbreaks if o.absent is not None), np.zeros_like(absent))
    heard = (absent >= 0) & (rng.uniform(size=absent.shape) > 0.01)
    street, day = np.nonzero(heard)
    total = (absent + planted)[heard]
    sent = delays.school(rng, _civil(world, day))
    again = np.flatnonzero(rng.uniform(size=len(sent)) < 0.12)  # first told too low, put right in the next days
    told = total.copy()
    told[again] = rng.binomial(total[again], 0.85)
    pick = np.concatenate([np.arange(len(sent)), again])
    value = np.concatenate([told, total[again]])
    sent = np.concatenate([sent, delays.later(rng, sent[again])])
    streets = np.array(world.street_codes)[street[pick]]
    columns = [streets, _dates(world, day[pick]), value.astype(str), _stamps(sent)]
    kept, _ = _known(world, sent, np.full(len(sent), NONE))
    text = ["street_code,date,absent,reported_at"]
    text += lines(_rows(columns, kept), ",".join, Roles(date=1, area=0, number=2), rng, 0.002)
    return Feed("inbox/school-absence.csv", _joined(text).encode("utf-8-sig"), len(text) - 1, {})


def _sewage(world: World) -> Feed:
    rng = stream(world.seed, "feed sewage")
    lift = sum((o.lift for o in world.outbreaks if o.lift is not None), np.zeros(len(world.days.date)))
    plant, day, value = wastewater(world.seed, DISTRICTS, world.days, np.asarray(lift))
    sent = delays.sewage(rng, _civil(world, day))
    names = np.char.add("WWTP-", (plant + 1).astype(str))
    reading = np.array([f"{v:.3g}" for v in value.tolist()])
    columns = [names, np.array(world.district_codes)[plant], _dates(world, day), reading, _stamps(sent)]
    kept, _ = _known(world, sent, np.full(len(sent), NONE))
    text = ["plant,district_code,sampled_on,copies_per_litre,reported_at"]
    text += lines(_rows(columns, kept), ",".join, Roles(date=2, area=1, number=3), rng, 0.004)
    return Feed("inbox/wastewater.csv", _joined(text).encode(), len(text) - 1, {})


def _air(world: World) -> Feed:
    rng = stream(world.seed, "feed air")
    value = air(world.seed, DISTRICTS, world.days)
    station, day = np.nonzero(np.ones_like(value))
    sent = delays.station(rng, _civil(world, day))
    names = np.char.add("AQ-", (station + 1).astype(str))
    reading = np.array([f"{v:.1f}" for v in value.ravel().tolist()])
    columns = [names, np.array(world.district_codes)[station], _dates(world, day), reading, _stamps(sent)]
    kept, _ = _known(world, sent, np.full(len(sent), NONE))
    text = ["station,district_code,date,pm25,sent_at"]
    text += lines(_rows(columns, kept), ",".join, Roles(date=2, area=1, number=3), rng, 0.002)
    return Feed("inbox/air-pm25.csv", _joined(text).encode(), len(text) - 1, {})


def _cases(world: World, counts: dict[str, Ints], signals: list[str]) -> _Cases:
    """Usual and planted cases of some signals as single cases, in order of day."""
    parts = []
    for s, name in enumerate(signals):
        traveller = int(name == "lab.dengue")
        grids = [(counts[name], NONE, traveller)]
        grids += [(o.cases[name], k, 0) for k, o in enumerate(world.outbreaks) if name in o.cases]
        if traveller:
            grids += [(o.travellers, k, 1) for k, o in enumerate(world.outbreaks) if o.travellers is not None]
        for grid, outbreak, elsewhere in grids:
            assert grid.shape[0] == STREETS
            street, day = np.nonzero(grid)
            n = grid[street, day]
            both = [np.repeat(street, n), np.repeat(day, n)]
            rest = [np.full(int(n.sum()), v) for v in (outbreak, elsewhere)]
            parts.append(np.stack([np.full(int(n.sum()), s), *both, *rest]))
    joined = np.concatenate(parts, axis=1)
    return _Cases(*joined[:, np.argsort(joined[2], kind="stable")])


def _known(world: World, sent: Ints, outbreak: Ints, silent: int = 0) -> tuple[Ints, dict[int, int]]:
    """Rows sent by the end (less the silent days) in the order of sending, and each outbreak's first report."""
    first, last = world.days.date[[0, -1]].astype(np.int64) * delays.DAY
    heard = np.flatnonzero((sent >= first) & (sent < last + delays.DAY * (1 - silent)))
    kept = heard[np.argsort(sent[heard], kind="stable")]
    found: dict[int, int] = {}
    for k, at in zip(outbreak[kept].tolist(), sent[kept].tolist(), strict=True):
        if k != NONE:
            found.setdefault(k, at)
    return kept, found


def _civil(world: World, day: Ints) -> Ints:
    """Day indices to days since 1970."""
    return np.asarray(world.days.date[day].astype(np.int64))


def _dates(world: World, day: Ints) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    return np.datetime_as_string(world.days.date, unit="D")[day]


def _stamps(sent: Ints) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    return np.char.replace(np.datetime_as_string(sent.astype("datetime64[m]"), unit="m"), "T", " ")


def _rows(columns: "list[np.ndarray[tuple[int], np.dtype[np.str_]]]", kept: Ints) -> list[Row]:
    return list(zip(*(c[kept].tolist() for c in columns), strict=True))


def _joined(text: list[str]) -> str:
    return "\n".join(text) + "\n"
