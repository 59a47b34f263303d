"""Running commands as people do, in this process: what they print and how they end."""

from typing import NamedTuple

import pytest

from tocsin import cli


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def tocsin(capfd):
    """Run a command; anything but a clean exit fails the test, as a traceback would."""

    def run(*args: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(a) for a in args])
        return Ran(int(ended.value.code or 0), *capfd.readouterr())

    return run


CITY = """
holidays = []
[city]
name = "small"
zone = "Asia/Shanghai"
levels = ["city", "district"]
[areas]
file = "areas.csv"
[[signals]]
name = "ili"
detectors = ["ears_c2"]
[[sources]]
name = "hospital"
[sources.mapping]
key = "id"
reference = "onset"
report = "reported"
area = "area"
signal = "ili"
value = { column = "n", default = "1" }
"""
AREAS = "code,parent,level,name_zh,name_en\n1,,city,城,City\n101,1,district,东,East\n102,1,district,西,West\n"
HEAD = "id,onset,reported,area,n\n"


@pytest.fixture
def city(tmp_path):
    """A city directory of two districts, with a store yet to be made."""
    (tmp_path / "city.toml").write_text(CITY, "utf-8")
    (tmp_path / "areas.csv").write_text(AREAS, "utf-8")
    return tmp_path


def rows(first: int, last: int) -> str:
    """Good rows of the hospital, each of another case."""
    return "".join(
        f"k{i},2026-03-{i % 20 + 1:02d},2026-03-{i % 20 + 2:02d},{101 + i % 2},\n" for i in range(first, last)
    )
