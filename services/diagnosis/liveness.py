"""Whether a device is alive: the one judgement for lists, panes, doctor, plans and rollouts.

The identity of an IoT Edge device stays Disconnected for ever, and so does that of its $edgeAgent: the runtime connects as $edgeHub and as
the modules (docs/facts/iot-hub.md, liveness of an edge device). A ping that the agent answers is the one sure sign. A device is called
offline on evidence against it alone; what is missing makes it unknown. A plain device is judged by its own identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from services.records import Connection, DeviceState, LifeSigns, Liveness
from services.text import one_line

WINDOW = timedelta(minutes=5)  # within which a message, a report or a lost connection says that the device was there
PING_FRESH = timedelta(minutes=5)
CONNECTIONS_FRESH = timedelta(minutes=3)
# Errors of a ping that are evidence against the device: the hub has no connection of its agent, or got no answer over it.
UNREACHED = {
    "404102": "the agent is not connected (404102)",
    "404103": "the agent is not connected (404103)",
    "504101": "no answer in time (504101)",
}
_AGENT, _EDGE_HUB = "$edgeAgent", "$edgeHub"


def judge(signs: LifeSigns, now: datetime) -> Liveness:
    """Return the judgement of these signs at ``now`` (UTC). Never raises, whatever is missing."""
    if not signs.device.enabled:
        reason = one_line(signs.device.status_reason, 80)
        return Liveness("offline", "disabled in the hub" + (f" ({reason})" if reason else ""), False, signs)
    if not signs.device.edge:
        return _judge_plain(signs, now)
    ping = signs.ping if signs.ping is not None and _age(signs.ping.at, now) <= PING_FRESH else None
    connected = _connected(signs, now)
    if ping is not None and ping.error in UNREACHED:
        return _judge_unreached(signs, connected, now)
    lost_at = _newest_loss(signs) if not connected else None
    if ping is not None and not ping.error and (lost_at is None or lost_at <= ping.at):
        return Liveness("alive", f"pinged {ago(ping.at, now)}", False, signs)
    if connected:
        return Liveness("alive", f"{_name(connected[0])} connected", False, signs)
    if _recent(signs.message, now) and (lost_at is None or signs.message is None or lost_at <= signs.message):
        return Liveness("alive", f"message {ago(signs.message, now)}", False, signs)
    return _judge_disconnected(signs, now)


def connected_of(state: object) -> bool | None:
    """Return what a ``connectionState`` says; None for anything but Connected and Disconnected, in any case of letters."""
    text = state.strip().lower() if isinstance(state, str) else ""
    return {"connected": True, "disconnected": False}.get(text)


def judge_again(state: DeviceState, **changes: Any) -> DeviceState:
    """Return the state judged anew, at this time.

    ``changes`` are signs of life that came to be known since it was read (fields of LifeSigns).
    """
    if state.liveness is None:
        return state
    return replace(state, liveness=judge(replace(state.liveness.signs, **changes), datetime.now(timezone.utc)))


def _judge_plain(signs: LifeSigns, now: datetime) -> Liveness:
    """Judge a device without the IoT Edge capability; one that sends over HTTPS is never connected, and alive all the same."""
    own = signs.device.connected
    if own:
        return Liveness("alive", "connected", False, signs)
    if _recent(signs.message, now):
        return Liveness("alive", f"message {ago(signs.message, now)}", False, signs)
    if own is None:
        return Liveness("unknown", "the hub does not say whether it is connected", False, signs)
    return Liveness("offline", "not connected", False, signs)


def _judge_unreached(signs: LifeSigns, connected: list[Connection], now: datetime) -> Liveness:
    """Judge a device whose agent was not reached: what came later outweighs it, what stands beside it makes it doubtful."""
    ping = signs.ping
    assert ping is not None, "a ping that failed"
    since = [one for one in connected if one.changed is not None and one.changed > ping.at]
    if since:
        return Liveness("alive", f"{_name(since[0])} connected {ago(since[0].changed, now)}, after a failed ping", False, signs)
    if signs.message is not None and signs.message > ping.at and _recent(signs.message, now):
        return Liveness("alive", f"message {ago(signs.message, now)}, after a failed ping", False, signs)
    failure = f"pinged {ago(ping.at, now)}: {UNREACHED[ping.error]}"
    if connected:
        return Liveness("unknown", f"{failure}, yet {_name(connected[0])} is connected", False, signs)
    return Liveness("offline", failure, False, signs)


def _judge_disconnected(signs: LifeSigns, now: datetime) -> Liveness:
    """Judge an edge device of which nothing says that it is alive."""

    def unknown(why: str) -> Liveness:
        ping_failed = signs.ping is not None and bool(signs.ping.error) and _age(signs.ping.at, now) <= PING_FRESH
        if signs.ping is None:
            why += "; not pinged yet"
        elif not ping_failed:
            why += f"; last pinged {ago(signs.ping.at, now)}"
        else:
            why += f"; a ping failed {ago(signs.ping.at, now)} ({signs.ping.error})"
        return Liveness("unknown", why, not ping_failed, signs)

    if signs.connections is None:
        return unknown(signs.unread or "the module identities were not read")
    if not signs.connections:
        return unknown("the hub lists no module identity")
    if signs.connections_at is not None and _age(signs.connections_at, now) > CONNECTIONS_FRESH:
        return unknown(f"the module identities were read {ago(signs.connections_at, now)}")
    unclear = [one.module for one in signs.connections if one.connected is None]
    if unclear or signs.device.connected is None:
        who = _name(Connection(unclear[0], None)) if unclear else "the device"
        return unknown(f"the hub does not say whether {who} is connected")
    arrivals = [(at, text) for at, text in _arrivals(signs) if _recent(at, now)]
    if arrivals:
        at, text = max(arrivals)
        return unknown(f"no identity is connected, though {text} {ago(at, now)}")
    if signs.edge_hub_runs is False:
        return unknown("no identity is connected: by the last report $edgeHub does not run")
    if not _ever_connected(signs):
        return unknown("no identity has ever connected")
    return Liveness("offline", f"no identity is connected, and nothing came for {_span(WINDOW)}", True, signs)


def _connected(signs: LifeSigns, now: datetime) -> list[Connection]:
    """Return the identities that are connected, the most telling first: $edgeHub, modules, the device's own."""
    if signs.connections_at is not None and _age(signs.connections_at, now) > CONNECTIONS_FRESH:
        return []
    own = [Connection("", signs.device.connected)]
    order = {_EDGE_HUB: 0, _AGENT: 2, "": 3}
    connected = [one for one in (*(signs.connections or ()), *own) if one.connected]
    return sorted(connected, key=lambda one: order.get(one.module, 1))


