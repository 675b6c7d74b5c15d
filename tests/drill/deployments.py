"""Deployments one after the other through the verbs, some of them killed or stopped, with the lab's own record around each."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.drill.home import Home
from tests.drill.lab_process import LabProcess
from tests.terminal import Processes

DEVICE, MODULE = "databox-edge-2", "drill"
_PATIENCE = 150.0  # seconds for a verb, whatever the line does


@dataclass(frozen=True)
class Truth:
    """The lab's own record: the deployment's version, our module as it is in it, and a digest of everything else."""

    life: int
    version: int
    module: dict[str, Any]
    others: str


@dataclass
class Deployment:
    """A verb that was run, and its traces. ``after`` is the truth when the next one began."""

    words: list[str]
    before: Truth
    code: int | None = None  # None where it was killed
    reply: dict[str, Any] = field(default_factory=dict)
    errors: str = ""
    entries: list[int] = field(default_factory=list)
    after: Truth | None = None


class Deployments(threading.Thread):
    """``environment`` is the verbs' own; ``outputs`` and ``processes`` are kept for the search for secrets."""

    def __init__(self, lab: LabProcess, home: Home, environment: dict[str, str], folder: Path, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.deployments: list[Deployment] = []
        self.problems: list[str] = []
        self.outputs: list[tuple[str, str]] = []
        self.processes: list[Processes] = []
        self.first: dict[int, Truth] = {}
        self.verb_pid: int | None = None
        self._lab, self._home, self._environment, self._chance = lab, home, environment, chance
        self._ended = threading.Event()
        self._options = folder / "options.json"
        self._options.write_text("{}")
        self._variables = folder / "variables"
        self._variables.touch(mode=0o600)
        self.canary = f"canary-{chance.randrange(10**16):016d}-variable"
        self._variables.write_text(f"API_KEY={self.canary}\n")

    def run(self) -> None:
        try:
            while not self._ended.wait(self._chance.uniform(0.3, 1.5)):
                if self._chance.random() < 0.2:
                    self.list_devices()
                else:
                    self.deploy(self._words(), self._chance.random() < 0.3)
        except Exception as error:  # noqa: BLE001 - it is a thread's last word, and belongs to the verdict
            self.problems.append(f"the drill's deployments ended: {error!r}")

    def end(self) -> None:
        """Deploy no more; then let one that nobody disturbs settle what was left open."""
        self._ended.set()
        self.join()
        self.deploy(self._deploy(), disturbed=False)
        self.run_verb("history", "--all", "--json")
        if self.deployments:
            self.deployments[-1].after = self.truth()

    def _words(self) -> list[str]:
        present = bool(self.deployments and self.deployments[-1].before.module)
        verbs = ["deploy", "deploy", "stop", "start", "rollback"] if present else ["deploy"]
        verb = self._chance.choice(verbs)
        if verb == "deploy":
            return self._deploy()
        return [verb, *([] if verb == "rollback" else [MODULE])]

    def _deploy(self) -> list[str]:
        image = f"{self._lab.info['registry_server']}/shop-counter:2.3"
        return [
            "deploy", image, "--module", MODULE, "--options", str(self._options), "--env", f"DRILL={len(self.deployments)}",
            "--env-file", str(self._variables), "--no-registry",
        ]  # fmt: skip

    def truth(self) -> Truth:
        """Ask the lab, for as long as it takes."""
        while True:
            self._lab.running.wait(60)
            try:
                life, devices = self._lab.life, self._lab.call("world")["devices"]
            except OSError:
                time.sleep(0.2)
                continue
            if life == self._lab.life:
                break
        desired = {
            f"{device}/{name}": module["twin"]["desired"]
            for device, one in devices.items()
            for name, module in one["modules"].items()
            if name in ("$edgeAgent", "$edgeHub")
        }
        ours = desired[f"{DEVICE}/$edgeAgent"]
        version = ours["$version"]
        module = ours["modules"].pop(MODULE, {})
        plain = {name: {key: value for key, value in twin.items() if key[0] != "$"} for name, twin in desired.items()}
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
        truth = Truth(life, version, module, digest)
        self.first.setdefault(life, truth)
        return truth

    def deploy(self, words: list[str], disturbed: bool) -> None:
        """Run one to its end, or to its death."""
        before = self.truth()
        if self.deployments:
            self.deployments[-1].after = before
        deployment = Deployment(words, before)
        self.deployments.append(deployment)
        newest = max((entry["id"] for entry in self._home.history()), default=0)
        code, output, errors = self.run_verb(
            *words, "--device", DEVICE, "--yes", "--json", "--no-image-check", disturbed=disturbed
        )
        deployment.code, deployment.errors = code, errors
        if code == 0:
            try:
                deployment.reply = json.loads(output)
            except ValueError:
                self.problems.append(f"{words[0]}: exit 0, and no JSON: {output[:200]!r}")
        deployment.entries = [entry["id"] for entry in self._home.history(newest)]

    def list_devices(self) -> None:
        """The lab has four devices, whatever the line makes of its reply."""
        code, output, _ = self.run_verb("devices", "--json")
        if code == 0 and output.count("databox-edge-") < 4:
            self.problems.append(f"devices: exit 0, and said {output[:200]!r}")

    def run_verb(self, *words: str, disturbed: bool = False) -> tuple[int | None, str, str]:
        """Give exit status (None where it was killed), output and errors."""
        verb = subprocess.Popen(
            [sys.executable, "-m", "console", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
        )
        self.verb_pid = verb.pid
        seen = Processes(verb.pid, watched=False)
        self.processes.append(seen)
        killed = disturbed and self._disturb(verb)
        deadline = time.monotonic() + _PATIENCE
        while True:
            seen.look()
            try:
                output, errors = verb.communicate(timeout=0.3)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    verb.kill()
                    output, errors = verb.communicate()
                    self.problems.append(f"{words[0]} did not end in {_PATIENCE:.0f} s")
                    killed = True
        self.verb_pid = None
        text, complaint = output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
        self.outputs.append((" ".join(words[:2]), text + complaint))
        if "console itself failed" in complaint or "Traceback" in complaint:
            self.problems.append(f"{' '.join(words[:2])} failed itself: {complaint[-600:]!r}")
        return None if killed else verb.returncode, text, complaint

    def _disturb(self, verb: subprocess.Popen[bytes]) -> bool:
        """Kill it, or stop it for a while; gives whether it was killed."""
        try:
            verb.wait(self._chance.uniform(0.2, 0.8))
            return False
        except subprocess.TimeoutExpired:
            pass
        if self._chance.random() < 0.6:
            verb.kill()
            return True
        verb.send_signal(signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.2, 1.5))
        verb.send_signal(signal.SIGCONT)
        return False
