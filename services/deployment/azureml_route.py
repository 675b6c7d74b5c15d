"""Azure ML's route: the hub attached to the workspace (IotHubCompute), host and client modules deployed by it as an
IotWebservice.

The service writes the device's deployment itself. So the device is read before and after, both go into the history, and a
module of somebody
else that is gone afterwards is named.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.contexts.model import Context
from services.deployment.history import History
from services.deployment.hub_route import export
from services.deployment.manifest import modules_of
from services.deployment.masking import masked
from services.errors import OperatorError
from services.hub.client import Hub
from services.records import EdgeService, Progress
from services.text import one_line
from services.workspace.client import Workspace
from services.workspace.following import Stopped
from services.workspace.service_plan import ServicePlan

_SERVICE_NAME = re.compile(r"[a-z]([a-z0-9-]{1,30}[a-z0-9])\Z")
_UNANSWERED = frozenset(
    f"workspace.{name}"
    for name in ("hung", "child-died", "workspace-trouble", "workspace-hangs", "cut", "refused", "timeout", "unknown")
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A service that was handed to the hub. ``lost`` are modules of others that the device had before and has no more."""

    service: EdgeService
    entry: int
    lost: tuple[str, ...] = ()
    version: int | None = None  # the device's desired version after it


def unavailable(context: Context) -> str:
    """Why this route cannot be taken in a context; empty where it can."""
    if context.workspace is None:
        return "The context names no Azure ML workspace."
    if context.hub is None or not context.hub.resource_id:
        return "The context does not name the hub's ARM id (resource_id), which Azure ML needs to attach it."
    match = _SUBSCRIPTION.match(context.hub.resource_id)
    if match is None:
        return "The hub's ARM id in the context does not begin with /subscriptions/."
    if match.group(1).lower() != context.workspace.subscription.lower():
        return (
            f"Hub and workspace are in different subscriptions ({match.group(1)} and {context.workspace.subscription}); "
            "Azure ML deploys only within its own. Use the hub's route."
        )
    return ""


def service_name(module: str) -> str:
    """A service's name made from a module's: 3 to 32 small letters, digits and dashes, a letter first."""
    name = re.sub(r"[^a-z0-9-]+", "-", module.lower()).strip("-")[:32].rstrip("-")
    name = name if re.match(r"[a-z]", name) else f"s-{name}"[:32].rstrip("-")
    return name if _SERVICE_NAME.match(name) else f"{name}-service"[:32]


def deploy(
    context: Context,
    workspace: Workspace,
    hub: Hub,
    request: ServicePlan,
    history: History,
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
    *,
    redeploy: bool = False,
) -> Deployed:
    """Attach the hub where it is not (``request.compute`` names it), deploy, and follow it to its end. Raises OperatorError;
    Stopped where ``cancelled`` was set, with the history's entry left ``pending``."""
    _check(context, request)
    before = export(hub, request.device)
    version = hub.device_state(request.device).desired_version
    entry = history.begin(
        context=context.name,
        host=hub.host,
        device=request.device,
        route="azureml",
        summary=f"service {request.name}: {', '.join([request.host.name, *(module.name for module in request.modules)])}",
        before=masked(before),
        before_version=version,
    )
    try:
        assert context.hub is not None
        compute = workspace.attach_hub(request.compute, context.hub.resource_id, progress, cancelled)
        service = workspace.deploy_service(_on(request, compute.name), progress, cancelled, redeploy=redeploy)
    except Stopped as stopped:
        history.leave(entry, stopped.what)
        raise
    except OperatorError as error:
        _failed(history, entry, error)
        raise
    after = export(hub, request.device)
    own = {request.host.name, *(module.name for module in request.modules)}
    lost = tuple(name for name in modules_of(before) if name not in own and name not in modules_of(after))
    detail = f"Azure ML removed {', '.join(lost)}; roll back to get them again." if lost else service.state
    version = hub.device_state(request.device).desired_version
    history.end(entry, "applied", detail, version, masked(after))
    return Deployed(service, entry, lost, version)


def delete(
    context: Context,
    workspace: Workspace,
    hub: Hub,
    name: str,
    history: History,
    progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> tuple[str, ...]:
    """Delete a service; the modules that are gone from its device afterwards. Raises OperatorError, also where there is none."""
    services = {service.name: service for service in workspace.services()}
    if name not in services:
        raise OperatorError(
            f"The workspace has no service {one_line(name, 64)} on a device.",
            cause=f"It has {', '.join(services) or 'none'}.",
            remedy="See: dbe-console services.",
            code="azureml.no-service",
        )
    device = services[name].device_id
    before = export(hub, device) if device else {}
    entry = history.begin(
        context=context.name,
        host=hub.host,
        device=device,
        route="azureml",
        summary=f"delete service {name}",
        before=masked(before),
        before_version=hub.device_state(device).desired_version if device else None,
    )
    try:
        workspace.delete_service(name, progress, cancelled)
    except Stopped as stopped:
        history.leave(entry, stopped.what)
        raise
    except OperatorError as error:
        _failed(history, entry, error)
        raise
    after = export(hub, device) if device else {}
    history.end(entry, "applied", after_version=hub.device_state(device).desired_version if device else None, after=masked(after))
    return tuple(module for module in modules_of(before) if module not in modules_of(after))


def _failed(history: History, entry: int, error: OperatorError) -> None:
    """Where Azure ML or the way to it fails it may still work on: then its services tell later (services.deployment.interrupted)."""
    if error.code in _UNANSWERED or error.code.startswith("network."):
        history.leave(entry, error.what)
        error.cause = f"{error.cause} Azure ML may still be at it; the history tells once it can be asked.".strip()
    else:
        history.end(entry, "failed", error.what)


def _on(request: ServicePlan, compute: str) -> ServicePlan:
    fields: dict[str, Any] = {name: getattr(request, name) for name in ServicePlan.__dataclass_fields__}
    return ServicePlan(**{**fields, "compute": compute})


def _check(context: Context, request: ServicePlan) -> None:
    from services.deployment.create_options import check

    if why := unavailable(context):
        raise OperatorError(
            "Azure ML's route cannot be taken here.", cause=why, remedy="Use the hub's route.", code="azureml.unavailable"
        )
    if not _SERVICE_NAME.match(request.name):
        raise OperatorError(
            f"{request.name!r} cannot be a service's name.",
            cause="It takes 3 to 32 small letters, digits and dashes, a letter first.",
            remedy=f"For example {service_name(request.name)}.",
            code="azureml.name",
        )
    for module in (request.host, *request.modules):
        for problem in check(module.create_options).errors:
            raise OperatorError(
                (
                    f"The create options of {module.name} are wrong: line {problem.line}, column {problem.column}: "
                    f"{problem.message}."
                ),
                remedy=problem.remedy,
                code="options.invalid",
            )
