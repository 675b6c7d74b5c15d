"""The drill: every fault at once, against a producer with an account of its own, judged by history.

``python -m tests.drill [--seconds N] [--rate N] [--seed N] [--faults NAME,…] [--unprivileged]`` prints one JSON object: counts, verdict,
seed, and what was skipped and why. Exit 0 when nothing was violated.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.drill import checks
from tests.drill.console import Console
from tests.drill.deployments import Deployments
from tests.drill.faults import FAULTS, Drill, apart, obey_modes, small_disk
from tests.drill.home import Home
from tests.drill.lab_process import LabProcess
from tests.drill.producer import Producer
from tests.secret_search import Search

_AT_ONCE = 3
_FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/local/lib/faketime",
)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="how long faults are made")
    parser.add_argument("--rate", type=float, default=40, help="messages a second")
    parser.add_argument("--patience", type=float, default=240, help="seconds after the last fault for everything to arrive")
    parser.add_argument("--seed", type=int, default=None, help="that of an earlier drill, to make its faults again")
    parser.add_argument("--faults", default="", metavar="NAME,…", help=f"only these: {', '.join(FAULTS)}")
    parser.add_argument("--without", default="", metavar="NAME,…", help="not these")
    parser.add_argument("--longest", type=float, default=12, help="seconds that a fault lasts at most")
    parser.add_argument("--unprivileged", action="store_true", help="without what needs root or libfaketime")
    parser.add_argument("--keep", type=Path, help="leave everything in this new folder")
    return parser.parse_args()


def main() -> int:
    """Run the drill; 0 when nothing was violated."""
    options = _options()
    faulthandler.register(signal.SIGUSR1)  # where it stands, when it takes long
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and what it started ends with it
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    sys.stderr.write(f"seed {seed}\n")
    if options.keep:
        options.keep.mkdir(mode=0o700)
        verdict = _drill(options, seed, options.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="dbe-drill-", ignore_cleanup_errors=True) as folder:
            verdict = _drill(options, seed, Path(folder))
    sys.stdout.write(json.dumps(verdict) + "\n")
    return 0 if verdict["verdict"] == "held" else 1


def _drill(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, Any]:
    started = time.time()
    chance = random.Random(seed)
    skipped: dict[str, str] = {}
    for name in ("home", "keys", "tmp", "work"):
        (folder / name).mkdir(mode=0o700)
    why = "told to do without root" if options.unprivileged else small_disk(folder / "home")
    if why:
        skipped |= dict.fromkeys(("full-disk", "no-inodes"), why)
    faketime = None if options.unprivileged else _faketime()
    if faketime is None:
        skipped["clock-jump"] = "told to do without" if options.unprivileged else "there is no libfaketime here"
    (folder / "clock").write_text("+0")
    obey_modes()
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    os.chdir(folder / "work")  # where a core would lie
    environment = _environment(folder, faketime)
    canary = environment["AZURE_CLIENT_SECRET"]

    with ExitStack() as stack:
        lab = LabProcess(folder / "lab")
        stack.callback(lambda: lab.close())
        websockets = _on_443(lab.info["https"])
        if not websockets:
            skipped["the line of events"] = "port 443 cannot be bound, and azure-eventhub knows no other for websockets"
        home = Home(folder / "home", folder / "keys", websockets and chance.random() < 0.5)
        home.point_to(lab)
        deployments = Deployments(lab, home, environment, folder / "work", random.Random(seed + 1))
        code, _, errors = deployments.run_verb("record", "--from", "beginning", "--background")
        if code != 0:
            raise RuntimeError(f"no recorder: {errors}")
        stack.callback(deployments.run_verb, "record", "--stop")
        until = time.monotonic() + 60
        while not home.receiving():
            if time.monotonic() > until:
                raise RuntimeError(f"the recorder does not receive: {home.recorder()}")
            time.sleep(0.1)
        console = Console(home, environment, folder / "work", random.Random(seed + 2))
        stack.callback(lambda: console.close())
        producer = Producer(lab, options.rate, random.Random(seed + 3))
        drill = Drill(chance, folder, lab, home, producer, deployments, console, folder / "clock")
        producer.start()
        deployments.start()
        skipped |= dict.fromkeys(filter(None, options.without.split(",")), "told to do without")
        names = [name for name in FAULTS if name not in skipped and (not options.faults or name in options.faults.split(","))]
        counts = _disturb(drill, names, options.seconds, options.longest)
        producer.end()
        deployments.end()
        recovered = _wait_for_all(drill, options.patience)
        console.terminal.press("escape", "q")
        kept = checks.Kept(home.journals())
        status = home.recorder()
        console.close()
        deployments.run_verb("record", "--stop")

        if options.keep:  # a small disk of the drill's own goes with its process
            shutil.copytree(home.folder, folder / "kept")
        search = Search([*lab.secrets, deployments.canary, canary], ["iothubowner", lab.info["registry_username"]])
        cores = [path for place in (Path("/"), folder / "work") for path in place.glob("core*") if path.stat().st_mtime > started]
        texts = [
            *(("screen", screen) for screen in console.screens),
            *((f"output of {words}", text) for words, text in deployments.outputs),
            *((str(path), path.read_bytes()) for path in cores),
        ]
        parts = {
            "messages": checks.messages(kept, producer.account, lab.life),
            "deployments": checks.deployments(deployments, home),
            "power_cuts": checks.copies(folder / "copies"),
            "secrets": checks.secrets(
                search, home, texts, [*console.seen, *deployments.processes], [folder / "home", folder / "tmp", folder / "copies"]
            ),
        }
    violations = [f"{name}: {text}" for name, (texts_, _) in parts.items() for text in texts_]
    if home.trap.connections:
        violations.append(f"a redirect was followed {home.trap.connections} times")
    if status is None or status.state != "receiving":
        violations.append(f"the recorder did not recover: {status and (status.state, status.error)}")
    violations += [f"a console ended by itself with {code}" for code in console.ends]
    return {
        "drill": "everything at once",
        "verdict": "violated" if violations else "held",
        "violations": violations,
        **{name: numbers for name, (_, numbers) in parts.items()},
        "faults": dict(counts),
        "skipped": skipped,
        "seed": seed,
        "events_by": "websockets through a proxy" if home.proxy else "AMQP",
        "seconds": options.seconds,
        "recovered_seconds": recovered,
        "cores": len(cores),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def _disturb(drill: Drill, names: list[str], seconds: float, longest: float) -> Counter[str]:
    """Make up to three faults at once, each for some seconds, now and then none; gives how often each was made."""
    counts: Counter[str] = Counter()
    active: dict[str, tuple[float, ExitStack]] = {}
    until = time.monotonic() + seconds
    order: list[str] = []
    while (now := time.monotonic()) < until:
        for name in [name for name, (end, _) in active.items() if now > end]:
            active.pop(name)[1].close()
        order = order or drill.chance.sample(names, len(names))  # each has its turn
        name = order.pop()
        if len(active) < _AT_ONCE and apart(name, set(active)):
            stack = ExitStack()
            stack.enter_context(FAULTS[name](drill))
            active[name] = (time.monotonic() + drill.chance.uniform(0.5, longest), stack)
            counts[name] += 1
        drill.console.attend()
        time.sleep(longest * drill.chance.uniform(0.02, 0.1))
    for _, stack in active.values():
        stack.close()
    drill.lab.call("faults", {"name": "none"})
    return counts


def _wait_for_all(drill: Drill, patience: float) -> float:
    """Wait until everything acknowledged is in the journal or in a gap; gives how long that took."""
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < patience:
        drill.console.attend()
        kept = checks.Kept(drill.home.journals())
        status = drill.home.recorder()
        if (
            status
            and status.state == "receiving"
            and not checks.messages(kept, drill.producer.account, drill.lab.life)[1]["lost"]
        ):
            break
        time.sleep(1)
    return round(elapsed, 1)


def _environment(folder: Path, faketime: str | None) -> dict[str, str]:
    """The operator's environment, with a secret in it that no child is to have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DBE_", "XDG_", "TEXTUAL", "AZURE"))}
    return {
        **{name: value for name, value in kept.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")},
        "HOME": str(folder / "tmp"),
        "TMPDIR": str(folder / "tmp"),
        "DBE_CONSOLE_HOME": str(folder / "home"),
        "TERM": "xterm-256color",
        "AZURE_CLIENT_SECRET": f"canary-{random.SystemRandom().randrange(10**16):016d}-environment",
        **(
            {"LD_PRELOAD": faketime, "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"), "FAKETIME_NO_CACHE": "1"}
            if faketime
            else {}
        ),
    }


def _faketime() -> str | None:
    """Return the path of libfaketime, where there is one."""
    places = [os.environ.get("DRILL_FAKETIME", ""), *(f"{folder}/libfaketimeMT.so.1" for folder in _FAKETIME)]
    return next((path for path in places if path and Path(path).exists()), None)


def _on_443(url: str) -> bool:
    return ":" not in url.partition("://")[2]


if __name__ == "__main__":
    sys.exit(main())
