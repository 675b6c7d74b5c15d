"""What somebody may have meant who named a device or module that the hub does not have."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from services.errors import OperatorError
from services.hub.client import Hub
from services.names import did_you_mean, module_name
from services.records import states


def add_nearest(error: OperatorError, hub: Hub, device: str, module: str = "") -> None:
    """Put the nearest names before the remedy of an error that speaks of a device or module that is not there. Free of quota."""
    names: Iterable[str] = ()
    word = device if error.state == states.DEVICE_MISSING else module_name(module) if module else ""
    with suppress(OperatorError):  # the first error is the one to tell
        if error.state == states.DEVICE_MISSING:
            names = [each.id for each in hub.devices()]
        elif module:
            names = [module_name(name) for name in hub.connection_changes(device, own=False)]
    hint = did_you_mean(word, names)
    if hint and hint not in error.remedy:
        error.remedy = hint + error.remedy
