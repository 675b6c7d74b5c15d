"""Of an error the reason is never what is cut."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from rich.cells import cell_len

from services.client.texts import UNKNOWN
from services.messages.parsing.error_reason import error_reason
from services.records import InferenceMessage
from widgets.stream import SenderColumn, message_cells

TRACE = """Traceback (most recent call last):
  File "/app/client.py", line 40, in score
    raise ValueError("shape (1, 224, 224, 3) expected")
ValueError: shape (1, 224, 224, 3) expected
"""
GRPC = """Traceback (most recent call last):
  File "grpc/_channel.py", line 826, in __call__
grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:
\tstatus = StatusCode.DEADLINE_EXCEEDED
\tdetails = "Deadline Exceeded"
\tdebug_error_string = "{}"
>
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Unable to inference because AzureML host container is not done flashing the FPGA. Try again later.",
            "AzureML host container is not done flashing the FPGA",
        ),
        (UNKNOWN.format(TRACE), "ValueError: shape (1, 224, 224, 3) expected"),
        (UNKNOWN.format(GRPC), "DEADLINE_EXCEEDED: Deadline Exceeded"),
        (TRACE, "ValueError: shape (1, 224, 224, 3) expected"),
        ("2026-12-01 10:00:00,123 [ERROR] camera 4 is gone", "camera 4 is gone"),
        ('{"status": "error", "error": {"code": 7, "message": "no camera"}}', "no camera"),
        ('{"status": "error", "error": "no camera", "at": 3}', "no camera"),
        ('{"status": 500}', ""),
        ("ERROR", ""),
        ("", ""),
        ("something else", ""),
    ],
)
def test_the_reason_of_an_error(text: str, reason: str) -> None:
    assert error_reason(text) == reason


@pytest.mark.parametrize("width", [46, 66, 78, 110])
def test_the_line_keeps_the_reason(width: int) -> None:
    text = UNKNOWN.format(TRACE)
    reason = "ValueError: bad shape"
    message = InferenceMessage(
        1, "0", 1, "1", datetime(2026, 1, 1, tzinfo=timezone.utc), "d", "", "error", text.replace("\n", " "), reason=reason
    )
    for column in (None, SenderColumn(18, 0)):
        line = "".join(part for part, _ in message_cells(message, width, column))
        assert reason in line and cell_len(line) <= width
