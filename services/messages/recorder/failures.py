"""What the errors of azure-eventhub, or of the system under it, mean for an operator."""

from __future__ import annotations

from services.diagnosis import explain
from services.errors import OperatorError
from services.records import EventEndpoint, Evidence


def explained(error: BaseException, endpoint: EventEndpoint) -> OperatorError:
    """Return an error of receiving from ``endpoint`` as an operator's."""
    if isinstance(error, OperatorError):
        return error
    if isinstance(inner := getattr(error, "details", None), OperatorError):
        return inner  # of our own credential, wrapped by azure-eventhub
    condition = getattr(error, "error", None) or ""
    name = type(error).__name__
    text = str(error) or name
    amqp = name in ("AuthenticationError", "ConnectionLostError", "ConnectError", "EventHubError") or bool(condition)
    code = f"amqp:{condition}" if condition and ":" not in condition else condition or name
    return explain(
        Evidence(
            source="amqp" if amqp else "network",
            code=code,
            text=f"{endpoint.namespace}: {name}: {text}",
            token=endpoint.credential is not None,
        )
    )


def condition_of(error: BaseException) -> dict[str, str]:
    """Return the AMQP condition (or the exception's name where there is none) and the description, as the service sent them."""
    return {"condition": str(getattr(error, "error", None) or type(error).__name__), "description": str(error)}
