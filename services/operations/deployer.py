"""The one core of deploying: what is asked becomes a plan, the plan is confirmed and applied, and its rollout watched.

Screen, verbs and ``lab check`` ask here: default names, whether a module is a client and will send, whose credentials an image
gets, what is shown before a change, and what happens when somebody else changed the device meanwhile are decided once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event
from typing import Any, Literal, Protocol

from services.contexts import read_only
from services.deployment.default_names import CLIENT as CLIENT
from services.deployment.default_names import CLIENT_IMAGE, module_for
from services.deployment.default_names import default_module as default_module
from services.deployment.image_check import with_images_checked
from services.deployment.interrupted import settle
from services.deployment.manifest.changes import (
    Change,
    MergeContent,
    RemoveModule,
    ReplaceContent,
    SendUpstream,
    SetModule,
    SetRegistry,
)
from services.deployment.manifest.file import fill
from services.deployment.manifest.masking import Path, unmasked
from services.deployment.options.client_arguments import client_role
from services.deployment.options.presets import client_for, preset, render
from services.deployment.plan import Applied, ChangedMeanwhile, Plan
from services.deployment.restart import restart
from services.deployment.rollback import Rollback, plan_rollback, prepare
from services.deployment.routes import ROUTES
from services.deployment.routes.azureml import delete
from services.deployment.routes.base import OnProgress, RouteRequest
from services.deployment.routes.hub import HubRoute, export, plan_changes
from services.errors import OperatorError
from services.operations.device_lock import device_lock
from services.operations.images import context_registry
from services.operations.rollout import Rollout
from services.operations.rollout_steps import Watch
from services.operations.session import Session
from services.records import (
    DeployRequest,
    HistoryEntry,
    Module,
    Preset,
    Progress,
    RegistryCredentials,
    Step,
    WorkspaceImage,
)
from services.text import indented_json
from services.workspace.service_plan import ServiceModule


class FrontEnd(Protocol):
    """The front end's side of ``Deployer.carry_out``; called from the thread that carries out."""

    def confirm(self, plan: Plan) -> bool:
        """Show a plan and return whether it is to be applied."""

    def report(self, progress: Progress) -> None:
        """Say what goes on."""


