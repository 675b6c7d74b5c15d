"""What a check is, what it is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.contexts.model import Context
from services.diagnosis import finding_of
from services.errors import OperatorError
from services.hub.client import Hub
from services.operations.host import HostAnswer
from services.records import DeviceState, EventEndpoint, Finding, InferenceMessage, Liveness, Observer, Severity


@dataclass
class SharedFacts:
    """What the checks share. Each fact is written by one check, and read by those that need it."""

    context: Context
    device: str
    message_seconds: float = 6.0
    observe: Observer | None = None  # is given every raw reply, where evidence is collected
    open_hub: Callable[[], Hub] | None = None  # a console's own hub, whose budget for identities is then shared
    clock_ahead: float | None = None  # seconds that this machine is ahead of the hub
    liveness: Liveness | None = None  # by the identities
    state: DeviceState | None = None
    endpoint: EventEndpoint | None = None
    let_in: bool = False  # whether a reader's place was had
    let_in_by_hub: bool = False  # whether the hub's HTTPS took key or token
    journal: str | None = None  # where the messages are kept that were read
    answers: dict[str, HostAnswer] = field(default_factory=dict)  # of each host that was asked
    heard: Sequence[InferenceMessage] = ()  # the device's newest messages
    listening: bool = False  # whether whatever was sent was heard: else silence says nothing
    oldest: dict[str, int] = field(default_factory=dict)  # the first sequence number that the hub keeps of each partition

    @cached_property
    def hub(self) -> Hub:
        """The context's hub; raises OperatorError where it names none."""
        return self.open_hub() if self.open_hub is not None else Hub.open(self.context, self.observe)

    def twin(self) -> DeviceState:
        """Return the device's state, for checks that need the check ``state``."""
        assert self.state is not None, "needs the check `state`"
        return self.state


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found: ok, warning (!), error (✗), or info where it cannot or need not be known (–)."""

    severity: Severity
    detail: str
    remedy: str = ""
    finding: Finding | None = None
    name: str = ""  # of the step, where one check yields several
    title: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check: ``run`` gives one outcome or several and may raise OperatorError.

    ``needs`` name checks that must not have failed, ``after`` those that must have ended, however they did.
    """

    name: str
    title: str
    run: Callable[[SharedFacts], Outcome | Sequence[Outcome]]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    patience: float | None = None  # seconds after which it cannot be known, which is no fault


def ok(detail: str, **more: Any) -> Outcome:
    """Return the outcome of a check where all is well."""
    return Outcome("ok", detail, **more)


def neutral(detail: str, **more: Any) -> Outcome:
    """Return the outcome of what cannot be known from here, or does not apply."""
    return Outcome("info", detail, **more)


def outcome_of(finding: Finding, **more: Any) -> Outcome:
    """Return a finding as the outcome."""
    likely = "likely: " if finding.likely else ""
    return Outcome(finding.severity, f"{likely}{finding.reason}", finding.remedy, finding, **more)


def failed(error: OperatorError, **more: Any) -> Outcome:
    """Return an error as the outcome."""
    return outcome_of(finding_of(error), **more)
