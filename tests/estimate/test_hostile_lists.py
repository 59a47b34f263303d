"""What `tocsin nowcast` makes of odd files: a sentence and an exit code, or the same numbers; never a traceback."""

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tocsin.cli import main
from tocsin.cli.nowcast import command
from tocsin.errors import InputError

NAMES = ["--reference", "onset", "--report", "reported"]
ISO = "%Y-%m-%d"


def ran(*args):
    done = CliRunner().invoke(command, [str(a) for a in args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return pl.read_csv(done.stdout.encode()), done.stderr


def cases(seed=1, steps=80, rate=12):
    rng = np.random.default_rng(seed)
    onset = np.repeat(np.arange(steps), rng.poisson(rate, steps))
    start = np.datetime64("2026-01-01")
    report = onset + rng.geometric(0.3, onset.size) - 1
    return pl.DataFrame({"onset": start + onset, "reported": start + report}).cast(pl.Date)


def written(path, frame, form=ISO):
    frame.with_columns(pl.col(pl.Date).dt.to_string(form)).write_csv(path)
    return path


@pytest.mark.parametrize(
    "form", ["%Y/%m/%d", "%Y%m%d", "%Y年%-m月%-d日", "%Y-%m-%d 08:30:00", "%Y%m%d083000", " %Y.%m.%d"]
)
def test_dates_however_written(tmp_path, form):
    table = cases()
    plain, usual = ran(written(tmp_path / "a.csv", table), *NAMES, "--as-of", "2026-03-05")
    other, said = ran(written(tmp_path / "b.csv", table, form), *NAMES, "--as-of", "2026-03-05")
    assert other.equals(plain)
    assert said == usual


def test_three_ways_of_dates_in_one_file(tmp_path):
    table = cases()
    parts = [table[i::3].with_columns(pl.all().dt.to_string(f)) for i, f in enumerate([ISO, "%Y/%m/%d", "%Y%m%d"])]
    pl.concat(parts).write_csv(tmp_path / "b.csv")
    plain, usual = ran(written(tmp_path / "a.csv", table), *NAMES, "--as-of", "2026-03-05")
    mixed, said = ran(tmp_path / "b.csv", *NAMES, "--as-of", "2026-03-05")
    assert mixed.equals(plain)
    assert said == usual


def test_dates_of_two_meanings_are_refused_by_name(tmp_path):
    file = written(tmp_path / "a.csv", cases(), "%d/%m/%Y")
    done = CliRunner().invoke(command, [str(file), *NAMES, "--as-of", "2026-03-05"])
    assert isinstance(done.exception, InputError)
    assert "in onset are not understood; write 2014-09-01" in done.stderr


def test_parquet_is_read_as_csv_is(tmp_path):
    table = cases()
    plain, _ = ran(written(tmp_path / "a.csv", table), *NAMES, "--as-of", "2026-03-05")
    table.write_parquet(tmp_path / "b.parquet")
    table.cast(pl.Datetime("us")).write_parquet(tmp_path / "c.parquet")
    table.select(pl.all().dt.to_string("%Y%m%d").cast(pl.Int64)).write_parquet(tmp_path / "d.parquet")
    for name in ("b", "c", "d"):
        assert ran(tmp_path / f"{name}.parquet", *NAMES, "--as-of", "2026-03-05")[0].equals(plain)


def test_an_as_of_day_outside_the_data(tmp_path):
    file = written(tmp_path / "a.csv", cases())
    with pytest.raises(InputError, match=r"no line was reported by 2025-03-05 \(reports are from 2026-01-01 to 2026"):
        ran(file, *NAMES, "--as-of", "2025-03-05")
    late, said = ran(file, *NAMES, "--as-of", "2026-06-01")
    assert "nothing was reported after 2026-0" in said
    assert (late["q0.975"][-10:] <= 3).all()
    with pytest.raises(InputError, match="nothing of the last 1100 steps before 9999-12-31"):
        ran(file, *NAMES, "--as-of", "9999-12-31")


def test_a_case_of_the_last_century_costs_nothing(tmp_path):
    table = cases()
    plain, _ = ran(written(tmp_path / "a.csv", table), *NAMES, "--as-of", "2026-03-05", "--max-delay", "20")
    old = table[:1].with_columns(pl.all().dt.offset_by("-100y"))
    slip, _ = ran(
        written(tmp_path / "b.csv", pl.concat([table, old])), *NAMES, "--as-of", "2026-03-05", "--max-delay", 20
    )
    assert slip.equals(plain)


def test_reports_before_the_case_count_as_reported_at_once(tmp_path):
    table = cases()
    same = table.with_columns(
        reported=pl.when(pl.col("reported") == pl.col("onset")).then("onset").otherwise("reported")
    )
    early = same.with_columns(
        reported=pl.when(pl.col("reported") == pl.col("onset"))
        .then(pl.col("onset").dt.offset_by("-2d"))
        .otherwise(pl.col("reported"))
    )
    names = [*NAMES, "--as-of", "2026-03-21", "--max-delay", "20"]
    one, _ = ran(written(tmp_path / "a.csv", same), *names)
    other, said = ran(written(tmp_path / "b.csv", early), *names)
    assert "lines reported before they happened count as reported at once" in said
    assert other.equals(one)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not readable as CSV or Parquet"),
        ("onset,reported\n", "nor any with both dates"),
        ("onset,reported\n,\n,\n", "nor any with both dates"),
        ("onset,reported\n2026-03-05,2026-03-05\n", "1 steps of data by 2026-03-05 are too few"),
        ("when,known\n2026-03-05,2026-03-05\n", "no column onset, reported; found when, known"),
        ("onset,reported\n2026-03-05,2026-03-05,7\n", "not readable as CSV or Parquet"),
        ("onset,reported,n\n2026-03-01,2026-03-05,many\n", "column n must hold numbers, finite ones; found 'many'"),
        ("onset,reported,n\n2026-03-01,2026-03-05,inf\n", "column n must hold numbers, finite ones; found 'inf'"),
    ],
)
def test_files_that_hold_no_cases(tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text)
    count = ["--count", "n"] if ",n\n" in text else []
    with pytest.raises(InputError, match=said):
        ran(tmp_path / "a.csv", *NAMES, *count, "--as-of", "2026-03-05")


