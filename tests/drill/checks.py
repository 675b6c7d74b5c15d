"""The verdict: each check gives the violations it met, in words, and what it counted."""

from __future__ import annotations

import re
import sqlite3
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.drill.deployments import Deployment, Deployments, Truth
from tests.drill.home import Home
from tests.drill.producer import Account, Place
from tests.secret_search import Search
from tests.terminal import Processes

_NAME = re.compile(rb"drill-(\d+)-(\d+)")
Verdict = tuple[list[str], dict[str, Any]]


class Kept:
    """What the journals hold of the producer's messages, and the gaps that they admit."""

    def __init__(self, journals: Iterable[Path]) -> None:
        self.bodies: dict[Place, bytes] = {}
        self.times: Counter[bytes] = Counter()
        self.disorder: list[str] = []
        self.gaps: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self.remade = 0
        for path in journals:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
                self._read(database)
        for ranges in self.gaps.values():
            ranges.sort()

    def _read(self, database: sqlite3.Connection) -> None:
        lives: dict[int, int] = {}
        newest: dict[int, int] = {}
        for part, partition, sequence, body in database.execute(
            "SELECT part.id, partition, message.sequence, body FROM message JOIN part ON part.id = message.part ORDER BY row"
        ):
            if sequence <= newest.get(part, -1):
                self.disorder.append(f"partition {partition}: {sequence} came after {newest[part]}")
            newest[part] = sequence
            if name := _NAME.search(body):
                life = lives[part] = int(name[1])
                self.bodies[life, int(partition), sequence] = body
                self.times[name[0]] += 1
        for part, partition, first, last in database.execute(
            "SELECT part.id, partition, first, last FROM gap JOIN part ON part.id = gap.part"
        ):
            if part in lives:
                self.gaps[lives[part], int(partition)].append((first, last))
        self.remade += database.execute("SELECT count(*) FROM notice WHERE kind = 'hub-remade'").fetchone()[0]

    def admits(self, place: Place) -> bool:
        """Return whether a gap covers it."""
        life, partition, sequence = place
        ranges = self.gaps.get((life, partition), [])
        at = bisect_right(ranges, (sequence, 1 << 62)) - 1
        return at >= 0 and any(first <= sequence <= last for first, last in ranges[: at + 1])

    def missing(self, account: Account) -> list[Place]:
        """Return the acknowledged messages that are neither here nor in a gap."""
        return [place for place in account.acknowledged if place not in self.bodies and not self.admits(place)]


def messages(kept: Kept, account: Account, last_life: int) -> Verdict:
    """Each acknowledged message is in the journal once, in order, or covered by a gap.

    What a hub took with it when it was made again, nobody can have received: the newest ones of a life that ended.
    """
    missing = kept.missing(account)
    ends: dict[tuple[int, int], int] = {}
    for life, partition, sequence in kept.bodies:
        ends[life, partition] = max(sequence, ends.get((life, partition), -1))
    gone = [place for place in missing if place[0] < last_life and place[2] > ends.get(place[:2], -1)]
    lost = sorted(set(missing) - set(gone))
    changed = [place for place, body in account.acknowledged.items() if kept.bodies.get(place, body) != body]
    doubled = [name.decode() for name, times in kept.times.items() if times > 1]
    violations = [f"lost (life, partition, sequence): {_ranges(lost)}"] if lost else []
    violations += [f"kept otherwise than sent: {sorted(changed)[:5]}"] if changed else []
    violations += [f"doubled: {doubled[:5]}"] if doubled else []
    violations += kept.disorder[:5]
    recorded = {life for life, _ in ends}
    if len(recorded) > kept.remade + 1:
        violations.append(
            f"{len(recorded)} hubs of one name are in the journal, and it says {kept.remade} times that one was made again"
        )
    return violations, {
        "acknowledged": len(account.acknowledged),
        "unacknowledged": account.unacknowledged,
        "kept": len(kept.bodies),
        "in_gaps": sum(place not in kept.bodies and kept.admits(place) for place in account.acknowledged),
        "gone_with_a_hub": len(gone),
        "lost": len(lost),
        "doubled": len(doubled),
        "changed": len(changed),
        "out_of_order": len(kept.disorder),
        "hub_remade_notices": kept.remade,
    }


