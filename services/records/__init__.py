"""The few frozen dataclasses that travel through the whole house."""

from services.records.deployment import ClientRequest, DeployRequest
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
from services.records.liveness import PING_COST, Connection, LifeSigns, Liveness, LivenessWord, Ping
from services.records.messages import CLIENT_KINDS, ERROR_KINDS, PAGE, InferenceMessage, MessageKind
from services.records.progress import Progress, Step, StepState
from services.records.recorder import RecorderFigures
from services.records.secret import Secret
from services.records.workspace import EdgeService, RegistryCredentials, WorkspaceCompute, WorkspaceImage, WorkspaceModel

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
    "EdgeHubState",
    "EdgeService",
    "EventEndpoint",
    "Evidence",
    "Exchange",
    "Finding",
    "InferenceMessage",
    "LifeSigns",
    "Liveness",
    "LivenessWord",
    "MessageKind",
    "Module",
    "Observer",
    "Ping",
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