def test_one_case_is_a_nowcast_of_one_case(tmp_path):
    (tmp_path / "a.csv").write_text("onset,reported\n2026-03-01,2026-03-04\n")
    table, _ = ran(tmp_path / "a.csv", *NAMES, "--as-of", "2026-03-05", "--max-delay", "4")
    assert table["reported"].sum() == 1
    assert table.filter(reference="2026-03-01")["q0.5"].item() >= 1


def test_a_line_twice_is_two_cases_and_corrections_take_away(tmp_path):
    table = cases().group_by("onset", "reported", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("n"))
    names = [*NAMES, "--as-of", "2026-03-21", "--count", "n", "--max-delay", "20"]
    twice, _ = ran(written(tmp_path / "b.csv", pl.concat([table, table])), *names)
    doubled, _ = ran(written(tmp_path / "c.csv", table.with_columns(pl.col("n") * 2)), *names)
    assert twice.equals(doubled)
    back = table.with_columns(-pl.col("n"), reported=pl.col("onset").dt.offset_by("5d"))
    gone, _ = ran(written(tmp_path / "d.csv", pl.concat([table, back])), *names)
    assert (gone["reported"].to_numpy()[:10] == 0).all()  # all of them taken back
    assert np.isfinite(gone["q0.975"].to_numpy()).all()
    assert (gone["q0.025"] >= 0).all()


def test_more_strata_than_fit_are_refused(tmp_path):
    many = cases(rate=300).with_row_index("patient")
    with pytest.raises(InputError, match="is --by the right column"):
        ran(written(tmp_path / "a.csv", many), *NAMES, "--as-of", "2026-03-21", "--by", "patient", "--max-delay", 60)
    few = many.with_columns(pl.col("patient") % 300)
    with pytest.raises(InputError, match="300 strata are too many for --draws 20000"):
        ran(written(tmp_path / "a.csv", few), *NAMES, "--as-of", "2026-03-21", "--by", "patient", "--draws", 20000)


def test_the_program_ends_with_a_sentence(tmp_path, capsys):
    (tmp_path / "a.csv").write_bytes(b"onset,reported\n\xff\xfe,\x00\n")
    with pytest.raises(SystemExit) as end:
        main(["nowcast", str(tmp_path / "a.csv"), *NAMES, "--as-of", "2026-03-05"])
    assert end.value.code == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("tocsin: ")
