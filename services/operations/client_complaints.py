"""What a device's clients say in their messages, laid beside what their hosts answer: the twin knows nothing of either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise

from services.diagnosis import diagnose, finding_of
from services.operations.host import HostAnswer, clients, flashing, running_for, target_of
from services.records import ERROR_KINDS, DeviceState, Evidence, Finding, InferenceMessage, states

FRESH = 60.0  # seconds for which a message tells how things are
_USUAL = 5  # pauses between messages that make a habit
_QUIET = 6.0  # seconds that any client may be silent
_STEPS = (6, 10, 20, 30, 60, 120, 300, 600)  # the silences that are told apart: a finding does not change every second
# What a client says when it does not get through to its host.


def complaint(messages: Sequence[InferenceMessage]) -> Finding | None:
    """Return what a client's newest message complains of, with how long it has done so; None where it is a result."""
    last = messages[-1]
    if last.kind not in ERROR_KINDS:
        return None
    first = last
    for message in reversed(messages):
        if message.kind != last.kind:
            break
        first = message
    seconds = (last.enqueued - first.enqueued).total_seconds()
    return diagnose(Evidence("client", text=last.body or last.text, module=last.module, seconds=seconds))[0]


def stopped(messages: Sequence[InferenceMessage]) -> Finding | None:
    """Return the finding of a client that has fallen silent, judged by its own usual pauses; ``messages`` are oldest first."""
    times = [message.enqueued for message in messages]
    pauses = sorted((after - before).total_seconds() for before, after in pairwise(times))
    if len(pauses) < _USUAL:
        return None
    usual, quiet = pauses[len(pauses) * 9 // 10], _age(messages[-1])
    if quiet < max(4 * usual, _QUIET):
        return None
    rounded = max(step for step in _STEPS if step <= quiet)
    text = f"quiet for {rounded} s and more; before, a message came every {max(pauses[len(pauses) // 2], 0.1):.1f} s"
    return diagnose(Evidence("client", code="quiet", text=text, module=messages[-1].module, seconds=quiet))[0]


def complaints(state: DeviceState, newest: Sequence[InferenceMessage], listening: bool) -> dict[str, Finding]:
    """Return what each client complains of now, by its module's name.

    The sample client sends as the device: what comes under no module's name is the only client's. Where nobody is
    ``listening``, silence says nothing.
    """
    by_client = {}
    named = {message.module for message in newest}
    own = [client.name for client in clients(state) if client.desired and client.desired.status == "running"]
    silent = [name for name in own if name not in named]
    for sender in named:
        name = sender if sender else silent[0] if len(silent) == 1 else ""
        messages = [message for message in newest if message.module == sender]
        trouble = (complaint(messages) if _age(messages[-1]) < FRESH else None) or (stopped(messages) if listening else None)
        if trouble is not None and name in own:
            by_client[name] = replace(trouble, module=name)
    return by_client


def explained(
    state: DeviceState, complained: Mapping[str, Finding], listening: bool, answer_of: Callable[[str], HostAnswer | None]
) -> list[Finding]:
    """Return the complaints with their hosts' side of it.

    What the host itself answers, or that it does answer here and not there. Where nobody is ``listening``, every client's host
    is asked: no complaint would be heard.
    """
    findings: list[Finding] = []
    for client in clients(state):
        trouble = complained.get(client.name)
        host = target_of(client)
        doubted = not listening if trouble is None else trouble.state in (*states.NOT_THROUGH, states.CLIENT_QUIET)
        answer = answer_of(host) if doubted else None
        if answer is not None and answer.verdict == "no" and state.module(host) is not None:
            findings.append(of_host(state, host, answer))
        elif answer is not None and answer.verdict == "yes" and trouble is not None and trouble.state in states.NOT_THROUGH:
            trouble = not_through(client.name, host, answer, trouble)
        if trouble is not None:
            findings.append(trouble)
    return findings


def not_through(client: str, host: str, answer: HostAnswer, trouble: Finding) -> Finding:
    """Return the finding of a client that does not reach a host that answers from here."""
    text = f"{host}, asked from here, {answer.detail}"
    finding = diagnose(Evidence("client", code="not-through", text=text, module=client))[0]
    return replace(finding, evidence=finding.evidence + trouble.evidence)


def of_host(device: DeviceState, host: str, answer: HostAnswer) -> Finding:
    """Return a host's refusal as a finding of the host's module."""
    busy = flashing(answer.error, host, running_for(device, host))
    if busy is not None:
        return busy
    error = answer.error
    assert error is not None, "a host that says no says why"
    return finding_of(error, host)


def _age(message: InferenceMessage) -> float:
    return (datetime.now(timezone.utc) - message.enqueued).total_seconds()
