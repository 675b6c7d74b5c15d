"""Evidence from a real hub: the raw replies that the doctor got, masked, in one private file in the form of ``tests/cases/azure``.

The file is never sent anywhere. What it looks like, and how the tests read it back, stands in ``docs/evidence.md``.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.contexts.connection_string import fields_of
from services.contexts.model import Context
from services.contexts.secrets import reveal
from services.errors import OperatorError
from services.files import check_new, write_new
from services.json_reader import JsonError, read_json
from services.operations.doctor import report
from services.operations.doctor.evidence_mask import EvidenceMask
from services.operations.doctor.examination import Examination
from services.records import Exchange
from services.text import json_text

_SAME = 3  # replies kept of one request with one status: what is polled says little more
_REPLIES = 400
_BODY_BYTES = 512 * 1024
_ALL_BYTES = 8 * 1024 * 1024
_ENTRIES = 100  # of a list at the top of a reply, or under its "value"
_TEXT = 4000  # characters of a body that is no JSON
_GUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
# The built-in endpoint's names hold the hub's, cut short: iothub-ehub-plant-hu-123456-0123456789.
_ENDPOINT = re.compile(r"\biothub-(ehub|ns)-[A-Za-z0-9-]+")
_ONLY_MASKED = (
    "Keys, passwords, signatures, tokens and the values of environments are hidden; names are not, unless they are replaced."
)


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """What was written: ``holds`` counts the replies by source."""

    path: Path
    size: int
    holds: Mapping[str, int]
    left_out: int

    @property
    def text(self) -> str:
        """What an operator has to know before the file leaves the machine."""
        holds = ", ".join(f"{source} {number}" for source, number in self.holds.items()) or "none"
        left_out = f"; {self.left_out:,} left out, repeated or too large" if self.left_out else ""
        return f"{self.path} ({self.size:,} bytes, readable by you alone). Replies: {holds}{left_out}."


class Capture:
    """Takes in raw replies from any thread (``observe``) and writes them masked. Bounded: what is over is counted, not kept."""

    def __init__(
        self, context: Context, path: Path, device: str = "", *, bodies: bool = False, replace_names: bool = False
    ) -> None:
        """Raise OperatorError where ``path`` is there already, or cannot be written: before anything is asked.

        ``bodies`` keeps messages' bodies; ``replace_names`` puts stand-ins for the names of hub, devices and workspace.
        """
        check_new(path)
        self._path = path
        self._context = context
        self._device = device or context.device
        self._bodies = bodies
        self._replace_names = replace_names
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._same: Counter[tuple[str, str, int | None]] = Counter()
        self._bytes = 0
        self._left_out = 0

    def observe(self, exchange: Exchange) -> None:
        """Keep a reply, as long as there is room for it."""
        size = len(exchange.body) if isinstance(exchange.body, str) else 1000
        kind = (exchange.source, exchange.request, exchange.status)
        with self._lock:
            same = exchange.source != "events" and self._same[kind] >= _SAME
            full = len(self._exchanges) >= _REPLIES or self._bytes + size > _ALL_BYTES
            if same or full or size > _BODY_BYTES:
                self._left_out += 1
                return
            self._same[kind] += 1
            self._bytes += size
            self._exchanges.append(exchange)

    def tree(self, run: Examination) -> dict[str, Any]:
        """Return the file's content: the replies, and what the console made of them (``run``)."""
        with self._lock:
            exchanges, left_out = list(self._exchanges), self._left_out
        mask = EvidenceMask(_own_secrets(self._context))
        examination = report.as_dict(run, self._context, self._bodies)
        hub = self._context.hub.host if self._context.hub else "no hub"
        tree = {
            "title": f"Capture: {run.device or 'no device'} on {hub}",
            "source": ["dbe-console doctor --capture"],
            "at": run.at.isoformat(timespec="seconds"),
            "feed": "each reply to the rule of its source",
            "payload": {"exchanges": [_as_record(exchange, mask, self._bodies) for exchange in exchanges]},
            "product_now": mask.masked({"healthy": examination["healthy"], "causes": examination["causes"]}),
            "right": "",
            "versions": examination["versions"],
            "masked": _ONLY_MASKED,
            "left_out": left_out,
        }
        swept: dict[str, Any] = mask.swept(tree)
        return _with_stand_ins(swept, self._names()) if self._replace_names else swept

    def write(self, run: Examination) -> CaptureSummary:
        """Write the file with mode 0600, whole or not at all; raises OperatorError."""
        tree = self.tree(run)
        text = json_text(tree, 1) + "\n"
        write_new(self._path, text)
        holds = Counter(exchange["source"] for exchange in tree["payload"]["exchanges"])
        return CaptureSummary(self._path, len(text.encode()), dict(sorted(holds.items())), tree["left_out"])

    def _names(self) -> dict[str, str]:
        """Return the names to replace, each with its stand-in."""
        hub, place = self._context.hub, self._context.workspace
        host = hub.host.partition(":")[0] if hub else ""
        names = {host: "hub-1.azure-devices.net", host.partition(".")[0]: "hub-1", self._device: "device-1"}
        if hub is not None and hub.resource_id:
            names[hub.resource_id.rpartition("/")[2]] = "hub-1"
        if place is not None:
            names |= {place.name: "workspace-1", place.resource_group: "group-1", place.registry: "registry-1"}
        with self._lock:
            bodies = [_parsed(exchange.body) for exchange in self._exchanges]
        for kind, stand_in in (("deviceId", "device"), ("containerRegistry", "registry")):
            for value in _values_of(bodies, kind):
                name = value.rpartition("/")[2]
                names.setdefault(name, f"{stand_in}-{len(names) + 1}")
        return {name: stand_in for name, stand_in in names.items() if len(name) > 1}


