"""``dbe-console deploy --route azureml``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from console.call import Call
from console.verbs._asked_for import client_location, client_options, create_options, environment, located
from console.verbs._confirming import confirmed
from console.verbs._deploying import found_again, watched
from services.contexts.model import Context
from services.errors import OperatorError, UsageError

if TYPE_CHECKING:
    from services.workspace.client import Workspace


def deploy_by_azureml(call: Call, context: Context, device: str, workspace: Workspace | None) -> int:
    """Put the service together from the same options as the hub's route takes, confirm, deploy, tell."""
    from services.deployment.azureml_route import deploy, service_name, unavailable
    from services.deployment.default_names import module_for
    from services.deployment.history import History
    from services.deployment.interrupted import settle
    from services.deployment.presets import preset
    from services.hub.client import Hub
    from services.operations.rollout_steps import Watch
    from services.workspace.service_plan import ServiceModule, ServicePlan

    options = call.options
    why = unavailable(context)
    if why or workspace is None:
        raise OperatorError(
            "Azure ML's route cannot be taken here.", cause=why, remedy="Use --route hub.", code="azureml.unavailable"
        )
    if "/" in options.image:
        raise UsageError(
            "Azure ML deploys images of its workspace only.",
            remedy="Name one as dbe-console images does, or use --route hub.",
            code="usage.image",
        )
    image = located(call, workspace)
    default = "fpga-host" if image.accelerated else "cpu-host-80"
    chosen = None if options.options else preset(options.preset or default)
    module = module_for(options.module, image, chosen, own_options=bool(options.options))
    env = {key: value for key, value in environment(call).items() if value is not None}
    host = ServiceModule(module, create_options(call, chosen) or "", env)
    clients: tuple[ServiceModule, ...] = ()
    if options.client:
        location = client_location(options.client, workspace)
        clients = (ServiceModule(options.client_module, client_options(call, image, module), image=location),)
    service = options.service or service_name(module)
    request = ServicePlan(service, image.id, "edge-hub", device, host, clients, (workspace.registry_credentials(),))
    call.progress(
        f"service {service}: {module} from {image.name}:{image.version} on {device}"
        + (f", {options.client_module}" if clients else "")
    )
    for part in (host, *clients):
        call.progress(f"{part.name}: {part.create_options}")
    if options.dry_run:
        call.progress("Nothing was sent.")
        return 0
    if not confirmed(call, f"Deploy the service {service} to {device}?"):
        call.progress("Nothing was sent.")
        return 1
    began, hub, history = datetime.now(timezone.utc), Hub.open(context), History()
    found_again(call, settle(hub, history, workspace.services))
    told = deploy(context, workspace, hub, request, history, lambda step: call.progress(step.text), redeploy=options.redeploy)
    if told.lost:
        call.progress(f"warning: Azure ML removed {', '.join(told.lost)} from {device}: dbe-console rollback {told.entry}")
    call.progress(f"{told.service.name} is {told.service.state}.")
    if call.as_json:
        call.out_json(
            {
                "service": told.service.name,
                "state": told.service.state,
                "device": device,
                "entry": told.entry,
                "lost": list(told.lost),
            }
        )
    if not options.wait:
        return 0
    modules = (module, *(part.name for part in clients))
    sends = any("--suppress-messages" not in part.create_options and '"-s"' not in part.create_options for part in clients)
    return watched(call, context, hub, Watch(device, modules, told.version, began), messages=sends)
