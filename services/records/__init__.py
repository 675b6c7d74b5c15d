"""The few frozen dataclasses that travel through the whole house.

A record is made when its name is first asked for: to make all of them takes a tenth of the console's start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.records.deployment import ClientRequest, DeployRequest, DiffLine, DiffSign
    from services.records.device import (
        ConfigurationStatus,
        DesiredModule,
        Device,
        DeviceState,
        EdgeHubState,
        Module,
        RegistryEntry,
        ReportedModule,
    )
    from services.records.diagnosis import Evidence, Finding, Severity
    from services.records.endpoint import EventEndpoint
    from services.records.exchange import Exchange, Observer
    from services.records.history import HistoryEntry, HistoryRoute, Outcome
    from services.records.liveness import PING_COST, Connection, LifeSigns, Liveness, LivenessWord, Ping
    from services.records.log_line import LogLine
    from services.records.messages import CLIENT_KINDS, ERROR_KINDS, PAGE, InferenceMessage, MessageKind
    from services.records.options import (
        Draft,
        DraftKey,
        DraftStatus,
        OptionProblem,
        OptionsReport,
        Preset,
        PresetField,
        PresetKind,
    )
    from services.records.progress import PendingOperation, Progress, Step, StepState
    from services.records.recorder import RecorderFigures
    from services.records.secret import Secret
    from services.records.workspace import (
        EdgeService,
        ImagePacking,
        RegistryCredentials,
        WorkspaceCompute,
        WorkspaceImage,
        WorkspaceModel,
    )

__all__ = [
    "CLIENT_KINDS",
    "ERROR_KINDS",
    "PAGE",
    "PING_COST",
    "ClientRequest",
    "ConfigurationStatus",
    "Connection",
    "DeployRequest",
    "DesiredModule",
    "Device",
    "DeviceState",
    "DiffLine",
    "DiffSign",
    "Draft",
    "DraftKey",
    "DraftStatus",
    "EdgeHubState",
    "EdgeService",
    "EventEndpoint",
    "Evidence",
    "Exchange",
    "Finding",
    "HistoryEntry",
    "HistoryRoute",
    "ImagePacking",
    "InferenceMessage",
    "LifeSigns",
    "Liveness",
    "LivenessWord",
    "LogLine",
    "MessageKind",
    "Module",
    "Observer",
    "OptionProblem",
    "OptionsReport",
    "Outcome",
    "PendingOperation",
    "Ping",
    "Preset",
    "PresetField",
    "PresetKind",
    "Progress",
    "RecorderFigures",
    "RegistryCredentials",
    "RegistryEntry",
    "ReportedModule",
    "Secret",
    "Severity",
    "Step",
    "StepState",
    "WorkspaceCompute",
    "WorkspaceImage",
    "WorkspaceModel",
]

_HOMES = {
    "deployment": (
        "ClientRequest",
        "DeployRequest",
        "DiffLine",
        "DiffSign",
    ),
    "device": (
        "ConfigurationStatus",
        "DesiredModule",
        "Device",
        "DeviceState",
        "EdgeHubState",
        "Module",
        "RegistryEntry",
        "ReportedModule",
    ),
    "diagnosis": (
        "Evidence",
        "Finding",
        "Severity",
    ),
    "endpoint": ("EventEndpoint",),
    "exchange": (
        "Exchange",
        "Observer",
    ),
    "history": (
        "HistoryEntry",
        "HistoryRoute",
        "Outcome",
    ),
    "liveness": (
        "PING_COST",
        "Connection",
        "LifeSigns",
        "Liveness",
        "LivenessWord",
        "Ping",
    ),
    "log_line": ("LogLine",),
    "messages": (
        "CLIENT_KINDS",
        "ERROR_KINDS",
        "PAGE",
        "InferenceMessage",
        "MessageKind",
    ),
    "options": (
        "Draft",
        "DraftKey",
        "DraftStatus",
        "OptionProblem",
        "OptionsReport",
        "Preset",
        "PresetField",
        "PresetKind",
    ),
    "progress": (
        "PendingOperation",
        "Progress",
        "Step",
        "StepState",
    ),
    "recorder": ("RecorderFigures",),
    "secret": ("Secret",),
    "workspace": (
        "EdgeService",
        "ImagePacking",
        "RegistryCredentials",
        "WorkspaceCompute",
        "WorkspaceImage",
        "WorkspaceModel",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import the module of a record (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value