class Deployer:
    """Deployments of one session. Calls block and raise OperatorError."""

    def __init__(self, session: Session, *, check_images: bool = True) -> None:
        self.session = session
        self._check_images = check_images

    # Plans: what would be sent. Nothing is sent, and a read-only context may look, too.

    def plan(self, request: DeployRequest) -> Plan:
        """Return what deploying an image takes: its module, a client beside it, the client's route, credentials of registries."""
        route = ROUTES[request.route]
        resolved = self.resolve(request)
        plan = self._checked(route.plan(self.session, resolved))
        verb = "Delete and deploy" if plan.replaces else "Deploy"
        what = f"the service {plan.service.name}" if plan.service else resolved.host.name
        return replace(plan, title=f"Deploy {what} to {request.device}", verb=verb)

    def registries(self, request: DeployRequest) -> list[str]:
        """Return the servers that the images of a request are pulled from, each once; docker.io's short names have none."""
        locations = [request.image.location, *([self._location(request.client.image or CLIENT_IMAGE)] if request.client else [])]
        servers = [location.partition("/")[0] for location in locations if "/" in location]
        return list(dict.fromkeys(server for server in servers if "." in server or ":" in server))

    def start(self, device: str, module: str) -> Plan:
        """Return the plan by which a module shall run."""
        return self.change(device, [SetModule(module, status="running")], f"Start {module} on {device}", "Start")

    def stop(self, device: str, module: str) -> Plan:
        """Return the plan by which a module shall be stopped."""
        return self.change(device, [SetModule(module, status="stopped")], f"Stop {module} on {device}", "Stop")

    def remove(self, device: str, module: str) -> Plan:
        """Return the plan that takes a module off the device."""
        return self.change(device, [RemoveModule(module)], f"Remove {module} from {device}", "Remove")

    def import_manifest(
        self, device: str, content: Mapping[str, Any], values: Mapping[str, str], *, whole: bool, name: str = "a manifest"
    ) -> Plan:
        """Return the plan that merges a manifest's file into what the device has, or with ``whole`` puts it in its place.

        ``values`` fill in the $NAMEs of its texts; secrets that are masked in it come from the device's twins.
        """
        filled = unmasked(fill(content, values), lambda: export(self.session.hub, device))
        change = ReplaceContent(filled) if whole else MergeContent(filled)
        verb = "Replace" if whole else "Merge"
        return self.change(device, [change], f"{verb} {name}: {device}", verb)

    def last_applied(self, device: str) -> HistoryEntry:
        """Return the newest entry of the history that can be rolled back on a device."""
        entries = self.session.history.entries(host=self.session.hub.host, device=device)
        applied = [entry for entry in entries if entry.outcome == "applied" and entry.route != "method"]
        if not applied:
            raise OperatorError(
                f"The history has nothing about {device}.", remedy="See: dbe-console history.", code="rollback.nothing"
            )
        return applied[0]

    def prepare_rollback(
        self, entry: HistoryEntry, point: Literal["before", "after"] = "before", answers: Mapping[Path, str] | None = None
    ) -> Rollback:
        """Return the manifest to go back to, with the secrets that the device or the workspace still gives.

        ``missing`` ones are asked for and come back as ``answers``.
        """
        return prepare(self.session.hub, entry, point, answers, self.session.registry)

    def rollback(self, rollback: Rollback) -> Plan:
        """Return the plan that goes back, with the same difference and checks as every other."""
        plan = self._checked(plan_rollback(self.session.hub, rollback))
        entry = rollback.entry
        return replace(plan, title=f"Roll {entry.device} back to {rollback.point} #{entry.id}", verb="Roll back")

    def change(self, device: str, changes: Sequence[Change], title: str, verb: str) -> Plan:
        """Return what changes would make of a device, its images asked for at their registries."""
        plan = self._checked(plan_changes(self.session.hub, device, changes))
        return replace(plan, title=title, verb=verb)

    # What changes a device.

    def carry_out(self, plan: Plan, front_end: FrontEnd, stopped: Event | None = None) -> Applied | None:
        """Have a plan confirmed and apply it; None where it was not confirmed, or nothing is to be done.

        A device that somebody else changed meanwhile is planned, shown and asked about again. Raises OperatorError, for a plan
        with errors before anything is sent.
        """
        while True:
            if not plan.errors and plan.empty:
                front_end.report(Progress(plan.nothing_sent))
                return None
            if not front_end.confirm(plan):
                return None
            try:
                return self.apply(plan, front_end.report, stopped)
            except ChangedMeanwhile as changed:
                plan = self._checked(replace(changed.plan, title=plan.title, verb=plan.verb))

    def apply(self, plan: Plan, progress: OnProgress | None = None, stopped: Event | None = None) -> Applied:
        """Send a plan once.

        Consoles of this machine take turns at a device; another machine's change in between is seen before and after
        (ChangedMeanwhile, ``Applied.warning``).
        """
        read_only.may_change(self.session.context)
        if plan.errors:
            raise plan.refusal
        with device_lock(plan.host, plan.device, progress):
            return ROUTES[plan.route].apply(self.session, plan, progress, stopped)

    def restart(self, device: str, module: str) -> int:
        """Restart a module by the agent's direct method; return the history's entry."""
        read_only.may_change(self.session.context)
        return restart(self.session.hub, device, module, self.session.context.name, self.session.history)

    def delete_service(self, name: str, progress: OnProgress | None = None) -> tuple[str, ...]:
        """Delete a service of Azure ML; return the modules that went with it."""
        read_only.may_change(self.session.context)
        return delete(self.session, name, progress)

    def unavailable(self, route: str) -> str:
        """Return why a route cannot be taken in this context; empty where it can."""
        return ROUTES[route].unavailable(self.session.context)

    def settle(self) -> list[HistoryEntry]:
        """Return the deployments that nobody saw to their end, and how they went."""
        session = self.session
        return settle(session.hub, session.history, session.workspace.services if session.context.workspace else None)

    # Rollouts.

    def watch(self, plan: Plan, applied: Applied) -> Watch:
        """Return what is watched after a plan was applied; no modules where nothing comes up."""
        return Watch(plan.device, plan.modules, applied.version, applied.sent_at or datetime.now(timezone.utc), plan.sends)

    def rollout(self, watch: Watch, every: float = 3.0, timeout: float = 900.0) -> Iterator[tuple[Step, ...]]:
        """Yield a rollout's steps until its end, for a client up to its first message."""
        reader = self.session.messages.sent_since if watch.messages else None
        return Rollout(self.session.hub, self.session.context, watch, reader, every).steps(timeout)

    # What a request leaves open.

    def resolve(self, request: DeployRequest) -> RouteRequest:
        """Return a request with every name and option decided. Raises UsageError where only the operator can decide."""
        preset_of_image = self._preset(request)
        module = module_for(
            request.module, request.image, preset_of_image, own_options=request.options is not None and not request.preset
        )
        options = (
            request.options
            if request.options is not None
            else render(preset_of_image, request.values)
            if preset_of_image
            else None
        )
        location = request.image.location
        changes: list[Change] = [
            SetModule(
                module,
                image=location,
                create_options=options,
                status=request.status,
                restart_policy=request.restart_policy,
                env=request.env,
                pull_policy=request.pull_policy,
                startup_order=request.startup_order,
            )
        ]
        if (preset_of_image is not None and preset_of_image.kind == "client") or client_role(options or "", location):
            changes.append(SendUpstream(module))
        clients: tuple[ServiceModule, ...] = ()
        if request.client is not None:
            client = self._client(request, module)
            changes += [
                SetModule(client.name, image=client.image, create_options=client.create_options, status=request.status),
                SendUpstream(client.name),
            ]
            clients = (client,)
        changes += self._registry_changes([location, *(client.image for client in clients)], request)
        env = {name: value for name, value in request.env.items() if value is not None}
        host = ServiceModule(module, options or "", env)
        return RouteRequest(request.device, tuple(changes), host, clients, request.image.id, request.service, request.redeploy)

    def _preset(self, request: DeployRequest) -> Preset | None:
        """Return the preset asked for; an accelerated image without one gets the FPGA host's, one for CPU the CPU host's."""
        if request.preset:
            return preset(request.preset)
        if request.options is not None or not request.image.flavour:
            return None
        return preset("fpga-host" if request.image.accelerated else "cpu-host-80")

    def _client(self, request: DeployRequest, host: str) -> ServiceModule:
        client = request.client
        assert client is not None
        name = client.preset or client_for(f"{request.image.name} {' '.join(request.image.model_ids)}")
        options = render(preset(name), {"host": host, **client.values})
        return ServiceModule(client.module or CLIENT, options, image=self._location(client.image or CLIENT_IMAGE))

    def _location(self, image: str) -> str:
        """Return where an image lies; one without a registry is in the context's, else in the workspace's."""
        if "/" in image:
            return image
        if self.session.context.registry is not None:
            return f"{self.session.context.registry.server}/{image}"
        if self.session.context.workspace is None:
            return image
        return f"{self.session.workspace.registry_credentials().server}/{image}"

    def client_image(self) -> str:
        """Return where the client's image is looked for: in the context's registry, else in the workspace's."""
        return self._location(CLIENT_IMAGE)

    def _registry_changes(self, images: Sequence[str], request: DeployRequest | None = None) -> list[Change]:
        """Return the credentials that the images' registries get.

        Those that were given, else those of the context's own registry or of the workspace's, where an image is of it.
        """
        by_server = {item.server.lower(): item for item in request.credentials} if request else {}
        context_own = context_registry(self.session)
        own: RegistryCredentials | None = None
        credentials: dict[str, RegistryCredentials] = {}
        for image in images:
            server = image.partition("/")[0].lower()
            if server in by_server:
                credentials[server] = by_server[server]
            elif request is not None and not request.workspace_credentials:
                continue
            elif context_own is not None and context_own.serve(image):
                credentials[server] = context_own
            elif self.session.context.workspace is not None:
                own = own or self.session.workspace.registry_credentials()
                if own.serve(image):
                    credentials[server] = own
        return [SetRegistry(item) for item in credentials.values()]

    def _checked(self, plan: Plan) -> Plan:
        """Return a plan with what is wrong with its images; Azure ML's route looks after its own."""
        if plan.route != HubRoute.name or not self._check_images:
            return plan
        return with_images_checked(self.session.context, plan)


def edit_request(device: str, module: Module) -> DeployRequest:
    """Return the request that gives a module other create options and leaves everything else of it as it is.

    Its options are those that it has now, pretty. Raises OperatorError for a module that the device only reports.
    """
    if module.desired is None:
        raise OperatorError(
            f"{module.name} has no create options that could be edited.",
            cause="The device reports it, and its deployment does not name it.",
            remedy="Deploy it first: dbe-console deploy.",
            code="deployment.no-module",
        )
    location = module.desired.image
    image = WorkspaceImage("", location.rpartition("/")[2].partition(":")[0], 0, "", "Succeeded", location)
    return DeployRequest(image, device, module.name, options=indented_json(module.desired.create_options or "{}"), status=None)
