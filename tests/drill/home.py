"""The operator's home: a context that reaches the lab over the drill's lines, and what the product keeps there."""

from __future__ import annotations

import shutil
import sqlite3
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any

import tomli_w

from services.lab.authority import Authority
from services.messages.recorder.status import RecorderStatus
from tests.drill.lab_process import LabProcess
from tests.drill.lines import Line, Loop, Trap

_FRONT, _PROXY, _TRAP = "127.0.0.74", "127.0.0.75", "127.0.0.76"


class Home:
    """``front`` stands before the hub's HTTPS; ``proxy``, where there is one, before its events."""

    def __init__(self, folder: Path, keys: Path, websockets: bool) -> None:
        self.folder, self._keys = folder, keys
        self.state = folder / "state"
        authority = Authority(keys, "drill")
        self._own_ca = authority.ca_file.read_text()
        loop = Loop()
        self.front = Line(loop, _FRONT, authority.server_context("front", [_FRONT], []))
        self.proxy = Line(loop, _PROXY) if websockets else None
        self.trap = Trap(loop, _TRAP)
        (folder / "config" / "secrets").mkdir(parents=True, mode=0o700)

    def point_to(self, lab: LabProcess) -> None:
        """Write the context for the lab as it is now, as an operator does who is given new keys."""
        info, config = lab.info, self.folder / "config"
        trust = self._keys / "trust.pem"
        trust.write_text(self._own_ca + Path(info["ca_file"]).read_text())
        host = f"{_FRONT}:{self.front.port}"
        lab_host, _, port = info["host"].partition(":")
        self.front.target = (lab_host, int(port or 443), ssl.create_default_context(cafile=info["ca_file"]))
        hub = info["hub_connection_string"].replace(f"HostName={info['host']}", f"HostName={host}")
        values = {"hub": hub, "events": info["event_hub_connection_string"], "principal": info["client_secret"]}
        for name, value in values.items():
            path = config / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(value)
        events = {"consumer_group": "console", "ca_file": str(trust), "connection": f"file:{config}/secrets/events"}
        if self.proxy is not None:
            events |= {"transport": "websocket", "proxy": f"http://{_PROXY}:{self.proxy.port}"}
        context: dict[str, Any] = {
            "device": "databox-edge-2",
            "lab": True,
            "hub": {"host": host, "connection": f"file:{config}/secrets/hub", "ca_file": str(trust)},
            "workspace": {
                "subscription": info["subscription"],
                "resource_group": info["resource_group"],
                "name": info["workspace"],
                "registry": info["registry"],
                "ca_file": str(trust),
            },
            "cloud": {"resource_manager": info["https"], "authority": info["https"], "ca_file": str(trust)},
            "sign_in": {
                "method": "service-principal",
                "tenant": info["tenant"],
                "client_id": info["client_id"],
                "secret": f"file:{config}/secrets/principal",
            },
            "events": events,
        }
        contexts = config / "contexts.toml"
        contexts.touch(mode=0o600)
        contexts.write_text(tomli_w.dumps({"current": "drill", "contexts": {"drill": context}}))

    def journals(self) -> list[Path]:
        """Return the journals of all endpoints."""
        return sorted(self.state.rglob("*.journal"))

    def recorder(self) -> RecorderStatus | None:
        """Return what the recorder last said of itself."""
        statuses = [RecorderStatus.read(path) for path in self.state.rglob("*.status.json")]
        return max(filter(None, statuses), key=lambda status: status.at, default=None)

    def receiving(self) -> bool:
        """Return whether the recorder receives all partitions: from here on whatever the hub acknowledges is owed."""
        status = self.recorder()
        partitions = status.partitions.values() if status and status.state == "receiving" else ()
        return bool(partitions) and all(partition["open"] for partition in partitions)

    def history(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the entries of the history with an id above ``after``, oldest first."""
        path = self.state / "history.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'history'").fetchone():
                return []  # who made the file was killed, or the disk was full, before its table was there
            statement = "SELECT id, summary, outcome, before_version, after_version, detail FROM history WHERE id > ? ORDER BY id"
            return [dict(row) for row in database.execute(statement, (after,))]


def copy_databases(home: Home, target: Path) -> None:
    """Copy the databases with their logs as a power cut would leave them. Who writes them must stand still."""
    target.mkdir(parents=True)
    for path in home.state.rglob("*"):
        if path.is_file() and path.name.endswith((".journal", ".journal-wal", ".sqlite", ".sqlite-wal", ".sqlite-journal")):
            shutil.copy(path, target / path.name)