def _own_secrets(context: Context) -> list[str]:
    """Return the keys of the context's own connection strings; one that cannot be had now was not sent, and stands nowhere."""
    secrets = []
    for source in (context.hub.connection if context.hub else None, context.events.connection, context.sign_in.secret):
        if source is None:
            continue
        try:
            secret = reveal(source)
        except OperatorError:
            continue
        fields = fields_of(secret)
        secrets += [fields.get("SharedAccessKey") or secret.reveal(), secret.reveal()]
    return secrets


def _parsed(body: str | Mapping[str, Any]) -> Any:
    if not isinstance(body, str):
        return dict(body)
    try:
        return read_json(body)
    except JsonError:
        return body


def _as_record(exchange: Exchange, mask: EvidenceMask, bodies: bool) -> dict[str, Any]:
    """Return an exchange for the file: a refusal's body as the text that it was, any other that is JSON as JSON."""
    body = _parsed(exchange.body)
    if exchange.source == "events" and not bodies:
        body = {name: value for name, value in body.items() if name != "body"}
    cut = 0
    rows = body.get("value") if isinstance(body, dict) else body
    if isinstance(rows, list) and len(rows) > _ENTRIES:
        cut = len(rows) - _ENTRIES
        body = {**body, "value": rows[:_ENTRIES]} if isinstance(body, dict) else rows[:_ENTRIES]
    if isinstance(body, str) or (exchange.status or 0) >= 400:
        text = str(exchange.body)
        body = mask.masked(text if len(text) <= _TEXT or not isinstance(body, str) else text[:_TEXT])
    else:
        body = mask.masked(body)
    fields: dict[str, Any] = {"source": exchange.source, "request": mask.masked(exchange.request)}
    if exchange.status is not None:
        fields["status"] = exchange.status
    if exchange.headers:
        fields["headers"] = {name: mask.masked(value) for name, value in exchange.headers.items()}
    if exchange.sent:
        fields["sent"] = mask.masked(_parsed(exchange.sent))
    return {**fields, "body": body, **({"entries_left_out": cut} if cut else {})}


def _values_of(node: Any, name: str) -> list[str]:
    """Return every text under the key ``name``, in the order in which it stands."""
    if isinstance(node, dict):
        own = [value for key, value in node.items() if key == name and isinstance(value, str)]
        return own + [value for inner in node.values() for value in _values_of(inner, name)]
    return [value for inner in node for value in _values_of(inner, name)] if isinstance(node, list) else []


def _with_stand_ins(tree: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return ``tree`` with these names replaced wherever they stand as a whole word, and every GUID by a number; always the same one."""
    guids: dict[str, str] = {}
    longest_first = sorted(names, key=len, reverse=True)
    words = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])") if names else None

    def guid(match: re.Match[str]) -> str:
        return guids.setdefault(match.group(0).lower(), f"00000000-0000-0000-0000-{len(guids) + 1:012d}")

    def replaced(text: str) -> str:
        if words is not None:
            text = words.sub(lambda match: names[match.group(0)], text)
        return _GUID.sub(guid, _ENDPOINT.sub(r"iothub-\1-hub-1", text))

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            # The keys of a service's own records are plain words; "edge-1/host" is made of names.
            return {replaced(key) if "/" in key else key: walk(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [walk(inner) for inner in node]
        return replaced(node) if isinstance(node, str) else node

    replaced_tree: dict[str, Any] = walk(tree)
    return replaced_tree
