"""Every reference run of R surveillance again, through the command, as a person would ask for it: cell for cell."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from golden.surveillance import _cases
from shared import shared
from tocsin.cli.detect import command

FOLDER = "goldens/surveillance"
NOT_OURS = {"boda", "bodaDelay"}  # the two of the 108 runs whose methods are not on the shelf
RUNS = [name for name, c in _cases().items() if c["detector"] not in NOT_OURS]
COLUMNS = {"upper": "upperbound", "alarm": "alarm"}
FLEXIBLE = {**COLUMNS, "expected": "expected", "score": "score", "p": "pvalue"}
TEXT = {"series": pl.String, "unit": pl.String}


@pytest.mark.parametrize("name", RUNS or [pytest.param("", marks=pytest.mark.skip("no reference material"))])
def test_the_command_says_what_r_says(name):
    c, freq = _cases()[name], json.loads(shared(f"{FOLDER}/README.json").read_text())["public"]
    settings = {k: v for k, v in c["control"].items() if k != "fitFun"}  # … which names R's own function
    arguments = [
        str(shared(f"{FOLDER}/data/{c['dataset']}.csv")),
        *("--method", c["detector"], "--range", ":".join(map(str, c["range"])), "--set", "compat=surveillance"),
        *("--freq", str(freq.get(c["dataset"], {}).get("freq", 52))),
        *(word for k, v in settings.items() for word in ("--set", f"{k}={json.dumps(v)}")),
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    ours = pl.read_csv(done.stdout.encode(), infer_schema_length=None, schema_overrides=TEXT)
    theirs = pl.read_csv(
        shared(f"{FOLDER}/out/{name}.csv"),
        infer_schema_length=None,
        null_values=["NA", "NaN", ""],
        schema_overrides=TEXT,
    )
    if theirs["unit"].null_count() == 0:
        key = theirs.select(series="unit", t="t")
        ours = key.join(ours, on=["series", "t"], how="left", maintain_order="left")
    assert ours["t"].to_list() == theirs["t"].to_list()
    for a, b in (FLEXIBLE if c["detector"] == "farringtonFlexible" else COLUMNS).items():
        x, y = (t[n].cast(pl.Float64).fill_null(np.nan).to_numpy() for t, n in ((ours, a), (theirs, b)))
        if a == "alarm":
            np.testing.assert_array_equal(x, y, err_msg=a)
        else:
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12, err_msg=a)
