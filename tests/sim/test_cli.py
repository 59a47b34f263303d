"""The two commands as people meet them."""

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from tocsin import loop
from tocsin.calendar import end_of_day
from tocsin.cli import score as score_command
from tocsin.cli.sim import command
from tocsin.desk import open_desk
from tocsin.errors import InputError, StoreError
from tocsin.sim.score import Raised, parse_truth


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("sim") / "demo"
    done = CliRunner().invoke(command, [str(where), "--years", "1", "--end", "2026-11-21", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["files"].keys() == {str(p.relative_to(where)) for p in where.rglob("*") if p.is_file()}
    assert told["records"] > 50_000
    return where


def test_a_directory_that_holds_something_is_left_alone(made: Path) -> None:
    before = (made / "truth.csv").read_bytes()
    done = CliRunner().invoke(command, [str(made), "--seed", "8", "--end", "2026-11-21"])
    assert isinstance(done.exception, InputError)
    assert (made / "truth.csv").read_bytes() == before


def test_score_in_words_and_as_json(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = parse_truth((made / "truth.csv").read_text(encoding="utf-8"))
    hit = truth[-1]
    alerts = [
        Raised(hit.signals[0], hit.areas[0], hit.start, hit.end),
        Raised("air.pm25", "990101", hit.start, hit.end),
    ]
    judged = score_command.Judged(alerts, truth[0].start, hit.end)
    monkeypatch.setattr(score_command, "alerts_of", lambda desk: judged)
    done = CliRunner().invoke(score_command.command, [str(made), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["detected"], told["false_alerts"], told["ppv"]) == (1, 1, 0.5)
    assert told["outbreaks"][-1]["delay_days"] == 0
    words = CliRunner().invoke(score_command.command, [str(made)])
    assert words.exit_code == 0
    assert f"1 of {len(truth)} planted outbreaks" in " ".join(words.stdout.split())


def test_alerts_are_scored_on_the_day_they_were_first_known(made: Path) -> None:
    desk = open_desk(made, {})
    with pytest.raises(StoreError, match="replay"):
        score_command.alerts_of(desk)
    for source in desk.settings.sources:
        for file in sorted(made.glob(source.files)):
            loop.take(desk, source, file, end_of_day(date(2026, 11, 22), desk.tz))
    days = list(loop.replay(desk, date(2026, 11, 2), date(2026, 11, 6), strict=True))
    judged = score_command.alerts_of(desk)
    assert (judged.first, judged.last) == (date(2026, 11, 2), date(2026, 11, 6))
    cases = {a.id for a in loop.episode.fold(loop.notes.read_notes(desk.store, 1 << 60)).values()
             if not a.signal.startswith("data.")}  # fmt: skip
    opened = [day for n, done in enumerate(days) for day in [date(2026, 11, 2 + n)] * len(cases & {*done.opened})]
    assert sorted(a.opened for a in judged.alerts) == opened
    assert all(a.last <= judged.last for a in judged.alerts)
    told = json.loads(CliRunner().invoke(score_command.command, [str(made), "--json"]).stdout)
    assert told["alerts"] == len(opened) > 0
    assert (told["first"], told["last"]) == ("2026-11-02", "2026-11-06")


def test_a_real_city_has_no_truth_to_score_against(tmp_path: Path) -> None:
    done = CliRunner().invoke(score_command.command, [str(tmp_path)])
    assert isinstance(done.exception, InputError)
