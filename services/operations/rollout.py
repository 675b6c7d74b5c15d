"""The rollout watch: looks at a device again and again until a deployment is rolled out, with the cause named where it stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from services.contexts.model import Context
from services.diagnosis.liveness import judge_again
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.methods import ping_when_due
from services.operations.device_reading import DeviceReading
from services.operations.host import HostAnswer, HostEndpoint, ask, host_endpoint, seen_from_here
from services.operations.rollout_steps import Known, Watch, failed, finished, rollout_steps
from services.records import DeviceState, InferenceMessage, Step

_EDGE_HUB_SETTLED, _EDGE_HUB_UNSETTLED = 100, 3  # looks for one at the edge hub's twin, which is metered, too


class Rollout:
    """Watches one deployment. Blocking; ``stop`` may be called from another thread.

    ``sent(device, since)`` gives what the device's clients sent since then, oldest first (from the journal).
    """

    def __init__(
        self,
        hub: Hub,
        context: Context,
        watch: Watch,
        sent: Callable[[str, datetime], Sequence[InferenceMessage]] | None = None,
        every: float = 3.0,
    ) -> None:
        self.hub = hub
        self.context = context
        self.watch = watch
        self._read_messages = sent
        self._answer: HostAnswer | None = None
        self._reading = DeviceReading(hub, watch.device, _EDGE_HUB_SETTLED, _EDGE_HUB_UNSETTLED)
        self._every = every
        self._stopped = False

    def stop(self) -> None:
        """Leave the watch; it can be taken up again with the same ``watch``."""
        self._stopped = True

    def steps(self, timeout: float = 900.0, until_failure: bool = True) -> Iterator[tuple[Step, ...]]:
        """Yield the steps, each time that they were looked at; ends when nothing is left, at a failure, or after ``timeout`` seconds.

        The agent may still recover from a failure: ``until_failure=False`` goes on.
        """
        until = time.monotonic() + timeout
        pause = min(self._every, 1.0)
        while not self._stopped:
            steps = self._look()
            yield steps
            if finished(steps) or (until_failure and failed(steps)) or time.monotonic() > until:
                return
            slept = 0.0
            while slept < pause and not self._stopped:
                time.sleep(0.1)
                slept += 0.1
            pause = min(pause * 1.3, self._every)  # every look is a metered read

    def _look(self) -> tuple[Step, ...]:
        try:
            state = self._pinged(self._reading.read())
        except OperatorError as error:
            return rollout_steps(self.watch, Known(_now(), error=error))
        evidence = Known(_now(), state, host=self._host(state))
        steps = rollout_steps(self.watch, evidence)
        if any(step.name == "running" and step.state == "done" for step in steps):
            if evidence.host is not None and (self._answer is None or self._answer.verdict == "no"):
                self._answer = ask(evidence.host)  # one that answered is not asked again: each time costs it a picture
            since = self.watch.seen.setdefault("running", evidence.now)
            messages = self._read_messages(self.watch.device, since) if self._read_messages is not None else None
            evidence = replace(evidence, now=_now(), answer=self._answer if evidence.host is not None else None, sent=messages)
            steps = rollout_steps(self.watch, evidence)
        for step in steps:
            if step.state == "done":
                self.watch.seen.setdefault(step.name, evidence.now)
        return rollout_steps(self.watch, evidence)

    def _pinged(self, state: DeviceState) -> DeviceState:
        """Return the state, after a ping where nothing else says that the device is alive: once in five minutes, since each costs quota."""
        unasked = state.liveness is not None and state.liveness.word != "alive" and state.liveness.unasked
        if unasked and ping_when_due(self.hub, state.device.id):
            return judge_again(state, ping=self.hub.pings.get(state.device.id))
        return state

    def _host(self, state: DeviceState) -> HostEndpoint | None:
        """Return the host among the modules that are watched; else the one that a watched client asks.

        The edge hub is none, though it has ports.
        """
        address_and_ports = seen_from_here(self.context, state.device.id)
        own = [name for name in self.watch.modules if (module := state.module(name)) is not None and not module.system]
        endpoints = [endpoint for name in own if (endpoint := host_endpoint(state, name, *address_and_ports))]
        return min(endpoints, key=lambda endpoint: endpoint.module not in self.watch.modules, default=None)


def _now() -> datetime:
    return datetime.now(timezone.utc)
