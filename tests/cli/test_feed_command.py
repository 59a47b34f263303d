"""`tocsin feed`: what there is, and what one message would give, with nothing stored."""

import json
import socket
import threading
import time
from pathlib import Path

from click.testing import CliRunner, Result

from feed.lines import ROWS, VISITS, adt, city
from tocsin import cli
from tocsin.desk import open_desk
from tocsin.errors import ConfigError, FeedError
from tocsin.feed.frames import END, START


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def tocsin(*args: object) -> Result:
    return CliRunner().invoke(cli._tocsin, ["feed", *map(str, args)], standalone_mode=False)


def send(port: int, data: bytes, got: list[bytes]) -> None:
    """Send as soon as somebody listens; what is answered until the line is closed."""
    for _ in range(400):
        try:
            with socket.create_connection(("127.0.0.1", port), 20) as line:
                line.sendall(data)
                got.append(line.recv(1000))
                return
        except ConnectionRefusedError:
            time.sleep(0.02)
        except ConnectionResetError:
            got.append(b"")
            return


def tried(made: Path, port: int, data: bytes, *options: object) -> tuple[Result, list[bytes]]:
    got: list[bytes] = []
    sender = threading.Thread(target=send, args=(port, data, got))
    sender.start()
    done = tocsin("test", "visits", "--city", made, *options)
    sender.join(30)
    return done, got


def test_the_list_names_every_source_and_how_it_comes(tmp_path: Path) -> None:
    made = city(tmp_path, ROWS, 'kind = "mqtt"\nhost = "broker.example"\ntopic = ["a/#", "b"]\n')
    rows = json.loads(tocsin("list", "--city", made, "--json").output)
    assert [(r["source"], r["feed"], r["where"]) for r in rows] == [
        ("hospital", "push", ""), ("inbox", "folder", "inbox/*.csv"), ("rows", "mqtt", "broker.example a/#, b"),
    ]  # fmt: skip
    assert "broker.example" in tocsin("list", "--city", made).output


def test_a_try_shows_what_a_message_gives_and_keeps_and_answers_nothing(tmp_path: Path) -> None:
    port = free_port()
    made = city(tmp_path, VISITS, f'kind = "mllp"\nport = {port}\n')
    done, answered = tried(made, port, START + adt("C1") + END)
    assert (done.return_value, done.exception) == (0, None)
    assert answered == [b""]
    assert "1 events, 0 findings" in done.output
    assert "ed.ili" in done.output
    assert "C1" in done.output
    done, _ = tried(made, port, b"junk" + START + adt("C2", told="20270101000000") + END, "--json")
    assert done.return_value == 1
    said = json.loads(done.stdout[done.stdout.index("{") :])
    assert (said["events"], [f["field"] for f in said["findings"]]) == (0, ["MSH-7"])
    assert "4 bytes outside a frame" in done.stderr
    desk = open_desk(made, {})
    assert desk.store.db.execute("SELECT COUNT(*) FROM event").fetchone() == (0,)
    desk.store.close()


def test_failures_are_sentences(tmp_path: Path) -> None:
    port = free_port()
    made = city(tmp_path, VISITS, f'kind = "mllp"\nport = {port}\n')
    done = tocsin("test", "visits", "--city", made, "--seconds", "0.2")
    assert isinstance(done.exception, FeedError)
    assert "within 0.2 s" in str(done.exception)
    with socket.create_server(("127.0.0.1", port)):
        done = tocsin("test", "visits", "--city", made)
    assert isinstance(done.exception, FeedError)
    assert "taken already" in str(done.exception)
    done = tocsin("test", "inbox", "--city", made)
    assert isinstance(done.exception, ConfigError)
    assert "feed list" in str(done.exception)
