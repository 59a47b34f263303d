"""SFTP through a real server: each file once, whole, answered for when durable; over cuts, changes and wrong keys."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from click.testing import CliRunner, Result

from feed.lines import ROWS, Failing, city, go, row, running, stored, until, up
from sftp_host import PASSWORD, USER, Host
from tocsin import cli, loop
from tocsin.errors import ConfigError, FeedError
from tocsin.feed import sftp

ENV = {"P": PASSWORD}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "sftp").start()
    (made.files / "out").mkdir()
    yield made
    made.stop()


def feed(host: Host, more: str = "", sign: str = 'password = "${P}"') -> str:
    return (
        f'kind = "sftp"\nhost = "127.0.0.1"\nport = {host.port}\nuser = "{USER}"\nknown_hosts = "{host.known}"\n'
        f'path = "out"\nfiles = "*.jsonl"\nseconds = 0.1\nstill = 0.1\n{sign}\n{more}'
    )


def tried(made: Path) -> Result:
    args = ["feed", "test", "rows", "--city", str(made)]
    return CliRunner().invoke(cli._tocsin, args, standalone_mode=False, env=ENV)


def names(host: Host, folder: str = "out") -> list[str]:
    return sorted(p.name for p in (host.files / folder).iterdir() if p.is_file())


def test_each_file_once_also_by_the_next_run_and_again_when_it_changed(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host))
    host.put("out/a.jsonl", row("a"))
    host.put("out/b.jsonl", row("b") + row("c"))
    for other in ("out/c.jsonl.part", "out/.d.jsonl", "out/e.csv"):
        (host.files / other).write_bytes(row("x"))
    (host.files / "out" / "empty.jsonl").touch()
    (host.files / "out" / "folder.jsonl").mkdir()
    (host.files / "out" / "link.jsonl").symlink_to("a.jsonl")

    async def run(messages: int, events: int) -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].messages == messages, f"{messages} messages")
            looks = host.came
            await until(lambda: host.came > looks + 3, "looked again")
            assert (site.feeds["rows"].messages, site.feeds["rows"].state) == (messages, "up")
            assert (*stored(site)[:2], site.feeds["rows"].problem) == (events, 0, "")

    go(lambda: run(2, 3))
    go(lambda: run(0, 3))
    assert sorted(host.reads) == ["a.jsonl", "b.jsonl"]
    host.put("out/a.jsonl", row("a") + row("d"), 1_700_000_001)
    os.utime(host.files / "out" / "b.jsonl", (1_700_000_002, 1_700_000_002))  # only touched
    go(lambda: run(2, 4))
    for memory in (made / "feeds").iterdir():
        memory.write_text('{"of": ["')  # torn: everything comes again, and adds nothing
    go(lambda: run(2, 4))


def test_a_file_that_grows_waits_and_one_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, host: Host
) -> None:
    made = city(tmp_path, ROWS, feed(host))
    whole = host.files / "out" / "a.jsonl"
    grown: list[int] = []

    def reading(path: bytes, offset: int) -> None:
        if not grown:  # half of it is there; the rest comes while it is read
            grown.append(offset)
            with whole.open("ab") as out:
                out.write(row("b") + row("c"))

    host.reading = reading
    whole.write_bytes(row("a"))

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].messages == 1, "one message")
            assert grown
            assert (*stored(site), site.feeds["rows"].errors) == (3, 0, 1, 0)

    go(main)


def test_what_grows_at_every_look_is_left_alone(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host).replace("still = 0.1", "still = 0.3"))
    path = host.files / "out" / "a.jsonl"

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            await until(up(site))
            for n in range(6):
                with path.open("ab") as out:
                    out.write(row(f"k{n}"))
                looks = host.came
                await until(lambda looks=looks: host.came > looks + 1, "looked again")
                if stored(site)[2]:
                    break
            early = stored(site)[2]  # on a machine so busy that it stood still for as long; nothing is lost then either
            await until(lambda: stored(site)[0] == (n + 1), "every row")
            assert stored(site)[1] == 0
            assert early or host.reads == ["a.jsonl"]

    go(main)


@pytest.mark.parametrize("after", ["mark", "move"])
def test_a_file_is_answered_for_only_when_it_is_durable(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    made = city(tmp_path, ROWS, feed(host, f'after = "{after}"\n'))
    for n in range(3):
        host.put(f"out/{n}.jsonl", row(f"k{n}"), 1_700_000_000 + n)

    async def dies() -> None:
        monkeypatch.setattr(loop, "receive", Failing(away=10**6, landed=2))
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].state == "paused", "paused")
            assert "disk is full" in site.feeds["rows"].problem
            assert site.feeds["rows"].messages == 0
        assert names(host) == ["0.jsonl", "1.jsonl", "2.jsonl"]
        monkeypatch.undo()

    async def lives() -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].messages == 3, "3 messages")
            there = [f"{n}.jsonl" for n in range(3)]
            if after == "mark":
                await until(lambda: names(host) == sorted(there + [f"{n}.taken" for n in there]), "marked")
            else:
                await until(lambda: names(host) == [] and names(host, "out/taken") == there, "moved")
            assert stored(site)[:2] == (3, 0)
            host.put("out/0.jsonl", row("again"), 1_700_000_009)  # a sender that uses its names again
            await until(lambda: stored(site)[0] == 4, "4 events")
            if after == "move":
                await until(lambda: len(names(host, "out/taken")) == 4, "under another name")
                assert names(host) == []
            assert (stored(site)[1], site.feeds["rows"].errors) == (0, 0)

    go(dies)
    go(lives)


def test_what_is_replaced_in_the_moment_it_is_moved_is_taken_too(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host, 'after = "move"\n'))
    host.put("out/a.jsonl", row("a"))
    replaced: list[bytes] = []

    def moving(path: bytes) -> None:
        if not replaced:
            replaced.append(path)
            host.put("out/a.jsonl", row("b") + row("c"), 1_700_000_005)

    host.moving = moving

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: stored(site)[0] == 3, "3 events")
            await until(lambda: names(host) == [], "moved")

    go(main)


def test_what_cannot_be_moved_or_is_too_large_is_said_and_holds_up_nothing(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host, 'after = "move"\nmost = 100\n'))
    host.put("out/a.jsonl", row("a") * 3)
    host.put("out/b.jsonl", row("b"), 1_700_000_001)
    (host.files / "out" / "taken").write_bytes(b"a file where the folder should be")

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            status = site.feeds["rows"]
            await until(lambda: status.errors >= 2, "two problems")
            await until(lambda: status.state == "up" and "more" in status.problem, "both said")
            assert "a.jsonl has 126 bytes, over 100; raise `most`" in status.problem
            looks = host.came
            await until(lambda: host.came > looks + 3, "looked again")
            assert (status.errors, status.messages, stored(site)[0]) == (2, 1, 1)  # said once, taken once
            (host.files / "out" / "taken").unlink()
            (host.files / "out" / "a.jsonl").unlink()
            await until(lambda: names(host, "out/taken") == ["b.jsonl"] if not names(host) else False, "moved")
            await until(lambda: status.problem == "", "over")

    go(main)


def test_a_connection_that_is_cut_and_a_server_that_is_away_are_waited_for(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host))
    host.put("out/a.jsonl", row("a"))
    cut: list[bool] = []

    def reading(path: bytes, offset: int) -> None:
        if not cut:
            cut.append(True)
            host.cut()

    host.reading = reading

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            status = site.feeds["rows"]
            await until(lambda: status.messages == 1, "one message")
            assert cut
            assert status.errors == 1
            host.stop()
            await until(lambda: status.state == "down", "down")
            assert f"127.0.0.1 port {host.port}" in status.problem
            host.put("out/b.jsonl", row("b"))
            host.start()
            await until(lambda: status.messages == 2 and status.state == "up", "up again")
            assert stored(site)[:2] == (2, 0)

    go(main)


def test_another_host_key_is_refused_before_anything_is_sent(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host))
    host.put("out/a.jsonl", row("a"))
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    right = host.key.get_fingerprint()
    for text, words in (
        (f"[127.0.0.1]:{host.port} {other}", ["another key", right, "have its keeper say"]),
        (f"elsewhere.example {other}", [f"no key of [127.0.0.1]:{host.port}", right]),
    ):
        host.known.write_text(text)
        done = tried(made)
        assert isinstance(done.exception, FeedError)
        assert [w for w in words if w not in str(done.exception)] == []

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].state == "down", "down")
            assert "known_hosts" in site.feeds["rows"].problem

    go(main)
    assert (host.tried, host.reads) == (0, [])


def test_a_wrong_password_is_said_and_not_tried_again_at_once(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = city(tmp_path, ROWS, feed(host))

    async def main() -> None:
        async with running(made, {"P": "hunter2"}) as (site, _):
            status = site.feeds["rows"]
            await until(lambda: status.state == "down", "refused")
            assert "does not let tocsin in" in status.problem
            assert "hunter2" not in repr(site.feeds)
            tried = host.tried
            await asyncio.sleep(1.5)  # many times `seconds`
            assert host.tried == tried, "who insists is locked out"
            monkeypatch.setattr(sftp, "AFTER_REFUSAL", 0.1)
        async with running(made, {"P": "hunter2"}) as (site, _):
            await until(lambda: host.tried > tried + 2, "tried again, later")
        assert host.came == 0

    go(main)


def test_a_key_with_a_passphrase_lets_us_in_and_nothing_else_of_ours_is_offered(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_bytes(host.user_key.read_bytes())  # would do, but nobody named it
    (home / ".ssh" / "config").write_text("Host *\n  User somebody\n  StrictHostKeyChecking no\n")
    monkeypatch.setenv("HOME", str(home))
    host.put("out/a.jsonl", row("a"))
    done = tried(city(tmp_path / "p", ROWS, feed(host, sign='password = "${Q:-wrong}"')))
    assert isinstance(done.exception, FeedError)
    asyncssh.read_private_key(host.user_key).write_private_key(host.user_key, passphrase=PASSWORD)
    done = tried(city(tmp_path / "k", ROWS, feed(host, sign=f'key = "{host.user_key}"\npassphrase = "${{P}}"')))
    assert (done.exception, done.return_value) == (None, 0)
    assert "by key" in done.output


def test_a_try_says_what_it_saw_and_touches_nothing(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host, 'after = "move"\nmost = 100\n'))
    host.put("out/a.jsonl", row("a"))
    host.put("out/b.jsonl", row("b") + b"no JSON\n", 1_700_000_001)
    host.put("out/c.jsonl", row("c") * 9, 1_700_000_002)
    done = tried(made)
    assert (done.exception, done.return_value) == (None, 1)
    for words in (
        host.key.get_fingerprint(), "by password", "3 names: 3 files to take by '*.jsonl', 1 of them over 100 bytes",
        "move it into out/taken", "out/b.jsonl", "1 events, 1 findings",
    ):  # fmt: skip
        assert words in done.output
    assert names(host) == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert not (made / "feeds").exists()
    for key, words in (("path", "no-such-folder is not there"), ("files", "no file to take in out")):
        was = {"path": '"out"', "files": '"*.jsonl"'}[key]
        other = feed(host).replace(f"{key} = {was}", f'{key} = "no-such-folder"')
        done = tried(city(tmp_path / key, ROWS, other))
        assert isinstance(done.exception, FeedError)
        assert words in str(done.exception)


def test_names_in_other_encodings_and_names_that_would_lead_elsewhere(tmp_path: Path, host: Host) -> None:
    made = city(tmp_path, ROWS, feed(host))
    host.put("out/发热.jsonl".encode("gb18030"), row("a"))
    host.put("out/a\nb\x1b[31m.jsonl", row("b"), 1_700_000_001)

    async def main() -> None:
        async with running(made, ENV) as (site, _):
            await until(lambda: site.feeds["rows"].messages == 2, "2 messages")
            said = [r[0] for r in site.desk.store.db.execute("SELECT file FROM delivery").fetchall()]
            assert any("out/发热.jsonl" in f for f in said)
            assert all(f.isprintable() for f in said)

    go(main)
    known = json.loads(next((made / "feeds").glob("*.json")).read_text())
    assert len(known["memory"]["taken"]) == 2


@pytest.mark.parametrize(
    ("known", "words"),
    [(None, "cannot be read"), ("", "holds no key"), ("# only a remark\n", "holds no key"), ("host\n", "known_hosts")],
)
def test_known_hosts_must_be_there_and_hold_a_key(tmp_path: Path, known: str | None, words: str) -> None:
    host = Host(tmp_path / "sftp")
    host.known.unlink()
    if known is not None:
        host.known.write_text(known)
    done = tried(city(tmp_path, ROWS, feed(host)))
    assert isinstance(done.exception, ConfigError)
    assert words in str(done.exception)
    assert "ssh-keyscan" in str(done.exception) or known == "host\n"


def test_a_private_key_that_is_none_is_said(tmp_path: Path) -> None:
    host = Host(tmp_path / "sftp")
    (tmp_path / "key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    for path, words in ((tmp_path / "key", "no private key"), (tmp_path / "none", "cannot be read")):
        done = tried(city(tmp_path / words, ROWS, feed(host, sign=f'key = "{path}"')))
        assert isinstance(done.exception, ConfigError)
        assert words in str(done.exception)
