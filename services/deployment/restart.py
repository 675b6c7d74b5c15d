"""Restarting a module: nothing in the deployment changes, and the history keeps it all the same."""

from __future__ import annotations

from services.deployment.history import History
from services.errors import OperatorError
from services.hub.client import Hub
from services.hub.methods import restart_module
from services.names import module_name


def restart(hub: Hub, device_id: str, module: str, context: str = "", history: History | None = None) -> int:
    """Restart a module by direct method; the history's entry."""
    module = module_name(module)
    audit = history or History()
    entry = audit.begin(context=context, host=hub.host, device=device_id, route="method", summary=f"restart {module}")
    try:
        restart_module(hub, device_id, module)
    except OperatorError as error:
        audit.end(entry, "failed", error.what)
        raise
    audit.end(entry, "applied")
    return entry