def _ranges(places: list[Place]) -> str:
    by_partition: dict[tuple[int, int], list[int]] = defaultdict(list)
    for life, partition, sequence in places:
        by_partition[life, partition].append(sequence)
    return "; ".join(f"{key}: {len(value)} of {value[0]}-{value[-1]}" for key, value in by_partition.items())


def deployments(done: Deployments, home: Home) -> Verdict:
    """Each confirmed deployment is in the history with its true outcome, and nothing but our module was touched."""
    entries = {entry["id"]: entry for entry in home.history()}
    violations, outcomes = list(done.problems), Counter(entry["outcome"] for entry in entries.values())
    judged = 0
    for number, deployment in enumerate(done.deployments):
        after = deployment.after
        if after is None or after.life != deployment.before.life:
            continue  # its hub is gone, and what became of it with the hub
        judged += 1
        if after.others != done.first[after.life].others:
            violations.append(f"{number} {deployment.words[0]}: other modules or devices were changed")
        violations += [
            f"{number} {deployment.words[0]}: {text}; before {deployment.before.version}, after {after.version}"
            for text in _untrue(number, deployment, after, [entries[entry] for entry in deployment.entries])
        ]
    return violations, {
        "deployments": len(done.deployments),
        "judged": judged,
        "killed": sum(deployment.code is None for deployment in done.deployments),
        "confirmed": sum(deployment.code == 0 for deployment in done.deployments),
        "refused": sum(bool(deployment.code) for deployment in done.deployments),
        "outcomes": dict(outcomes),
    }


def _untrue(number: int, deployment: Deployment, after: Truth, entries: list[dict[str, Any]]) -> list[str]:
    """Return what the verb or the history said that was not so."""
    changes = after.version - deployment.before.version
    outcomes = [entry["outcome"] for entry in entries]
    untrue = []
    if changes > 1:
        untrue.append(f"it was applied {changes} times")
    if changes and not entries:
        untrue.append("it was applied, and the history does not know of it")
    if deployment.code == 0 and deployment.reply.get("changed"):
        if not changes:
            untrue.append("exit 0, and nothing was applied")
        if outcomes != ["applied"]:
            untrue.append(f"exit 0, and the history says {outcomes}")
        if deployment.words[0] == "deploy" and changes and f"DRILL={number}" not in _environment(after):
            untrue.append("exit 0, and something else was applied")
    if "applied" in outcomes and not changes:
        untrue.append("the history says applied, and nothing was")
    if "failed" in outcomes and changes:
        untrue.append("the history says failed, and it was applied")
    if "overridden" in outcomes:
        untrue.append("the history says overridden, and nobody else was there")
    if "pending" in outcomes:
        untrue.append("the history never settled it")
    return untrue


def _environment(truth: Truth) -> list[str]:
    return [f"{name}={variable.get('value')}" for name, variable in truth.module.get("env", {}).items()]


def copies(folder: Path) -> Verdict:
    """Every copy of a database that a power cut would leave is whole."""
    violations, count = [], 0
    for path in folder.rglob("*"):
        if not path.name.endswith((".journal", ".sqlite")):
            continue
        count += 1
        try:
            with closing(sqlite3.connect(path)) as database:
                state = database.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.Error as error:
            state = str(error)
        if state != "ok":
            violations.append(f"{path.parent.name}/{path.name}: {state}")
    return violations, {"copies": count}


def secrets(
    search: Search, home: Home, texts: Iterable[tuple[str, bytes | str]], seen: Iterable[Processes], folders: Iterable[Path]
) -> Verdict:
    """No secret in any file but those that the operator keeps them in, nor on a screen, in an argument, an environment or a core."""
    violations, pids = [], set()
    for where, text in texts:
        violations += search.find(where, text)
    for processes in seen:
        for (pid, _), text in processes.seen.items():
            pids.add(pid)
            arguments = text.partition(b"\n")[0]
            # What the operator has in the console's own environment is the operator's doing.
            # Python's platform.processor(), which an SDK calls, asks the system's uname, with the environment as it is.
            own = (pid == processes.root and b"services." not in arguments) or arguments == b"uname\x00-p\x00"
            violations += search.find(f"process {arguments[:80]!r}", arguments if own else text)
    files = 0
    kept = home.folder / "config" / "secrets"
    for folder in folders:
        files += sum(path.is_file() for path in folder.rglob("*"))
        violations += search.files(folder, lambda path: kept in path.parents)
    return sorted(set(violations))[:20], {"files": files, "processes": len(pids)}
