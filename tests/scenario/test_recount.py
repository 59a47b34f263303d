"""Random histories of corrections as CSV files, through the commands, against a recount by hand at many moments."""

import csv
import io
import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tocsin import cli

CITY = """
holidays = []
[city]
name = "recount"
zone = "{zone}"
levels = ["city", "district", "street"]
[alerts]
complete = 0  # here it is counted what has come, however little: tests/scenario/test_completeness.py has the rest
[areas]
file = "areas.csv"
[[signals]]
name = "s"
kind = "{kind}"
step = "{step}"
absent = "missing"
[[sources]]
name = "here"
[sources.mapping]
key = "key"
reference = "reference"
report = "report"
area = [{{ column = "street" }}, {{ column = "district" }}]
signal = "s"
value = {{ column = "value", default = "{empty}" }}
"""
AREAS = "code,parent,level\n1,,city\n11,1,district\n12,1,district\n111,11,street\n112,11,street\n121,12,street\n"
PLACES = [("111", "11"), ("112", "11"), ("121", "12"), ("999", "11"), ("", "12"), ("", "")]
CASES = [  # zone, kind, step: summers begin and end in the weeks around these histories
    ("Asia/Shanghai", "count", "1d"), ("Asia/Taipei", "count", "1w"), ("America/New_York", "count", "1w-mmwr"),
    ("America/New_York", "count", "1h"), ("Australia/Lord_Howe", "count", "5min"), ("Europe/London", "measure", "5min"),
    ("Pacific/Apia", "measure", "1d"), ("Asia/Kathmandu", "measure", "1w"), ("Africa/Casablanca", "measure", "6h"),
]  # fmt: skip
BEGIN = {"America": datetime(2025, 3, 6), "Australi": datetime(2025, 4, 3), "Europe": datetime(2025, 3, 28)}


def floor(moment: datetime, step: str) -> datetime:
    """The wall-clock beginning of a step, by hand."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if step == "1d":
        return day
    if step.startswith("1w"):
        back = (day.weekday() + 1) % 7 if step.endswith("mmwr") else day.weekday()
        return day - timedelta(days=back)
    minutes = {"5min": 5, "1h": 60, "6h": 360}[step]
    return day + timedelta(minutes=(moment.hour * 60 + moment.minute) // minutes * minutes)


def wall(text: str, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """What a text says: the instant (UTC), and what the clock on the wall showed then."""
    at = datetime.fromisoformat(text).replace(tzinfo=tz).astimezone(UTC)
    return at, at.astimezone(tz).replace(tzinfo=None)


def history(chance: random.Random, begin: datetime, kind: str) -> list[list[str]]:
    """Rows in the order of their reports: news, corrections there and back, moves, withdrawals, doubles."""
    report, rows = begin + timedelta(days=4), []
    said: dict[str, list[str]] = {}
    for _ in range(140):
        report += timedelta(minutes=chance.choice([0, 0, 7, 60, 200]))
        key = f"k{chance.randrange(35)}"
        reference = begin + timedelta(minutes=chance.randrange(4 * 1440))
        value = chance.choice(["1", "1", "2", "0"] if kind == "count" else ["0.1", "0.2", "-3", "1e9", ""])
        row = [key, reference.isoformat(timespec="minutes"), "", *chance.choice(PLACES), value]
        if key in said and chance.random() < 0.4:
            row = list(said[key])  # back to what was said before, or the very same again
        said.setdefault(key, row)
        row[2] = report.isoformat(timespec="minutes")
        rows.append(list(row))
    return rows


def recount(rows: list[list[str]], as_of: datetime, level: int, zone: ZoneInfo, kind: str, step: str) -> dict:
    """The last word on every key by then, added up."""
    last: dict[str, list[str]] = {}
    for row in rows:
        if wall(row[2], zone)[0] <= as_of:
            last[row[0]] = row
    cells: dict[tuple[str, datetime], list[float]] = {}
    for _, reference, _, street, district, value in last.values():
        path = ["1", *([district] if district else []), *([street] if street in ("111", "112", "121") else [])]
        if len(path) > level and value:
            cells.setdefault((path[level], floor(wall(reference, zone)[1], step)), []).append(float(value))
    return {c: math.fsum(v) / (1 if kind == "count" else len(v)) for c, v in cells.items()}


def run(capfd, *args) -> str:
    """What a command prints."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([str(a) for a in args])
    out, err = capfd.readouterr()
    assert ended.value.code in (0, 1), err
    return out


@pytest.mark.parametrize("dated", ["with times", "dates only"])
@pytest.mark.parametrize(("zone", "kind", "step"), CASES)
def test_any_history_is_what_was_known_then(tmp_path, capfd, zone, kind, step, dated):
    chance, tz = random.Random(f"{zone}{kind}{step}{dated}"), ZoneInfo(zone)
    empty = "1" if kind == "count" else "nan"
    (tmp_path / "city.toml").write_text(CITY.format(zone=zone, kind=kind, step=step, empty=empty), "utf-8")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    rows = history(chance, BEGIN.get(zone.split("/")[0][:8], datetime(2025, 3, 1)), kind)
    if dated == "dates only":
        rows = [[*row[:2], row[2][:10], *row[3:]] for row in rows]
    cut = sorted(chance.sample(range(1, len(rows)), 3))
    parts = [*zip([0, *cut], [*cut, len(rows)], strict=True), (0, len(rows))]  # at last all of it again
    for n, (a, b) in enumerate(parts):
        file = io.StringIO()
        csv.writer(file).writerows([["key", "reference", "report", "street", "district", "value"], *rows[a:b]])
        (tmp_path / f"{n}.csv").write_text(file.getvalue(), "utf-8")
        run(capfd, "ingest", tmp_path / f"{n}.csv", "--source", "here", "--city", tmp_path)
    moments = sorted({row[2] for row in rows})
    for text in chance.sample(moments, min(len(moments), 3)) + moments[-1:]:
        at = wall(text, tz)[0] if "T" in text else wall(text, tz)[0] + timedelta(hours=22)
        for level, name in enumerate(("city", "district", "street")):
            out = run(capfd, "cube", "--signal", "s", "--level", name, "--as-of", text, "--city", tmp_path)
            known = {
                (r["area"], datetime.fromisoformat(r["time"])): float(r["value"])
                for r in csv.DictReader(io.StringIO(out))
                if r["value"]
            }
            assert known == pytest.approx(recount(rows, at, level, tz, kind, step), rel=1e-15), (text, name)
