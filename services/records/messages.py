"""A message of a client module, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

MessageKind = Literal["result", "flashing", "tensor-names", "error", "json", "text", "binary"]
ERROR_KINDS: tuple[MessageKind, ...] = ("flashing", "tensor-names", "error")
CLIENT_KINDS: tuple[MessageKind, ...] = ("result", *ERROR_KINDS)  # what a client says of a picture
PAGE = 500  # messages asked for at a time


@dataclass(frozen=True, slots=True)
class InferenceMessage:
    """One event of the hub's endpoint, parsed and sanitised. ``row`` is its place in the journal; identity is (partition, sequence_number)."""

    row: int
    partition: str
    sequence_number: int
    offset: str
    enqueued: datetime
    device: str
    module: str  # empty where the client sends as the device
    kind: MessageKind
    text: str  # one line for the stream
    picture: str = ""
    label: str = ""
    confidence: float | None = None  # 0..1
    milliseconds: float | None = None
    body: str = ""  # text, or a hex dump; where it was read for a list, its beginning
    body_size: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)
    system_properties: Mapping[str, Any] = field(default_factory=dict)
    marked: bool = False
    body_left: int = 0  # bytes that ``body`` leaves out
    missing: int = 0  # so many before it are missing: the hub no longer had them
    hub_remade: bool = False  # the hub was made again before it: what the one before still had is missing, nobody knows how much
    reason: str = ""  # of an error: the part of it that says why, where one stands out
