"""`tocsin scenario` from files: what it says, what it writes, and what it refuses."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin.cli.scenario import command
from tocsin.errors import InputError, MethodError
from tocsin.estimate import scenario

SI = ["--si-mean", "4", "--si-sd", "2"]


@pytest.fixture
def city(tmp_path):
    rng = np.random.default_rng(0)
    days = (np.datetime64("2026-01-01") + np.arange(60)).astype(str)
    parts = [
        pl.DataFrame({"area": [name] * 60, "date": days, "local": rng.poisson(base * np.exp(0.02 * np.arange(60)))})
        for name, base in (("north", 40), ("south", 10), ("east", 2))
    ]
    pl.concat(parts).write_csv(tmp_path / "cases.csv")
    people = pl.DataFrame({"area": ["north", "south", "east"], "population": [500_000, 200_000, 50_000]})
    people.write_csv(tmp_path / "areas.csv")
    flows = pl.DataFrame({"from": ["south", "east"], "to": ["north", "north"], "count": [60_000, 20_000]})
    flows.write_csv(tmp_path / "od.csv")
    return tmp_path


def ran(city, *args):
    base = [city / "cases.csv", "--areas", city / "areas.csv", "--od", city / "od.csv", *SI, "--draws", 100]
    done = CliRunner().invoke(command, [str(a) for a in [*base, *args]])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_measures_from_a_file_and_from_words_are_one(city):
    lines = ["area,start,end,contacts,travel,vaccinated,isolated,after", "north;south,2026-03-10,2026-04-09,0.6,0.5,,,",
             ",,,,,,0.3,2"]  # fmt: skip
    (city / "m.csv").write_text("\n".join(lines) + "\n", "utf-8")
    words = ["--measure", "area=north;south,start=2026-03-10,end=2026-04-09,contacts=0.6,travel=0.5",
             "--measure", "isolated=0.3,after=2"]  # fmt: skip
    said = json.loads(ran(city, *words, "--beds", 100, "--json"))
    assert json.loads(ran(city, "--measures", city / "m.csv", "--beds", 100, "--json")) == said
    assert said["first"] == "2026-03-02"
    assert said["assumptions"] == list(scenario.ASSUMPTIONS)
    assert said["gained"]["infections"]["low"] > 0
    assert said["with"]["infections"]["high"] < said["without"]["infections"]["high"]
    assert json.loads(ran(city, *words, "--beds", 100, "--json", "--seed", 1)) != said


def test_table_picture_and_words(city):
    shown = ran(city, "--measure", "contacts=0.5,start=2026-03-12", "--out", city / "o.csv", "--plot", city / "p.svg")
    assert "Days gained" in shown
    assert scenario.ASSUMPTIONS[0] in " ".join(shown.split())
    table = pl.read_csv(city / "o.csv")
    assert table["run"].unique(maintain_order=True).to_list() == ["without", "with"]
    assert table["area"].unique(maintain_order=True).to_list() == ["north", "south", "east", "all"]
    assert table.height == 2 * 4 * 60
    means = table.filter(pl.col("area") != "all").group_by("run", "date").agg(pl.col("infections_mean").sum())
    both = table.filter(area="all").join(means, on=["run", "date"])
    np.testing.assert_allclose(both["infections_mean"], both["infections_mean_right"])
    early = table.filter(pl.col("date") < "2026-03-12")
    one, other = (early.filter(run=run).drop("run") for run in ("without", "with"))
    assert one.equals(other)  # nothing done changes nothing before it begins
    assert "Assumed, and no forecast" in (city / "p.svg").read_text("utf-8") or (city / "p.svg").stat().st_size > 20_000


def test_r_of_a_file_and_days_of_a_nowcast_are_used(city):
    r = pl.DataFrame({"series": ["north", "south", "east"] * 2, "t_end": [30] * 3 + [60] * 3,
                      "mean": [9.0] * 3 + [0.5] * 3, "sd": [0.05] * 6})  # fmt: skip
    r.write_csv(city / "rt.csv")
    falling = json.loads(ran(city, "--rt", city / "rt.csv", "--json"))
    last = pl.read_csv(city / "cases.csv").filter(date="2026-03-01")["local"].sum()
    assert (
        falling["without"]["infections"]["high"] < 10 * last
    )  # R of 0.5 from the last window; 9 from the first would be hundreds of times that
    nowcast = pl.DataFrame({"area": ["north"] * 3, "reference": ["2026-02-27", "2026-02-28", "2026-03-01"],
                            "q0.025": [900.0] * 3, "q0.5": [1000.0] * 3, "q0.975": [1100.0] * 3})  # fmt: skip
    nowcast.write_csv(city / "n.csv")
    fuller = json.loads(ran(city, "--rt", city / "rt.csv", "--nowcast", city / "n.csv", "--json"))
    assert fuller["without"]["infections"]["low"] > 2 * falling["without"]["infections"]["median"]


def test_one_area_needs_its_people_only(city):
    pl.read_csv(city / "cases.csv").group_by("date").agg(pl.col("local").sum()).write_csv(city / "one.csv")
    done = CliRunner().invoke(command, [str(city / "one.csv"), "--population", "750000", *SI, "--draws", "60"])
    assert done.exit_code == 0, done.output
    assert "as it goes on" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("area=west,contacts=0.5", "no area 'west'"),
        ("contact=0.5", "contact; write"),
        ("area=north", "it does nothing"),
        ("contacts=half", "contacts 'half': write a number from 0 to 10"),
        ("contacts=nan", "contacts 'nan': write a number from 0 to 10"),
        ("contacts=-1", "contacts '-1': write"),
        ("travel=1.5", "travel '1.5': write a number from 0 to 1"),
        ("isolated=0.5,after=-1", "after '-1': write whole days"),
        ("isolated=0.5,after=1.5", "after '1.5': write whole days"),
        ("contacts=0.5,start=2026-13-01", "start '2026-13-01': write a date"),
        ("contacts=0.5,start=2030-01-01", "outside of the days ahead, 2026-03-02 to 2026-04-30"),
        ("contacts=0.5,start=2020-01-01,end=2020-02-01", "outside of the days ahead"),
        ("contacts=0.5,start=2026-04-01,end=2026-03-20", "ends before it starts"),
    ],
)
def test_measures_that_mean_nothing_are_refused(city, words, says):
    with pytest.raises(InputError, match=says):
        ran(city, "--measure", words)


def test_what_cannot_be_is_refused(city):
    base = [str(city / "cases.csv"), *SI]
    assert CliRunner().invoke(command, base).exit_code == 2
    assert CliRunner().invoke(command, [*base, "--population", "5", "--measure", "x"]).exit_code != 0
    (city / "areas.csv").write_text("area,population\nnorth,100\n", "utf-8")
    with pytest.raises(InputError, match="no such area"):
        ran(city)


@pytest.mark.parametrize(
    ("file", "text", "option", "said"),
    [
        ("areas", "area,population\nnorth,5\nsouth,\neast,4\n", "", "areas.csv, line 3, population '': a number has"),
        ("areas", "area,population\nnorth,5\nsouth,0\neast,4\n", "", "areas.csv, line 3, population '0': write how"),
        ("areas", "area,population\nnorth,5\n,7\n", "", "areas.csv, line 3, area '': write the area's name"),
        ("areas", "area,population\nnorth,5\nnorth,7\n", "", "areas.csv, line 3, area 'north': this area stands twice"),
        ("areas", "area,population\n", "", "areas.csv: no areas"),
        ("areas", "area\nnorth\n", "", "areas.csv, line 1: no column population"),
        ("od", "from,to,count\nsouth,west,5\n", "", "od.csv, line 2, to 'west': no such area; there are north, south"),
        ("od", "from,to,count\nsouth,north,-5\n", "", "od.csv, line 2, count '-5': write 0 or more"),
        ("cases", "date,area,local\n", "", "cases.csv: no rows"),
        ("cases", "date,area,local\n2026-01-01,west,3\n", "", "cases.csv, line 2, area 'west': no such area"),
        ("cases", "date,area,local\n03.01.2026,north,3\n", "", "cases.csv, line 2, date '03.01.2026': write a date"),
        ("cases", "date,area,local\n1026-01-01,north,3\n", "", "cases.csv, line 2, date '1026-01-01': write a date"),
        ("cases", "date,area,local\n2026-01-01,north,1e30\n", "", "cases.csv, line 2, local '1e30': write 1,000,000"),
        ("m", "area,start,contacts\nnorth,,0.5\n\nwest,,0.5\n", "--measures", "m.csv, line 4: no area 'west'"),
        ("m", "area,start,contacts\nnorth,,0.5\n\nsouth,,\n", "--measures", "m.csv, line 4: it does nothing"),
        ("a", "date,area,count\n2026-03-10,north,-5\n", "--arrivals", "a.csv, line 2, count '-5': write 0 or more"),
        ("r", "series,t_end,mean,sd\nnorth,30,x,1\n", "--rt", "r.csv, line 2, mean 'x': write a finite number"),
        ("r", "series,t_end,mean,sd\nnorth,30,1,0\n", "--rt", "r.csv, line 2, sd '0': R has a mean and an sd above 0"),
        ("n", "area,reference,quality\nnorth,2026-03-01,4\n", "--nowcast", "n.csv, line 1: needs the columns that"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_by_line_and_field(city, file, text, option, said):
    (city / f"{file}.csv").write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        ran(city, *([option, city / f"{file}.csv"] if option else []))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "option",
    [["--seed", "-1"], ["--stay", "inf"], ["--admitted-after", "1e9"], ["--beds", "nan"], ["--put-off", "inf"],
     ["--dispersion", "0"], ["--plot", "p.xyz"], ["--measure", "contacts"]],
)  # fmt: skip
def test_an_option_that_cannot_be_is_bad_usage(city, option):
    base = [city / "cases.csv", "--areas", city / "areas.csv", *SI, "--draws", 50]
    done = CliRunner().invoke(command, [str(a) for a in [*base, *option]])
    assert done.exit_code == 2, (done.output, done.exception)


def test_a_few_days_are_too_few_for_r_and_enough_with_one(city):
    (city / "one.csv").write_text("date,area,local\n2026-01-01,here,5\n", "utf-8")
    (city / "r.csv").write_text("t_end,mean,sd\n1,1.2,0.2\n", "utf-8")
    base = [city / "one.csv", "--population", 1000, *SI, "--draws", 50]
    done = CliRunner().invoke(command, [str(a) for a in base])
    assert isinstance(done.exception, MethodError)
    assert "1 days of cases are too few for R: give 14 or more, or --rt" in str(done.exception)
    done = CliRunner().invoke(command, [str(a) for a in [*base, "--rt", city / "r.csv", "--json"]])
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["first"] == "2026-01-02"


def test_areas_of_which_nobody_commutes_are_islands_and_lines_come_in_any_order(city):
    said = ran(city, "--json")
    (city / "od.csv").write_text("from,to,count\nsouth,north,0\n", "utf-8")
    alone = ran(city, "--json")
    assert alone != said
    (city / "od.csv").write_text("from,to,count\n", "utf-8")
    assert ran(city, "--json") == alone
    pl.read_csv(city / "cases.csv").sample(fraction=1, shuffle=True, seed=3).write_csv(city / "cases.csv")
    assert ran(city, "--json") == alone
