"""A city in memory that answers like tocsin.views and tocsin.loop, so that what is tested here is the server."""

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tocsin.calendar import parse_as_of, zone
from tocsin.errors import InputError, NotAllowed, NotFound
from tocsin.store.events import Taken
from tocsin.types import Event, Finding

AT = "2026-03-02T10:00:00Z"
NOW = 1772445600_000000  # the same moment
ALERT_ID = "a1b2c3d4e5f6"


def title(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


@dataclass
class City:
    """Stands for the desk; its methods for the functions of views and loop, which take the desk first."""

    directory: Any = None
    settings: Any = field(default_factory=lambda: SimpleNamespace(sources=[]))
    events: dict[str, Event] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    state: str = "new"
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    ticks: int = 0
    moved: tuple[list[str], list[str], list[str]] = ([], [], [])
    polygons: bytes | None = b'{"type":"FeatureCollection","features":[]}'
    heard: int = 0

    def city(self, now: int, can_write: bool) -> dict[str, Any]:
        return {
            "name": "fake", "title": title("fake"), "zone": "Asia/Shanghai", "simulated": True,
            "levels": ["city", "town"],
            "budget": 20, "now": AT, "as_of": None, "first": "2026-01-01", "last": "2026-03-01", "version": "0",
            "languages": ["zh", "en"], "has_map": self.polygons is not None, "can_write": can_write,
        }  # fmt: skip

    def signals(self) -> list[dict[str, Any]]:
        return [
            {"name": "ed.ili", "title": title("ILI"), "kind": "count", "step": "1d", "domain": "health", "unit": "",
             "levels": ["town"], "detectors": ["ears_c2"], "severity": 1.0}
        ]  # fmt: skip

    def areas(self, level: str | None) -> list[dict[str, Any]]:
        if level not in (None, "city", "town"):
            raise NotFound(f"no level {level!r}; there are: city, town")
        rows = [("1", "", "city"), ("11", "1", "town")]
        return [
            {"code": c, "parent": p, "level": s, "title": title(c), "longitude": 1.5, "latitude": None, "population": 9}
            for c, p, s in rows
            if level in (None, s)
        ]

    def geojson(self) -> bytes | None:
        return self.polygons

    def series(self, signal: str, area: str, first: Any, last: Any, as_of: Any, now: int) -> dict[str, Any]:
        self.asked.append((signal, area, first, last, as_of, now))
        _checked(as_of)
        self._known(signal, area)
        numbers = {"observed": [3], "expected": [None], "upper": [2.5], "score": [float("nan")], "p": [None]}
        curve = {"name": "ears_c2", "title": title("C2"), "cite": "", "rule": False, "window": 1, **numbers}
        return {
            "signal": signal, "area": area, "as_of": AT, "step": "1d", "times": ["2026-03-01"], "values": [3],
            "population": 9.0, "detectors": [curve],
            "alarms": [], "alerts": [], "first": "2026-03-01", "last": "2026-03-01",
        }  # fmt: skip

    def explain(self, signal: str, area: str, time: str, detector: Any, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        self._known(signal, area)
        numbers = ("observed", "expected", "upper", "score", "p", "quiet", "dispersion", "trend_p", "trend_per_year")
        one = {
            **dict.fromkeys(numbers), "name": "ears_c2", "title": title("C2"), "fallback": False, "alarm": True,
            "silent": "", "window": 1, "trend": "", "has": 12, "needs": 9, "recent": [], "text": [title("so")],
            "baseline": [{"time": "2026-02-20", "value": 3, "weight": 1, "left_out": False}],
        }  # fmt: skip
        return {
            "signal": signal, "area": area, "as_of": AT, "time": "2026-03-01", "observed": 3, "p": None,
            "speaks": True, "quiet": 2, "text": [], "detectors": [one],
        }  # fmt: skip

    def area_map(self, signal: str, level: str, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        self._known(signal, "1")
        self.areas(level)
        return {"signal": signal, "level": level, "as_of": AT, "time": None, "areas": [], "alerts": []}

    def outlook(self, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        return {"as_of": AT, "window": 7, "signals": []}

    def nowcast(self, signal: str, area: str, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        raise NotFound(f"no nowcast of {signal!r} in {area!r}")

    def boards(self, signal: str, level: str, as_of: Any, now: int) -> dict[str, Any]:
        return self.nowcast(signal, level, as_of, now)

    def what_if(self, signal: str, level: str, asked: Any, as_of: Any, now: int) -> dict[str, Any]:
        return self.nowcast(signal, level, as_of, now)

    def alerts(self, state: str | None, phase: str | None, as_of: Any, limit: int, now: int) -> dict[str, Any]:
        self.asked.append((state, phase, as_of, limit, now))
        _checked(as_of)
        found = [self._alert()] if state in (None, self.state) else []
        return {"as_of": AT, "budget": 20, "total": len(found), "alerts": found[:limit]}

    def alert(self, name: str, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        if name != ALERT_ID:
            raise NotFound(f"no alert {name!r}; `tocsin alerts` lists them")
        return self._alert() | {"evidence": [], "notes": list(self.notes), "actions": ["acknowledge", "comment"],
                                "cluster": None, "kin": []}  # fmt: skip

    def clusters(self, signal: str | None, as_of: Any, now: int) -> dict[str, Any]:
        _checked(as_of)
        self._known(signal or "ed.ili", "1")
        scan = {"scan": "towns", "signal": "ed.ili", "signal_title": title("ILI"), "model": "permutation",
                "level": "town", "recurrence_days": 100.0, "ran": None, "p": None, "q": None,
                "clusters": []}  # fmt: skip
        return {"as_of": AT, "scans": [scan]}

    def completeness(self, signal: str | None, as_of: Any, now: int, level: str | None = None) -> dict[str, Any]:
        _checked(as_of)
        self._known(signal or "ed.ili", "1")
        feed = {"name": "hospital", "title": title("ED"), "states": ["late"], "events": [1], "alert": ALERT_ID}
        count = {"name": "ed.ili", "title": title("ILI"), "complete": [0.9]}
        return {"as_of": AT, "limit": 0.8, "days": ["2026-03-01"], "sources": [feed], "signals": [count], "areas": []}

    def sources(self, now: int) -> list[dict[str, Any]]:
        return [
            {"name": "hospital", "title": title("ED"), "owner": "", "every": "1d", "last_seen": AT, "lag_minutes": 1.5,
             "state": "ok", "events": self.heard, "findings_open": 0, "duplicates": 0, "median_delay_days": None,
             "recent": [{"date": "2026-03-01", "events": 1}]}
        ]  # fmt: skip

    def findings(self, source: str | None, limit: int, *, kinds: bool = False) -> dict[str, Any]:
        if source not in (None, "hospital"):
            raise NotFound(f"no source {source!r}; there are: hospital")
        return {"total": 0, "findings": []}

    def health(self, now: int) -> dict[str, Any]:
        return {"status": "ok", "version": "0", "store": "sqlite", "events": len(self.events), "as_of": None,
                "last_tick": None, "behind_seconds": None, "faults": []}  # fmt: skip

    def push(self, body: bytes, now: int, look: Any = None) -> tuple[Taken, list[Event | Finding]]:
        try:
            records = json.loads(body) if body.startswith(b"[") else [json.loads(x) for x in body.splitlines()]
        except ValueError as e:
            return Taken(0, 0, 1, ["finding"], {}), [_finding(0, "bad-json", str(e))]
        items: list[Event | Finding] = []
        words = []
        for i, record in enumerate(records, 1):
            wrong = not isinstance(record, dict) or not isinstance(record.get("key"), str)
            if wrong or record.get("signal") != "ed.ili":
                items.append(_finding(i, "bad-value", "needs a key"))
                words.append("finding")
                continue
            if record.get("area") not in ("1", "11"):
                items.append(_finding(i, "unknown-area", "counts in the city as a whole", kept=True))
                words.append("kept")
            event = Event(str(record.get("source")), record["key"], "ed.ili", "11", 0, 0, 1.0)
            words.append("duplicate" if event.key in self.events else "accepted")
            items.append(event)
            self.events[event.key] = event
        findings = sum(isinstance(i, Finding) for i in items)
        return Taken(words.count("accepted"), words.count("duplicate"), findings, words, {}), items

    def note(self, name: str, action: str, who: str, text: str, now: int) -> str:
        self.alert(name, None, now)
        if action not in ("acknowledge", "comment"):
            raise NotAllowed(f"{action} does not follow {self.state}", ["acknowledge", "comment"])
        self.state = "acknowledged" if action == "acknowledge" else self.state
        self.notes.append({"seq": len(self.notes) + 1, "at": AT, "who": who, "action": action, "text": text})
        return self.state

    def together(self) -> Any:
        return nullcontext()

    def leads(self) -> bool:
        return True

    def tick(self, now: int) -> Any:
        self.ticks += 1
        opened, changed, closed = self.moved
        return SimpleNamespace(as_of=now, opened=opened, changed=changed, closed=closed, faults=[])

    def _known(self, signal: str, area: str) -> None:
        if signal != "ed.ili":
            raise NotFound(f"no signal {signal!r}; there are: ed.ili")
        if area not in ("1", "11"):
            raise NotFound(f"no area {area!r}")

    def _alert(self) -> dict[str, Any]:
        return {
            "id": ALERT_ID, "rank": 1, "signal": "ed.ili", "signal_title": title("ILI"), "area": "11",
            "area_title": title("11"), "path": [title("11")], "level": "town", "opened": "2026-02-27",
            "last": "2026-03-01", "phase": "open", "state": self.state, "severity": "red", "p": 1e-9, "q": None,
            "observed": 30, "expected": 3.5, "ratio": 8.6, "imported_share": None, "detectors": ["ears_c2"],
            "ratio_range": {"low": 4.6, "middle": 8.6, "high": 14.2},
            "reason": title("so"),
            "spark": {"times": ["2026-03-01"], "values": [30], "expected": [3.5], "upper": [None], "window": None},
            "updated": AT, "began": AT,
            "explained_by": [], "members": [],
            "estimated": {"reported": 21, "low": 25, "high": 36},
        }  # fmt: skip


def _checked(as_of: str | None) -> None:
    """Refuse what the real views refuse."""
    try:
        if as_of is not None:
            parse_as_of(as_of, zone("Asia/Shanghai"))
    except (ValueError, OverflowError) as e:
        raise InputError(f"as_of {as_of!r}: write a date or a date and time") from e


def _finding(line: int, code: str, message: str, *, kept: bool = False) -> Finding:
    return Finding("", "push", line, "key", "", code, message, b"", kept)


class Ahead:
    """Sees at every look something that is urgent."""

    def __init__(self, desk: Any) -> None:
        pass

    def look(self, now: int) -> Any:
        return SimpleNamespace(cells=[], urgent=True, other=False)

    def judged(self) -> None:
        pass

    def prepare(self, now: int) -> bool:
        return False
