"""A lab of the bench's own, and what every figure is printed with: the machine, the process, the configuration."""

from __future__ import annotations

import json
import os
import platform
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.contexts.model import Context
from services.records import EventEndpoint, Secret

SAMPLE = "({n} ms) The image cat_{n}.jpg was classified as tabby, tabby cat with confidence 0.8723."
BODY = SAMPLE.replace("({n} ms)", "(31 ms)") + " " * 200  # about 300 bytes, as docs/facts/sdk-clients.md measured


@dataclass
class BenchLab:
    """A running lab, its endpoint, and its control."""

    info: dict[str, Any]
    endpoint: EventEndpoint

    def call(self, path: str, body: Any = None) -> Any:
        """Post to the lab's control (or get, without a body)."""
        request = urllib.request.Request(
            f"{self.info['control']}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.info['control_key']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(
            request, context=ssl.create_default_context(cafile=self.info["ca_file"]), timeout=600
        ) as reply:
            return json.load(reply)

    def inject(self, count: int, **more: Any) -> None:
        """Put ``count`` messages into the hub, over all partitions."""
        self.call("messages", {"count": count, "body": BODY, "partition": "spread", **more})

    @contextmanager
    def stream(self, rate: float) -> Iterator[None]:
        """``rate`` messages a second for as long as the context lasts."""
        ended = threading.Event()

        def send() -> None:
            while not ended.is_set():
                self.inject(max(int(rate * 2), 1), rate=rate)

        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        try:
            yield
        finally:
            ended.set()
            sending.join()


@contextmanager
def bench_lab() -> Iterator[BenchLab]:
    """A lab process for the bench alone."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.lab", "--folder", folder, "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            info = json.loads(process.stdout.readline())
            parts = dict(part.split("=", 1) for part in info["event_hub_connection_string"].split(";"))
            namespace = parts["Endpoint"].removeprefix("sb://").strip("/")
            endpoint = EventEndpoint(
                namespace, parts["EntityPath"], Secret(info["event_hub_connection_string"]), ca_file=info["ca_file"]
            )
            yield BenchLab(info, endpoint)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def context(**limits: Any) -> Context:
    """A context for ensure_recorder."""
    from services.contexts.model import Limits

    return Context("bench", limits=Limits(**limits))


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor so far, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(figure: str, value: float, reach: str, **more: Any) -> None:
    """Print a figure as one JSON object."""
    machine = {
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    sys.stdout.write(json.dumps({"figure": figure, "value": value, "reach": reach, **more, "machine": machine}) + "\n")


def folder() -> Path:
    """A folder for a journal, which goes with this process."""
    made = tempfile.TemporaryDirectory(prefix="dbe-bench-", ignore_cleanup_errors=True)
    _folders.append(made)
    return Path(made.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []
