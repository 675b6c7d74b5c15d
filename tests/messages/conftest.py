"""A journal with messages in it, and a recorder on a lab of the test's own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.contexts.model import Context
from services.messages.journal.rows import Batch, RawMessage
from services.messages.journal.store import Journal
from services.messages.parsing.parse import derive
from services.messages.recorder.handle import RecorderHandle, ensure_recorder, running
from services.messages.start import Start
from services.records import EventEndpoint, Secret

START = 1_790_000_000_000


@pytest.fixture
def raw() -> Callable[..., RawMessage]:
    """``raw(sequence, body, …)``: a message as the recorder makes it."""

    def make(
        sequence: int,
        body: bytes | str = "hello",
        *,
        device: str = "edge-1",
        module: str = "",
        content_type: str = "",
        content_encoding: str = "",
        enqueued: int | None = None,
        offset: str | None = None,
    ) -> RawMessage:
        body = body.encode() if isinstance(body, str) else body
        kind, ms, confidence, label, text, _ = derive(body, content_type, content_encoding)
        return RawMessage(
            sequence,
            START + sequence if enqueued is None else enqueued,
            (device, module, content_type, content_encoding, "{}"),
            kind,
            ms,
            confidence,
            label,
            str(sequence * 100) if offset is None else offset,
            text,
            body,
            None,
            None,
        )

    return make


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "test.journal")
    yield journal
    journal.close()


@pytest.fixture
def fill(journal: Journal) -> Callable[..., None]:
    """``fill([message, …], partition="0")`` appends them."""

    def append(messages: list[RawMessage], partition: str = "0") -> None:
        journal.append([Batch(journal.part("namespace", "entity", 0, partition), messages)])

    return append


@pytest.fixture
def endpoint(own_lab: dict[str, Any]) -> EventEndpoint:
    """The event endpoint of the test's own lab."""
    text = own_lab["event_hub_connection_string"]
    return EventEndpoint(own_lab["address"], own_lab["event_hub_entity"], Secret(text), ca_file=own_lab["ca_file"])


@pytest.fixture
def record(endpoint: EventEndpoint, tmp_path: Path) -> Iterator[Callable[..., RecorderHandle]]:
    """``record(start="beginning")``: a handle on the endpoint's recorder; all are ended with the test."""
    handles: list[RecorderHandle] = []

    def start(kind: str = "beginning", value: int | str = 0, **more: Any) -> RecorderHandle:
        context = Context("test")
        handle = ensure_recorder(
            context,
            more.pop("endpoint", endpoint),
            Start(kind, value),
            folder=tmp_path / "journals",
            **more,
        )
        handles.append(handle)
        return handle

    yield start
    for handle in handles:
        handle.close()
        if running(handle.place):
            os.kill(handle.status().pid, signal.SIGTERM)
    for handle in handles:
        if handle._child is not None:
            handle._child.wait(60)
