"""The doctor's checks of messages: whether the endpoint lets a reader in, whether messages arrive, and how they look."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from services.diagnosis import diagnose
from services.errors import OperatorError
from services.operations.client_complaints import FRESH, complaint, stopped
from services.operations.connections import Connections
from services.operations.doctor.checks.check import Outcome, SharedFacts, failed, neutral, ok, outcome_of
from services.operations.host import clients
from services.records import DeviceState, Evidence, Exchange, Finding, InferenceMessage

_BACK = timedelta(minutes=10)
_LOOKED_AT = 200  # newest messages
_SEAT_SECONDS = 20.0
_COMES_BACK = 10.0  # seconds more for a recorder that still tells of a failure, where the endpoint lets a reader in by now
_LATE = 4.0  # seconds that a reader may have to wait for its place without a word


def seat(facts: SharedFacts) -> Outcome:
    """Attach one reader to one partition for a moment: the endpoint says at once what it has against it.

    The recorder's asynchronous client is not told of a refused link (azure-eventhub 5.15.1); the synchronous one is.
    """
    from azure.eventhub import EventHubConsumerClient

    from services.contexts.consumer import consumer
    from services.messages.recorder.failures import condition_of, explained

    assert facts.endpoint is not None, "needs the check `endpoint`"
    endpoint = facts.endpoint
    client = consumer(EventHubConsumerClient, endpoint)
    errors: list[Exception] = []
    let_in: list[float] = []
    start = time.monotonic()
    ended = threading.Event()

    def refused(_context: object, error: Exception) -> None:
        errors.append(error)
        ended.set()

    def receive() -> None:
        try:
            partitions = client.get_partition_ids()
            let_in.append(time.monotonic() - start)
            for partition in partitions:
                facts.oldest[partition] = int(client.get_partition_properties(partition)["beginning_sequence_number"])
            client.receive_batch(
                lambda _context, _events: ended.set(),
                partition_id=partitions[0],
                on_error=refused,
                max_wait_time=1,
                starting_position="@latest",
            )
        except Exception as error:  # noqa: BLE001 - the SDK raises what it likes; all of it is explained below
            refused(None, error)

    threading.Thread(target=receive, name="doctor-seat-reader", daemon=True).start()
    ended.wait(_SEAT_SECONDS)
    client.close()
    if errors:
        if facts.observe is not None:
            facts.observe(Exchange("amqp", "receive", body=condition_of(errors[0])))
        raise explained(errors[0], endpoint)
    took = let_in[0] if let_in else time.monotonic() - start
    if took > _LATE or not ended.is_set():
        text = (
            f"a reader was let in after {took:.0f} s" if ended.is_set() else f"no reader was let in within {_SEAT_SECONDS:.0f} s"
        )
        return outcome_of(diagnose(Evidence("amqp", code="slow", text=text, seconds=took))[0])
    facts.let_in = True
    return ok("the endpoint lets a reader in")


def messages(facts: SharedFacts) -> Sequence[Outcome]:
    """Listen for a few seconds, starting ten minutes back, and look at the device's newest messages."""
    from services.messages.filters import Filter
    from services.messages.journal.window import Window
    from services.messages.recorder.handle import ensure_recorder
    from services.messages.start import Start

    assert facts.endpoint is not None, "needs the check `endpoint`"
    since = datetime.now(timezone.utc) - _BACK
    handle = ensure_recorder(facts.context, facts.endpoint, Start("time", int(since.timestamp() * 1000)))
    connections = Connections(facts.hub, facts.device) if facts.device and facts.context.hub else None
    facts.journal = str(handle.journal_path)
    device_filter = Filter.parse(f"device:{facts.device}") if facts.device else Filter.parse("")
    until = time.monotonic() + facts.message_seconds
    newest: list[InferenceMessage] = []
    cuts = handle.status().reconnects
    calm_since, listening = time.monotonic(), False  # a recorder that was only just started does not listen yet
    try:
        journal = Window(handle.journal_path)
        try:
            while True:
                status = handle.status()
                newest = [message for message in journal.newest(_LOOKED_AT, device_filter) if message.enqueued >= since]
                now = time.monotonic()
                if status.state == "receiving" and not listening:
                    listening, until = True, now + facts.message_seconds
                if status.state != "receiving" or status.reconnects != cuts:
                    calm_since = now
                settled = newest and now - calm_since > facts.message_seconds * 2 / 3
                late = now - until
                if settled or (late > 0 and not (status.error and facts.let_in and late < _COMES_BACK)):
                    break
                time.sleep(0.2)
        finally:
            journal.close()
    finally:
        handle.close()
    facts.heard = newest
    outcomes = []
    if status.error:
        error = OperatorError(**{key: str(status.error.get(key, "")) for key in ("what", "cause", "remedy", "code", "raw")})
        outcomes.append(failed(error))
    elif status.state not in ("receiving", "starting"):
        outcomes.append(
            Outcome(
                "warning", f"the recorder is {status.state}: {status.notice}", "Look at the network; reading resumes by itself."
            )
        )
    elif status.reconnects > cuts:
        text = f"connection closed {status.reconnects - cuts} times within {facts.message_seconds:.0f} s"
        outcomes.append(outcome_of(diagnose(Evidence("amqp", code="ConnectionLostError", text=text))[0]))
    facts.listening = not outcomes and facts.let_in
    if connections is not None and not outcomes:  # where this reader's own connection was cut, it is the network
        outcomes += [_identity(finding) for finding in connections.contested(facts.state)]
    if outcomes and not newest:
        return outcomes  # why nothing is heard is told: that it is silent needs no word, and would stand in its place
    return [*outcomes, *look(facts, newest, since)]


