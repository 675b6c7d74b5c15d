"""Azure ML's route: a service of the workspace with the host, and a client beside it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from console.background import for_dialog
from console.jobs.following import followed
from console.jobs.plans import watch
from console.session import CLIENT_IMAGE, Session
from services.workspace.service_plan import ServiceModule, ServicePlan
from widgets.deploy_form import Target
from widgets.dialogs import Confirm

if TYPE_CHECKING:
    from console.owner import MainScreen

_HUB_COMPUTE = "edge-hub"  # what the hub is called in the workspace, where it is not attached yet


async def deploy_service(main: MainScreen, session: Session, target: Target, options: str) -> None:
    """Show what is handed to Azure ML, deploy it when it is confirmed, and watch it come up. A service of that name is deleted
    first: Azure ML cannot change one."""
    from services.deployment.azureml_route import deploy
    from services.operations.rollout_steps import Watch

    main.notify("looking at the workspace's services", timeout=2)
    request = await for_dialog(main, _request, session, target, options)
    names = [service.name for service in await for_dialog(main, session.workspace.services)]
    again = request.name in names
    parts = [request.host.name, *(module.name for module in request.modules)]
    text = (
        f"Azure ML deploys the service {request.name} to {target.device}: {', '.join(parts)}.\n"
        f"It writes the device's deployment itself; what goes missing is told, and can be rolled back."
        + (f"\nThe service {request.name} is there already: it is deleted first, with its modules." if again else "")
    )
    question = Confirm(
        "Deploy by Azure ML", text, "Delete and deploy" if again else "Deploy", type_to_confirm=session.typed(target.device)
    )
    if not await main.app.push_screen_wait(question):
        return
    began = datetime.now(timezone.utc)
    try:
        told = await followed(
            main,
            f"Azure ML deploys {request.name}",
            lambda tell, stopped: deploy(
                session.context, session.workspace, session.hub, request, session.history, tell, stopped, redeploy=again
            ),
        )
    finally:
        main.modules.read()
    if told is None:
        return
    if told.lost:
        gone = f"Azure ML removed {', '.join(told.lost)} from {target.device}: H, then B on #{told.entry} brings them back"
        main.notify(gone, severity="warning", timeout=20)
    main.go_to(2)
    rollout = Watch(target.device, tuple(parts), told.version, began)
    watch(main, session, rollout, f"Service {request.name} on {target.device}", client=bool(request.modules))


def _request(session: Session, target: Target, options: str) -> ServicePlan:
    from services.deployment.azureml_route import service_name
    from services.deployment.default_names import CLIENT
    from services.deployment.presets import preset

    credentials = session.workspace.registry_credentials()
    clients: tuple[ServiceModule, ...] = ()
    if target.beside:
        text = preset(target.beside).render({"host": target.module})
        clients = (ServiceModule(CLIENT, text, image=f"{credentials.server}/{CLIENT_IMAGE}"),)
    host = ServiceModule(target.module, options)
    return ServicePlan(service_name(target.module), target.image_id, _HUB_COMPUTE, target.device, host, clients, (credentials,))