def _arrivals(signs: LifeSigns) -> Iterator[tuple[datetime, str]]:
    """Yield what came of the device, and when. A report supports only: reports come on changes, and an old one says nothing."""
    if signs.message is not None:
        yield signs.message, "a message came"
    if signs.clients_at is not None and "connected" in {state.strip().lower() for state in signs.clients.values()}:
        yield signs.clients_at, "$edgeHub reported a client"
    if signs.reported_at is not None:
        yield signs.reported_at, "the agent reported"
    if signs.ping is not None and not signs.ping.error:
        yield signs.ping.at, "the agent answered a ping"
    lost_at = _newest_loss(signs)
    if lost_at is not None:
        yield lost_at, "one was"


def _newest_loss(signs: LifeSigns) -> datetime | None:
    return max((one.changed for one in signs.connections or () if one.changed is not None), default=None)


def _ever_connected(signs: LifeSigns) -> bool:
    """Return whether an identity should be connected: $edgeHub runs with the first deployment only.

    A module of the deployment's own shows that there was one.
    """
    own = any(one.module not in (_AGENT, _EDGE_HUB) for one in signs.connections or ())
    return bool(signs.edge_hub_runs or own or _newest_loss(signs) is not None or signs.clients)


def _name(connection: Connection) -> str:
    return one_line(connection.module, 60) or "the device's own identity"


def _age(at: datetime, now: datetime) -> timedelta:
    return max(now - at, timedelta(0))  # the hub's clock may be ahead of this machine's


def _recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and _age(at, now) <= WINDOW


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago ``at`` is: ``20 s ago``, ``3 min ago``."""
    return "some time ago" if at is None else f"{_span(_age(at, now))} ago"


def _span(elapsed: timedelta) -> str:
    seconds = elapsed.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
