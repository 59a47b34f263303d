"""Break the store in every way we know while a city lives, go on as a restarted program would, and compare all rows.

    python tests/soak.py --minutes 10 --seed 1        many seeds, each with other faults; the failing one is printed
    python tests/soak.py --seed 17 --rounds 1          that one again

What was acknowledged is never done again, so that losing it shows; what failed is done again until it succeeds.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "src")]

from history import Act, acts, differences, opened, state, whole  # noqa: E402 - after the path is set
from tocsin import loop  # noqa: E402
from tocsin.desk import Desk  # noqa: E402
from tocsin.errors import StoreError  # noqa: E402
from tocsin.store import keys  # noqa: E402
from tocsin.store.db import Store  # noqa: E402


class PowerCut(Exception):
    """The lights go out."""


@contextmanager
def commits(hook: Callable[[Store, Callable[[], None]], None]) -> Iterator[None]:
    """`hook(store, land)` stands in the place of every commit."""
    real = Store.commit

    def replaced(self: Store, db: object) -> None:
        hook(self, lambda: real(self, db))

    Store.commit = replaced  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.commit = real  # type: ignore[method-assign]


def quiet(folder: Path, seed: int, told: Sequence[Act] = ()) -> dict:
    """The history without a fault."""
    desk = opened(folder)
    for act in told or acts(seed):
        act.do(desk)
    found, wrong = state(desk), whole(desk)
    assert not wrong, wrong
    assert not found["fault"]
    much = {name: sum(rows.values()) for name, rows in found.items()}
    assert min(much["note"] - 2, much["finding"] - 1, much["event"] - 50) > 0, f"too little happened: {much}"
    desk.store.close()
    return found


def shuffled(told: list[Act], chance: random.Random) -> list[Act]:
    """Free neighbours in another order, and each perhaps again later: senders repeat themselves."""
    found: list[Act] = []
    block: list[Act] = []
    past: list[Act] = []
    for act in [*told, Act("end", lambda _: None)]:
        if act.free:
            block.append(act)
            continue
        chance.shuffle(block)
        found += block
        past += block
        if past and chance.random() < 0.3:
            found.append(chance.choice(past))
        block = []
        found.append(act)
    return found[:-1]


def cuts(folder: Path, told: list[Act], chance: random.Random, rate: float = 0.12) -> int:
    """Commits fail, before or after they land, at the opening too."""
    broke = 0

    def hook(_: Store, land: Callable[[], None]) -> None:
        if chance.random() < rate:
            if chance.random() < 0.5:
                land()
            raise PowerCut
        land()

    with commits(hook):
        desk = None
        for act in told:
            while True:
                try:
                    desk = desk or opened(folder)
                    act.do(desk)
                    break
                except PowerCut:
                    broke += 1
                    if desk is not None:
                        desk.store.close()
                    desk = None
        if desk is not None:
            desk.store.close()
    return broke


def full(folder: Path, told: list[Act], chance: random.Random) -> int:
    """The disk fills up: the store may not grow, or no file may; then there is room again."""
    desk, broke = opened(folder), 0
    for act in told:
        if chance.random() < 0.25:
            try:
                with no_room(desk, folder, chance):
                    act.do(desk)
                continue
            except (StoreError, OSError, sqlite3.OperationalError):
                broke += 1  # refused: nobody was told that it is done
        act.do(desk)
    desk.store.close()
    return broke


@contextmanager
def no_room(desk: Desk, folder: Path, chance: random.Random) -> Iterator[None]:
    """Either of the two, with a few pages left."""
    left = chance.randint(0, 3)
    if chance.random() < 0.5:
        pages = desk.store.db.execute("PRAGMA page_count").fetchone()[0]
        most = desk.store.db.execute("PRAGMA max_page_count").fetchone()[0]
        desk.store.db.execute(f"PRAGMA max_page_count = {pages + left}")
        try:
            yield
        finally:
            desk.store.db.execute(f"PRAGMA max_page_count = {most}")
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max((p.stat().st_size for p in folder.glob("tocsin.sqlite*")), default=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(largest, chance.randint(1, 200_000)) + 4096 * left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def torn(folder: Path, told: list[Act], chance: random.Random) -> int:
    """A power cut while a commit is on its way to the disk: the end of the write-ahead log is short, or garbage."""
    wal, base = folder / "tocsin.sqlite-wal", folder / "tocsin.sqlite"
    image = folder.with_name(f"{folder.name}.image")
    desk, broke = opened(folder), 0
    for act in told:
        if chance.random() > 0.25:
            act.do(desk)
            continue
        taken = False
        before = (wal.read_bytes() if wal.exists() else b""), base.read_bytes()

        def hook(store: Store, land: Callable[[], None]) -> None:
            nonlocal taken, before
            mine = store.where == str(base)
            if mine and chance.random() >= 0.5:
                land()
                before = (wal.read_bytes() if wal.exists() else b""), base.read_bytes()
                return
            land()
            if mine:
                shutil.copytree(folder, image, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-shm"))
                taken = True
                raise PowerCut

        try:
            with commits(hook):
                act.do(desk)
            continue
        except PowerCut:
            desk.store.close()
        assert taken
        shutil.rmtree(folder)
        image.rename(folder)
        broke += tear(wal, base, before, chance)
        desk = opened(folder)
        act.do(desk)
    desk.store.close()
    return broke


def tear(wal: Path, base: Path, before: tuple[bytes, bytes], chance: random.Random) -> bool:
    """Spoil what this commit wrote, and nothing that an earlier one had brought to the disk."""
    there = wal.read_bytes() if wal.exists() else b""
    if base.read_bytes() != before[1]:
        return False  # a checkpoint: by then the log is on the disk whole
    same_log = there[:32] == before[0][:32]
    safe = next((i for i, (a, b) in enumerate(zip(before[0], there, strict=False)) if a != b), len(before[0]))
    start = safe if same_log else 32
    if start >= len(there):
        return False
    at = chance.randrange(start, len(there))
    if chance.random() < 0.5:
        wal.write_bytes(there[:at])
    else:
        wal.write_bytes(there[:at] + chance.randbytes(min(len(there) - at, 5000)) + there[at + 5000 :])
    return True


def killed(folder: Path, told: list[Act], chance: random.Random) -> int:
    """kill -9 at any moment; a new process goes on after the last thing that was acknowledged."""
    done, patience, broke = 0, 0.02, 0
    while done < len(told):
        came, kills = done, chance.random() * patience
        read, write = os.pipe()
        with warnings.catch_warnings():  # of threads: the child uses none of its parent's
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _live(folder, told[done:], write)
        os.close(write)
        time.sleep(kills)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(read, "rb") as said:
            acknowledged = said.read()
        assert b"!" not in acknowledged, f"{told[done + acknowledged.index(b'!')].name} failed: see above"
        done += len(acknowledged)
        broke += 1
        patience = patience * 1.5 if done == came else 0.3
    return broke


def _live(folder: Path, left: list[Act], out: int) -> None:
    """The process that will be killed: a byte for each thing done."""
    try:
        desk = opened(folder)
        for act in left:
            act.do(desk)
            os.write(out, b".")
    except BaseException:
        traceback.print_exc()
        os.write(out, b"!")
    time.sleep(60)  # for the kill
    os._exit(1)


WAYS = {"cuts": cuts, "full": full, "torn": torn, "killed": killed}


def one(seed: int, way: str, base: Path, wanted: dict | None = None) -> int:
    """One history with one kind of fault; how often something broke. AssertionError with what differs."""
    loop.BATCH = 7  # files in several transactions
    keys.FEW, keys.MOST = 4, 16  # some of the index of keys in memory, some in the table
    wanted = wanted or quiet(base / f"quiet-{seed}", seed)
    chance = random.Random(f"{seed} {way}")
    folder = base / f"{way}-{seed}"
    broke = WAYS[way](folder, shuffled(acts(seed), chance), chance)
    desk = opened(folder)
    wrong = [*differences(state(desk), wanted), *whole(desk)]
    desk.store.close()
    assert not wrong, f"seed {seed}, {way}:\n" + "\n".join(wrong)
    return broke


def main() -> int:
    """Seeds until the time is over."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--rounds", type=int, default=10**9)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--way", choices=WAYS, action="append")
    a = asked.parse_args()
    end = time.monotonic() + 60 * a.minutes
    for seed in range(a.seed, a.seed + a.rounds):
        base = Path(tempfile.mkdtemp(prefix="tocsin-soak-"))
        began = time.monotonic()
        way = ""
        try:
            wanted = quiet(base / f"quiet-{seed}", seed)
            broke = {}
            for way in a.way or WAYS:
                broke[way] = one(seed, way, base, wanted)
        except BaseException as e:
            again = f"{sys.executable} {Path(__file__)} --rounds 1 --seed {seed}" + (f" --way {way}" if way else "")
            print(f"seed {seed} {way}: FAILED ({type(e).__name__})\nwhat is left: {base}\nagain: {again}", flush=True)
            raise
        shutil.rmtree(base)
        told = ", ".join(f"{n} {w}" for w, n in broke.items())
        print(f"seed {seed}: as without faults after {told}, {time.monotonic() - began:.1f} s", flush=True)
        if time.monotonic() > end:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
