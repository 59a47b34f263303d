"""A Parquet file that ends the process that decodes it becomes a finding; the process that asked lives on."""

import gzip
from io import BytesIO

import pytest

from deadly import DEADLY
from tables import GOOD, as_csv, as_parquet
from tocsin.errors import StoreError
from tocsin.feed import trial


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_good_and_merely_bad_files_pass(pack):
    good = as_parquet(GOOD)
    for data in (good, good[:200], b"PAR1" * 9, as_csv(GOOD), b"", b"\x1f\x8bPAR1"):
        stream = BytesIO(pack(data))
        assert trial.unsound(stream) == ""
        assert stream.tell() == 0


def test_a_deadly_file_is_found_out():
    for data in (DEADLY, gzip.compress(DEADLY)):
        assert "broke the process" in trial.unsound(BytesIO(data))


def test_an_installation_that_cannot_try_it_is_not_the_files_fault(monkeypatch):
    monkeypatch.setattr(trial, "_CHILD", "import there_is_no_such_module")
    with pytest.raises(StoreError, match="there_is_no_such_module"):
        trial.unsound(BytesIO(as_parquet(GOOD)))
