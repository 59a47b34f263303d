"""Parquet files as records, a slice of rows at a time. Pure."""

import io
from collections.abc import Iterator
from typing import BinaryIO

from tocsin.config import SourceTable
from tocsin.ingest.contract import Blocks, Broken, Header, Record, header, whole
from tocsin.ingest.stream import blocks as blocks_of

MAGIC = b"PAR1"
ROWS = 1 << 15  # rows held as Python values at a time


def read(_source: SourceTable, blocks: Blocks) -> Iterator[Header | Record | Broken]:
    """The schema's names, then one record a row. `Record.line` is the row, from 1."""
    import polars as pl  # slow to load, and most cities send no Parquet
    from polars.exceptions import PanicException, PolarsError

    data = whole(blocks)
    if isinstance(data, Broken):
        yield data
        return
    row = 0
    try:
        frame = pl.scan_parquet(io.BytesIO(data))
        head = header(frame.collect_schema().names(), 0)
        yield head
        height = frame.select(pl.len()).collect().item()
        for start in range(0, height, ROWS):
            for cells in frame.slice(start, ROWS).collect().rows():
                row += 1
                yield Record(row, dict(zip(head.columns, cells, strict=True)), None)
    except (PolarsError, PanicException, OSError, ValueError, OverflowError, MemoryError) as e:
        why = (str(e) or type(e).__name__).splitlines()[0]
        code = "truncated" if row else "not-a-table"
        yield Broken(row + 1 if row else 0, code, f"cannot be read as Parquet from here ({why}); write the file again")


def decode(stream: BinaryIO) -> None:
    """Read all and keep nothing. Whoever calls this may be ended by it: some broken files make the decoder abort."""
    for _ in read(SourceTable(name="trial"), blocks_of(stream)):
        pass
