"""From a fault to its named cause on the screen: the console in a pty on a lab, faults switched on one by one; prints JSON.

``twin`` is when the device's own report first shows it (the edge agent takes that long, whoever looks), ``screen`` when the word of
the modules pane stands in the terminal: the difference is the console's. The operator presses r every second; without that a reading
comes every ``limits.modules_every`` seconds (30 by default), which is added to the worst case. ``doctor`` is one whole examination by
the verb, to the moment at which its list of causes holds the state.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from bench_lab import BenchLab, bench_lab, report
from pty_console import PtyConsole, home_of

from services.contexts.store import ContextStore
from services.deployment.history import History
from services.deployment.manifest.changes import SetModule, SetRegistry
from services.deployment.options.presets import preset, render
from services.deployment.routes.hub import apply_plan, plan_changes
from services.diagnosis import diagnose_state
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.methods import restart_module
from services.operations.rollout import Rollout
from services.operations.rollout_steps import Watch
from services.records import RegistryCredentials, Secret

DEVICE, HOST, CLIENT = "databox-edge-1", "azureml-host", "azureml-client"
# fault, parameters, state by diagnosis, what stands on the screen
ON_THE_DEVICE = [
    ("crash", {"exit_code": 139}, "crash-segfault", "segmentation fault"),
    ("pull-unauthorized", {"wording": "old"}, "pull-unauthorized", "the registry refuses the pull"),
    ("port-taken", {"wording": "docker"}, "port-taken", "HostPort 50051 is taken"),
    ("no-fpga", {}, "no-fpga", "no such FPGA device"),
    ("unhealthy", {}, "unhealthy", "its health check fails"),
]
BY_THE_DOCTOR = [
    ("quota", "quota-exceeded"),
    ("unauthorized", "unauthorized"),
    ("hub-freeze", "no-answer"),
    ("too-many-readers", "too-many-readers"),
    ("registry-unauthorized", "registry-unauthorized"),
    ("skew", "clock-off"),
]


def words(console: PtyConsole) -> str:
    """The screen as one line: what was wrapped is whole again."""
    return " ".join(" ".join(line.strip("│ ") for line in console.screen.display).split())


def deploy(hub: Hub, lab: BenchLab) -> None:
    """A host and a client on the device, running."""
    server = lab.info["registry_server"]
    credentials = RegistryCredentials(server, lab.info["registry_username"], Secret(lab.info["registry_password"]))
    options = {HOST: render(preset("fpga-host"), {}), CLIENT: render(preset("client-resnet50"), {"host": HOST, "wait": "2"})}
    images = {HOST: "accel-resnet50:1", CLIENT: "sample-client:1.0"}
    modules = [SetModule(name, image=f"{server}/{images[name]}", create_options=text) for name, text in options.items()]
    began = datetime.now(timezone.utc)
    applied = apply_plan(hub, plan_changes(hub, DEVICE, [SetRegistry(credentials), *modules]), History())
    for _ in Rollout(hub, ContextStore().resolve(None), Watch(DEVICE, (HOST, CLIENT), applied.version, began), every=0.5).steps(
        120
    ):
        pass


def mend(hub: Hub, seconds: float = 90) -> None:
    """Wait until both modules run again; a module in back-off is started."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = hub.device_state(DEVICE)
        own = [module for module in state.modules if not module.system and module.reported]
        down = [module.name for module in own if module.reported and module.reported.runtime_status != "running"]
        if state.last_desired_code == 200 and len(own) == 2 and not down:
            return
        for name in down if state.last_desired_code == 200 else ():
            restart_module(hub, DEVICE, name)
        time.sleep(0.5)
    raise TimeoutError("the device did not recover")


@contextmanager
def on_the_host(lab: BenchLab, home: Path) -> Iterator[tuple[Hub, PtyConsole]]:
    """Host and client deployed, and the console with its cursor on the host; ``home`` becomes this process's, too."""
    os.environ["DBE_CONSOLE_HOME"] = str(home)
    hub = Hub.open(ContextStore().resolve(None))
    deploy(hub, lab)
    console = PtyConsole(home)
    try:
        console.until("Images")
        console.press("2")
        console.until(HOST)
        console.pump(1.0)
        console.press("j")  # the host stands below the client: what is wrong with it is told whole under the table
        yield hub, console
    finally:
        console.close()


def device_fault(
    lab: BenchLab, hub: Hub, console: PtyConsole, name: str, more: dict[str, object], state: str, text: str
) -> dict[str, float]:
    """One fault of the host module: when its report shows it, and when the screen does."""
    began = time.monotonic()
    lab.call("faults", {"name": name, "device": DEVICE, "module": HOST, "on": True, **more})
    reported = screen = 0.0
    pressed = began
    while not (reported and screen):
        now = time.monotonic()
        if not reported and diagnose_state(hub.device_state(DEVICE))[HOST].state == state:
            reported = time.monotonic() - began
        console.pump(0.05)
        if not screen and text in words(console):
            screen = time.monotonic() - began
        if now - pressed > 1:
            console.press("r")
            pressed = now
        if now - began > 60:
            raise TimeoutError(f"{name}: {state} was not named within a minute")
    lab.call("faults", {"name": name, "device": DEVICE, "module": HOST, "on": False})
    mend(hub)
    while text in words(console):
        console.press("r")
        console.pump(1.0)
    return {"twin": round(reported, 2), "screen": round(screen, 2), "console": round(max(screen - reported, 0), 2)}


def doctor_fault(lab: BenchLab, home: str, name: str, state: str) -> dict[str, float]:
    """One fault by ``doctor --json``: seconds until it has named it."""
    lab.call("faults", {"name": name, "on": True})
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "console", "doctor", "--json", "--listen", "2"],
            env={**os.environ, "DBE_CONSOLE_HOME": home},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    finally:
        lab.call("faults", {"name": name, "on": False})
    seconds = time.monotonic() - began
    states = {cause["state"] for cause in json.loads(done.stdout)["causes"]}
    if state not in states:
        raise OperatorError(f"{name}: the doctor named {sorted(states)} and not {state}.")
    return {"doctor": round(seconds, 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="one fault")
    only = parser.parse_args().only
    figures: dict[str, dict[str, float]] = {}
    with bench_lab() as lab, home_of(lab) as home:
        with on_the_host(lab, home) as (hub, console):
            for name, more, state, text in ON_THE_DEVICE:
                if only in ("", name):
                    figures[name] = device_fault(lab, hub, console, name, more, state, text)
        for name, state in BY_THE_DOCTOR:
            if only in ("", name):
                figures[name] = doctor_fault(lab, str(home), name, state)
    added = [figure["console"] for figure in figures.values() if "console" in figure]
    report(
        "seconds that the console adds between a fault in the device's report and its named cause on screen, median",
        statistics.median(added) if added else 0.0,
        "a second and a reading",
        faults=figures,
        configuration="80x24, r pressed every second; without it a reading every 30 s (limits.modules_every)",
    )


if __name__ == "__main__":
    main()
