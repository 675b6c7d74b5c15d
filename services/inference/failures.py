"""What went wrong while scoring, as an OperatorError."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.diagnosis import explain
from services.errors import OperatorError
from services.records import Evidence
from services.text import one_line


def explain_rpc(error: Any, target: str, timeout: float) -> OperatorError:
    """Explain a grpc.RpcError from ``target``; diagnosis tells its code from the status and the details."""
    return explain(
        Evidence("grpc", code=error.code().name, text=f"{target}: {error.details() or 'no details'} (deadline {timeout:g} s)")
    )


def missing_output(name: str, output_names: Sequence[str], target: str) -> OperatorError:
    """Return the error for a reply without the output tensor ``name``."""
    outputs = ", ".join(one_line(output, 120) for output in output_names[:20]) or "no tensor at all"
    return OperatorError(
        f"The host at {target} returned no output tensor {one_line(name, 120)}.",
        cause=f"Its model's outputs are: {outputs}.",
        remedy="Name one of these outputs.",
        code="tensor-names",
        raw=outputs,
    )


def explain_http(status: int | None, code: str, text: str) -> OperatorError:
    """Explain an answer of a CPU host that is no result, or no answer (``status`` None)."""
    return explain(Evidence("http", status=status, code=code, text=text))
