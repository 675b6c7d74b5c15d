"""The edge agent's direct methods: ping, RestartModule, GetModuleLogs (docs/facts/iot-hub.md)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from services.diagnosis import explain
from services.diagnosis.liveness import PING_FRESH
from services.errors import OperatorError
from services.hub.client import AGENT, Hub, MethodReply
from services.hub.field_readers import mapping, moment, word
from services.hub.log_lines import lines_of, merged
from services.json_reader import JsonError, read_json
from services.masking import mask
from services.records import Evidence, LogLine, Ping
from services.text import clean, one_line

_SCHEMA = "1.0"
# The hub's errors that say that the agent was not reached, by number or, where it gives none, by name.
_NUMBERS = {"DeviceNotOnline": "404103", "GatewayTimeout": "504101"}
_UNREACHED = re.compile(r"\b(?:40410[234]|504101|DeviceNotOnline|GatewayTimeout)\b")
_LOGS_AT_MOST = 16 * 1024 * 1024
# What an agent from 1.0.8 on answers to a method that it does not have: the list is the way to learn what it has.
_COMMANDS = re.compile(r"not found\. The supported commands are - (.*)", re.DOTALL)
_SPAN = re.compile(r"(\d{1,9})\s*([smhd])\w*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def ping(hub: Hub, device_id: str, seconds: int = 30) -> None:
    """Ask the edge agent for a sign of life; raises where it gives none within ``seconds``. The hub remembers how it went."""
    _answered(ping_reply(hub, device_id, {}, seconds), "ping")


def ping_reply(hub: Hub, device_id: str, payload: Any, seconds: int) -> MethodReply:
    """Call the ping with any payload and return the reply, whatever it is: something answered."""
    try:
        reply = hub.invoke(device_id, AGENT, "ping", payload, response_timeout=seconds)
    except OperatorError as error:
        number = _UNREACHED.search(error.raw)  # any other error says nothing of the device
        hub.pings[device_id] = Ping(datetime.now(timezone.utc), _NUMBERS.get(number[0], number[0]) if number else error.code)
        raise
    hub.pings[device_id] = Ping(datetime.now(timezone.utc))
    return reply


def ping_when_due(hub: Hub, device_id: str, seconds: int = 10) -> bool:
    """Ping where nobody did within the last five minutes: for what waits, and pings unasked. Whether it pinged."""
    last = hub.pings.get(device_id)
    if last is not None and datetime.now(timezone.utc) - last.at < PING_FRESH:
        return False
    with contextlib.suppress(OperatorError):  # the hub remembers it, and the judgement names it
        ping(hub, device_id, seconds)
    return True


def restart_module(hub: Hub, device_id: str, module: str) -> None:
    """Restart one module; also lifts it out of ``failed`` after its 20 tries."""
    _answered(hub.invoke(device_id, AGENT, "RestartModule", {"schemaVersion": _SCHEMA, "id": module}), "RestartModule", module)


def module_logs(
    hub: Hub,
    device_id: str,
    module: str | Sequence[str],
    tail: int | None = 100,
    since: str = "",
    until: str = "",
    level: int | None = None,
    regex: str = "",
    halved: Callable[[int], object] | None = None,
) -> list[LogLine]:
    """Return the last ``tail`` lines of a module's log, oldest first; of several modules those of each, merged by their times.

    Several are one metered call, and so are all that the device has, for which none is named (``()``).
    ``since`` and ``until`` are RFC 3339 times, Unix seconds or spans such as ``10m``; ``level`` keeps lines of exactly that
    level; ``regex`` keeps lines that it matches. Where the device refuses an answer of more than 128 KB, half as many lines are
    asked for, of which ``halved`` is told each time. An agent of 1.0.9 with its experimental GetLogs is asked by that, which
    knows no ``until``.
    """
    filter_fields = {"since": since, "until": until, "loglevel": level, "regex": regex}
    filters = {name: value for name, value in filter_fields.items() if value not in ("", None)}
    method = "GetModuleLogs"
    names = [module] if isinstance(module, str) else module
    what = " and ".join(names) or "all modules"
    while True:
        query = {**filters, **({} if tail is None else {"tail": tail})}
        # The id is an unanchored regular expression: "host" would fetch the logs of "host-2" too.
        item = {"id": "|".join(f"^{re.escape(name)}$" for name in names) or ".", "filter": query}
        payload = {"schemaVersion": _SCHEMA, "items": [item], "encoding": "gzip", "contentType": "text"}
        reply = hub.invoke(device_id, AGENT, method, payload, response_timeout=60)
        if method == "GetModuleLogs" and "getlogs" in _supported(reply) and not until:
            method = "GetLogs"
            if since:
                filters["since"] = _unix_seconds(since)
            continue
        if reply.status == 400 and "too large" in _text(reply.payload).lower() and (tail is None or tail > 1):
            tail = 1000 if tail is None else tail // 2
            if halved is not None:
                halved(tail)
            continue
        _answered(reply, method, what)
        texts = _texts(reply.payload, what)
        if isinstance(module, str):
            return lines_of("\n".join(text for _, text in texts))
        if absent := sorted(set(names) - {name for name, _ in texts}):
            raise OperatorError(
                f"{device_id} has no module {' and no module '.join(one_line(name, 80) for name in absent)}.",
                remedy="See which there are: dbe-console modules; the runtime's own are edgeAgent and edgeHub.",
                code="logs.module-missing",
            )
        return merged({name: [replace(line, module=name) for line in lines_of(text)] for name, text in texts})


def _supported(reply: MethodReply) -> frozenset[str]:
    """Return the methods, in lower case, of an agent that lacks the one it was asked for; else none."""
    listed = _COMMANDS.search(_message(reply)) if reply.status == 400 else None
    return frozenset(name.strip().lower() for name in listed[1].split(",")) if listed else frozenset()


def _unix_seconds(since: str) -> int:
    """Return a time as the agent of 1.0.9 takes it: a whole number alone (ModuleLogFilter.cs of that tag)."""
    if since.strip().isdecimal():
        return int(since)
    if (span := _SPAN.fullmatch(since.strip())) is not None:
        return int(time.time()) - int(span[1]) * _SECONDS[span[2]]
    at = moment(since)
    if at is None:
        raise OperatorError(
            f"{one_line(since, 60)} is no time that this edge agent takes.",
            cause="The device's edge agent is of 1.0.9, which takes a number of seconds; the console makes it of a span or a time.",
            remedy="Give a span before now (10m, 2h) or a time such as 2026-01-31T10:00:00Z.",
            code="agent.logs-filter",
        )
    return int(at.timestamp())


def _texts(payload: Any, module: str) -> list[tuple[str, str]]:
    """Return the modules of an answer, each with its log."""
    if isinstance(payload, str):
        try:
            payload = read_json(payload)
        except JsonError:
            payload = None
    items = payload if isinstance(payload, list) else []
    texts = []
    for item in map(mapping, items):
        name = word(item.get("id"), 128)
        if isinstance(item.get("payloadBytes"), str):
            texts.append((name, _unpacked(item["payloadBytes"], name or module)))
        elif isinstance(item.get("payload"), str):
            texts.append((name, item["payload"]))
    return texts


def _unpacked(encoded: str, module: str) -> str:
    """Unpack gzip in base64, at most 16 MB of text."""
    try:
        stream = zlib.decompressobj(wbits=31)
        return stream.decompress(base64.b64decode(encoded, validate=True), _LOGS_AT_MOST).decode("utf-8", "replace")
    except (binascii.Error, ValueError, zlib.error):
        raise OperatorError(
            f"The log of {module} came damaged.",
            cause="The device's answer is no gzip in base64.",
            remedy="Ask again, or for fewer lines.",
            code="hub.logs",
        ) from None


def _text(payload: Any) -> str:
    return payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)


def _message(reply: MethodReply) -> str:
    fields = mapping(reply.payload)
    return str(fields.get("message") or fields.get("Message") or _text(reply.payload))


def _answered(reply: MethodReply, method: str, module: str = "") -> None:
    if reply.status is not None and 200 <= reply.status < 300:
        return
    text = clean(mask(f"{method}: {_message(reply)}"), 1000)
    raise explain(Evidence(source="agent", status=reply.status, code=method, text=text, module=module))