def _identity(finding: Finding) -> Outcome:
    return outcome_of(finding, name=f"messages:identity-{finding.module}", title=f"Identity of {finding.module or 'the device'}")


def look(facts: SharedFacts, newest: Sequence[InferenceMessage], since: datetime) -> list[Outcome]:
    """Return what the newest messages say, each client by itself: results and their times, or what they complain of."""
    if not newest:
        return [_silence(facts)]
    senders: dict[str, list[InferenceMessage]] = {}
    for message in sorted(newest, key=lambda message: message.enqueued):
        senders.setdefault(message.module, []).append(message)
    return [_of_sender(facts, module, messages) for module, messages in senders.items()]


def _of_sender(facts: SharedFacts, module: str, messages: list[InferenceMessage]) -> Outcome:
    name, title = f"messages:{module or 'device'}", f"Messages of {module or 'the device identity'}"
    last, listening = messages[-1], facts.listening
    if module and facts.state is not None and not _is_deployed(facts.state, module):
        return neutral("it is no longer deployed, and need not send any more", name=name, title=title)
    trouble = complaint(messages)
    if trouble is not None:
        return outcome_of(_dated(trouble, last), name=name, title=title)
    quiet = stopped(messages) if listening else None
    if quiet is not None:
        return outcome_of(quiet, name=name, title=title)
    times = [message.milliseconds for message in messages if message.kind == "result" and message.milliseconds is not None]
    age = max((datetime.now(timezone.utc) - last.enqueued).total_seconds(), 0.0)
    counts = (
        f"{len(messages)} in the last minutes, the newest {age:.0f} s ago{'' if listening else ' (newer ones may wait unread)'}"
    )
    if not times:
        return ok(f"{counts}; no results among them", name=name, title=title)
    slow = " (may include retries)" if max(times) >= 1000 else ""
    return ok(
        f"{counts}; {statistics.median(times):.0f} ms in the middle, at most {max(times):.0f} ms{slow}", name=name, title=title
    )


def _is_deployed(state: DeviceState, name: str) -> bool:
    module = state.module(name)
    return module is not None and module.desired is not None


def _dated(finding: Finding, last: InferenceMessage) -> Finding:
    """Return a complaint with the age of the message that it stands in: an old one need not hold any more."""
    seconds = max((datetime.now(timezone.utc) - last.enqueued).total_seconds(), 0.0)
    if seconds < FRESH:
        return finding
    settle = finding.settle or "Whether newer messages come; the client's log."
    return replace(finding, reason=f"{finding.reason}, {seconds:.0f} s ago, and nothing since", likely=True, settle=settle)


def _silence(facts: SharedFacts) -> Outcome:
    title = "Messages"
    if not facts.device:
        return neutral("none in the last ten minutes", title=title)
    running = []
    if facts.state is not None:
        running = [
            module.name for module in clients(facts.state) if module.reported and module.reported.runtime_status == "running"
        ]
    if not running:
        return neutral("none in the last ten minutes; no client module is known to run", title=title)
    evidence = Evidence(
        "client", code="silent", text=f"{', '.join(running)} runs", module=running[0], seconds=_BACK.total_seconds()
    )
    return outcome_of(diagnose(evidence)[0], title=title)
