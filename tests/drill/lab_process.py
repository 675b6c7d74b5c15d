"""The lab as a process that can be stopped, continued, killed, and made again under the same names with other keys."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

from tests.terminal import Processes


class LabProcess:
    """``life`` counts the hubs that had the same names; ``secrets`` holds those of all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.life = 0
        self.info: dict[str, Any] = {}
        self.secrets: set[str] = set()
        self.running = threading.Event()
        self._start()

    def _start(self, *arguments: str) -> None:
        with (self.folder.parent / "lab.stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.lab", "--folder", str(self.folder), "--with-parent", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the lab did not start; see lab.stderr")
        self.info = json.loads(line)
        self._trust = ssl.create_default_context(cafile=self.info["ca_file"])
        self._descendants = Processes(self._process.pid, watched=False)
        self.running.set()
        self.secrets |= {*self.call("world")["secrets"], self.info["client_secret"], self.info["control_key"]}

    def call(self, path: str, body: Any = None) -> Any:
        """Post to the lab's control (or get, without a body). Raises OSError where the lab is gone."""
        request = urllib.request.Request(
            f"{self.info['control']}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.info['control_key']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=self._trust, timeout=60) as reply:
            return json.load(reply)

    def send_signal(self, number: int) -> None:
        """Stop or continue it."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it with all that it started: its hub is gone, and every message and twin with it."""
        self.running.clear()
        self._descendants.look()
        self._process.kill()
        self._process.wait(60)
        for pid in self._descendants.pids():
            os.kill(pid, signal.SIGKILL)

    def start_again(self) -> None:
        """Start a lab of the same address and names."""
        self.life += 1
        shutil.rmtree(self.folder)
        self._start("--address", self.info["address"], "--nonce", self.info["nonce"])

    def close(self) -> None:
        """End it in order."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.stdin.close()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process.stdout.close()
