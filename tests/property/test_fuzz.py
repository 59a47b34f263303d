"""A short run of `make fuzz` over every parser, and proof that a crash, a hang and a flood are seen."""

import time

import pytest

import fuzz


@pytest.mark.parametrize("name", fuzz.targets())
def test_changed_samples_are_read_or_said_to_be_wrong(name: str) -> None:
    fuzz.fuzz(name, "ci", 60)


def crash(data: bytes) -> None:
    if b"1e999" in data:
        raise KeyError("x")


def flood(data: bytes) -> None:
    if data:
        bytes(b"x" * ((fuzz.MEGABYTES + 100) << 20))


def test_a_crash_is_found_and_its_input_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzz.targets(), "crash", fuzz.Target([b'{"n": 1}'], crash))
    with pytest.raises(fuzz.Failure, match="KeyError") as found:
        fuzz.fuzz("crash", 1, 3000)
    file = str(found.value).rsplit("--input ", 1)[1]
    with open(file, "rb") as f:
        assert b"1e999" in f.read()


def test_a_hang_and_a_flood_of_memory_are_found() -> None:
    with pytest.raises(fuzz.Failure, match="no end"):
        fuzz.tried(fuzz.Target([], lambda _: time.sleep(60)), b"x", seconds=0.2)
    fuzz.low_water()
    with pytest.raises(fuzz.Failure, match="MB"):
        fuzz.tried(fuzz.Target([], flood), b"x", seconds=60)


def test_names_nested_without_end_are_said_in_a_sentence() -> None:
    from tocsin import config
    from tocsin.errors import ConfigError

    with pytest.raises(ConfigError, match="too deep"):
        config.parse("a = " + "[" * 3000)
