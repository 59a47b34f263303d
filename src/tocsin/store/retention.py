"""Raw bytes are forgotten when their time is over; events, counts and what findings say stay. I/O."""

from collections.abc import Mapping
from pathlib import Path

from tocsin.store.db import Store
from tocsin.store.deliveries import raw_path
from tocsin.types import Instant


def forget(store: Store, directory: Path, before: Mapping[str, Instant]) -> int:
    """Delete the kept bytes of what came before a source's moment, and those beside its findings; how many went.

    Bytes that several sources sent stay until all of them let go; a delivery that is not done keeps its bytes.
    """
    held: dict[str, bool] = {}
    rows = store.db.execute(
        "SELECT d.sha256, s.name, MAX(d.received), MIN(d.done) FROM delivery d JOIN source s ON s.id = d.source"
        " GROUP BY d.sha256, s.name"
    ).fetchall()
    for sha, source, received, done in rows:
        past = bool(done) and source in before and received < before[source]
        held[sha] = held.get(sha, False) or not past
    gone = 0
    over = [sha for sha, stays in held.items() if not stays]
    for path in (raw_path(directory, sha) for sha in over):
        if path.exists():
            path.unlink()
            gone += 1
    with store.transaction() as db:
        for sha in over:
            gone += db.execute("SELECT COUNT(*) FROM message WHERE sha256 = ?", (sha,)).fetchone()[0]
            db.execute("DELETE FROM message WHERE sha256 = ?", (sha,))
        for source, moment in before.items():
            db.execute(
                "UPDATE finding SET raw = ? WHERE at < ? AND raw <> ?"
                " AND source = (SELECT id FROM source WHERE name = ?)",
                (b"", moment, b"", source),
            )
    return gone
