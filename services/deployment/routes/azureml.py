"""Deploy by Azure ML: the hub attached to the workspace (IotHubCompute), host and client modules as an IotWebservice.

The service writes the device's deployment itself. So the device is read before and after, both go into the history, and a
module of somebody else that is gone afterwards is named.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event

from services.contexts.model import Context
from services.deployment.history import History
from services.deployment.manifest.content import modules_of
from services.deployment.options.check import check
from services.deployment.plan import Applied, Plan
from services.deployment.routes.base import OnProgress, RouteRequest, Services
from services.deployment.routes.hub import export
from services.errors import OperatorError, Stopped, UsageError
from services.names import did_you_mean
from services.text import one_line
from services.workspace.service_plan import ServicePlan

_SERVICE_NAME = re.compile(r"[a-z]([a-z0-9-]{1,30}[a-z0-9])\Z")
_UNANSWERED = frozenset(
    f"workspace.{name}"
    for name in ("hung", "child-died", "workspace-trouble", "workspace-hangs", "cut", "refused", "timeout", "unknown")
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/", re.IGNORECASE)


_HUB_COMPUTE = "edge-hub"  # what the hub is called in the workspace, where it is not attached yet


class AzureMLRoute:
    """Azure ML's route: a service of the workspace with the host, and clients beside it.

    Azure ML cannot change a service: one of that name is deleted first, where the request says so or the operator confirms it.
    """

    name = "azureml"
    title = "Azure ML: as a service of the workspace"

    def unavailable(self, context: Context) -> str:
        """Return why the route cannot be taken in a context; empty where it can."""
        return unavailable(context)

    def plan(self, services: Services, request: RouteRequest) -> Plan:
        """Return what is handed to Azure ML.

        Raises OperatorError where the route cannot be taken, the image is not of the workspace, a name or create options are
        wrong, or a service of that name is there and may not be replaced.
        """
        if why := unavailable(services.context):
            raise _not_here(why)
        if not request.image_id:
            raise UsageError(
                "Azure ML deploys images of its workspace only.",
                remedy="Name one as dbe-console images does, or use --route hub.",
                code="usage.image",
            )
        name = request.service or service_name(request.host.name)
        credentials = services.workspace.registry_credentials()
        service = ServicePlan(name, request.image_id, _HUB_COMPUTE, request.device, request.host, request.clients, (credentials,))
        _check(service)
        replaces = any(present.name == name for present in services.workspace.services())
        if replaces and request.redeploy is False:
            raise OperatorError(
                f"The workspace has a service {name} already.",
                cause="Azure ML cannot change a service; it is deleted first, with its modules.",
                remedy="Give --redeploy to delete and deploy it anew, or another name: --service NAME.",
                code="azureml.service-exists",
            )
        state = services.hub.device_state(request.device)
        return Plan(
            route=self.name,
            host=services.hub.host,
            device=request.device,
            changes=request.changes,
            summary=f"service {name}: {', '.join([request.host.name, *(module.name for module in request.clients)])}",
            before_version=state.desired_version,
            before={},
            after={},
            diff=(),
            commands=(),
            problems=(),
            configurations=(),
            state=state,
            service=service,
            replaces=replaces,
        )

    def apply(self, services: Services, plan: Plan, progress: OnProgress | None = None, stopped: Event | None = None) -> Applied:
        """Attach the hub where it is not, deploy, and follow it to its end; see ``deploy``."""
        assert plan.service is not None
        return deploy(services, plan.service, progress, stopped, redeploy=plan.replaces)


def unavailable(context: Context) -> str:
    """Return why this route cannot be taken in a context; empty where it can."""
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
    """Return a service's name made from a module's: 3 to 32 small letters, digits and dashes, a letter first."""
    name = re.sub(r"[^a-z0-9-]+", "-", module.lower()).strip("-")[:32].rstrip("-")
    name = name if re.match(r"[a-z]", name) else f"s-{name}"[:32].rstrip("-")
    return name if _SERVICE_NAME.match(name) else f"{name}-service"[:32]


def deploy(
    services: Services,
    request: ServicePlan,
    progress: OnProgress | None = None,
    stopped: Event | None = None,
    *,
    redeploy: bool = False,
) -> Applied:
    """Attach the hub where it is not (``request.compute`` names it), deploy, and follow it to its end.

    Raises OperatorError; Stopped where ``stopped`` was set, with the history's entry left ``pending``.
    """
    hub, workspace, history = services.hub, services.workspace, services.history
    before = export(hub, request.device)
    version = hub.device_state(request.device).desired_version
    entry = history.begin(
        context=services.context.name,
        host=hub.host,
        device=request.device,
        route="azureml",
        summary=f"service {request.name}: {', '.join([request.host.name, *(module.name for module in request.modules)])}",
        before=before,
        before_version=version,
    )
    sent_at = datetime.now(timezone.utc)
    try:
        assert services.context.hub is not None
        compute = workspace.attach_hub(request.compute, services.context.hub.resource_id, progress, stopped)
        service = workspace.deploy_service(replace(request, compute=compute.name), progress, stopped, redeploy=redeploy)
    except Stopped as cancelled:
        history.leave(entry, cancelled.what)
        raise
    except OperatorError as error:
        _failed(history, entry, error)
        raise
    after = export(hub, request.device)
    own = {request.host.name, *(module.name for module in request.modules)}
    missing = tuple(name for name in modules_of(before) if name not in own and name not in modules_of(after))
    detail = (
        f"Azure ML removed {', '.join(missing)} from {request.device}; roll back entry {entry} to get them again."
        if missing
        else f"{service.name} is {service.state}."
    )
    version = hub.device_state(request.device).desired_version
    history.end(entry, "applied", detail, version, after)
    return Applied(version, entry, detail, bool(missing), sent_at, service.state, missing)


def delete(services: Services, name: str, progress: OnProgress | None = None, stopped: Event | None = None) -> tuple[str, ...]:
    """Delete a service; the modules that are gone from its device afterwards. Raises OperatorError, also where there is none."""
    hub, workspace, history = services.hub, services.workspace, services.history
    present = {service.name: service for service in workspace.services()}
    if name not in present:
        raise OperatorError(
            f"The workspace has no service {one_line(name, 64)} on a device.",
            cause=f"It has {', '.join(present) or 'none'}.",
            remedy=f"{did_you_mean(name, present)}See: dbe-console services.",
            code="azureml.no-service",
        )
    device = present[name].device_id
    before = export(hub, device) if device else {}
    entry = history.begin(
        context=services.context.name,
        host=hub.host,
        device=device,
        route="azureml",
        summary=f"delete service {name}",
        before=before,
        before_version=hub.device_state(device).desired_version if device else None,
    )
    try:
        workspace.delete_service(name, progress, stopped)
    except Stopped as cancelled:
        history.leave(entry, cancelled.what)
        raise
    except OperatorError as error:
        _failed(history, entry, error)
        raise
    after = export(hub, device) if device else {}
    history.end(entry, "applied", after_version=hub.device_state(device).desired_version if device else None, after=after)
    return tuple(module for module in modules_of(before) if module not in modules_of(after))


def _failed(history: History, entry: int, error: OperatorError) -> None:
    """Leave the entry pending where Azure ML or the way to it failed: its services tell later (services.deployment.interrupted)."""
    if error.code in _UNANSWERED or error.code.startswith("network."):
        history.leave(entry, error.what)
        error.cause = f"{error.cause} Azure ML may still be at it; the history tells once it can be asked.".strip()
    else:
        history.end(entry, "failed", error.what)


def _not_here(why: str) -> OperatorError:
    return OperatorError(
        "Azure ML's route cannot be taken here.", cause=why, remedy="Use the hub's route.", code="azureml.unavailable"
    )


def _check(request: ServicePlan) -> None:
    """Raise OperatorError where Azure ML would refuse the service's name, or Docker the create options."""
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
