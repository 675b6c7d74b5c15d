"""Listening for what modules send while something is rolled out: the recorder's journal, and the first message in it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.contexts.model import Context
from services.deployment.changes import SendUpstream
from services.deployment.hub_route import Plan
from services.deployment.manifest import modules_of
from services.errors import OperatorError
from services.hub.chunks import join
from services.hub.endpoint import find_endpoint
from services.hub.tolerant import mapping
from services.hub.twin import settings_of
from services.messages.filters import Filter
from services.messages.handle import ensure_recorder
from services.messages.settings import Start
from services.messages.window import Window
from services.operations.host import client_arguments
from services.records import CLIENT_KINDS, InferenceMessage


def expected(made: Plan) -> bool:
    """Whether a plan brings a client that is to run and to send: one without ``--suppress-messages``."""
    for change in made.changes:
        if not isinstance(change, SendUpstream):
            continue
        module = mapping(modules_of(made.after).get(change.module))
        if module.get("status") == "running" and "-s" not in client_arguments(_options(settings_of(module))):
            return True
    return False


def _options(settings: Mapping[str, Any]) -> Any:
    try:
        return json.loads(join(settings) or "{}")
    except (ValueError, RecursionError, OperatorError):
        return {}


def sent_by_clients(messages: Sequence[InferenceMessage], since: datetime) -> list[InferenceMessage]:
    """Those that are a sample client's. It sends as the device: there is no module in its messages (docs/facts/iot-hub.md)."""
    return [message for message in messages if message.kind in CLIENT_KINDS and message.enqueued >= since]


class Listener:
    """Receives from now on, until ``close``. Raises OperatorError where the context's endpoint cannot be had."""

    def __init__(self, context: Context) -> None:
        self._recorder = ensure_recorder(context, find_endpoint(context), Start("latest"))
        self.window = Window(self._recorder.journal_path)

    def receiving(self, seconds: float) -> None:
        """Wait until messages are received; raises OperatorError where they are not."""
        until = time.monotonic() + seconds
        while (status := self._recorder.status()).state != "receiving":
            if time.monotonic() > until:
                raise OperatorError(
                    "The recorder does not receive.",
                    cause=f"It is {status.state}.",
                    remedy="See why: dbe-console doctor.",
                    code="messages.not-receiving",
                )
            time.sleep(0.05)

    def results(self, device: str) -> list[InferenceMessage]:
        """The newest results of a device, oldest first."""
        return self.window.newest(200, Filter.parse(f"device:{device} kind:result"))

    def sent(self, device: str, since: datetime) -> list[InferenceMessage]:
        """What a device's clients sent since then, oldest first."""
        return sent_by_clients(self.window.newest(200, Filter.parse(f"device:{device}")), since)

    def close(self) -> None:
        """Let go of the recorder, which ends with the last one that listens."""
        self.window.close()
        self._recorder.close()
