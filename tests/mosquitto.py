"""An MQTT broker of our own: on a free loopback port, stopped by its id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import paho.mqtt.publish

PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Broker:
    """Mosquitto in a folder; it keeps sessions over `stop` and `start`."""

    def __init__(self, folder: Path, *more: str) -> None:
        """`more`: further lines of its settings, for the listener."""
        self.folder, self._process = folder, None
        folder.mkdir(exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        said = ["persistence true", f"persistence_location {folder}/", "autosave_interval 1",
                *(["user root"] if os.getuid() == 0 else []), "max_queued_messages 0",
                f"listener {self.port} 127.0.0.1", *(more or ("allow_anonymous true",))]  # fmt: skip
        (folder / "mosquitto.conf").write_text("\n".join([*said, ""]))

    def start(self) -> "Broker":
        assert PROGRAM is not None
        with (self.folder / "log").open("ab") as log:
            args = [PROGRAM, "-v", "-c", str(self.folder / "mosquitto.conf")]
            self._process = subprocess.Popen(args, stdout=log, stderr=log)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"mosquitto did not start: {self.log()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def publish(self, topic: str, *payloads: bytes, **more: object) -> None:
        """Publish with quality of service 1; they are at the broker when this returns."""
        messages = [{"topic": topic, "payload": p, "qos": 1, **more} for p in payloads]
        paho.mqtt.publish.multiple(messages, "127.0.0.1", self.port, client_id="sender")
