"""The main job as far as the editor: what to deploy where, and its create options; then its review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.background import for_dialog, in_thread
from console.jobs.azureml import deploy_service
from console.jobs.plans import confirm_plan
from console.session import Session
from services.errors import OperatorError
from services.records import Module, WorkspaceImage
from widgets.deploy_form import DeployForm, Target
from widgets.signs import LIVENESS

if TYPE_CHECKING:
    from console.owner import MainScreen


def _fpga_hosts(main: MainScreen) -> list[str]:
    """Modules of the device that a client can ask: those with a port 50051, running ones first."""
    state = main.modules.state
    if state is None:
        return []
    own = [module for module in state.modules if not module.system and module.desired is not None]
    hosts = [module for module in own if "50051/tcp" in (module.desired.create_options if module.desired else "")]
    hosts.sort(key=lambda module: not (module.reported is not None and module.reported.runtime_status == "running"))
    return [module.name for module in hosts]


async def deploy_image(main: MainScreen, session: Session, image: WorkspaceImage) -> None:
    """Choose where an image goes, then its create options."""
    from services.deployment.default_names import default_module
    from services.deployment.presets import presets

    if not image.deployable:
        main.notify(
            f"{image.name}:{image.version} cannot be deployed: its build is {image.state}. i tells more.",
            severity="warning",
            timeout=6,
        )
        return
    kind = "host" if image.accelerated else "cpu-host"
    known = [preset for preset in await in_thread(presets) if preset.kind in (kind, "other")]
    module = default_module(image, None)
    target = await _ask(
        main, session, image.location, module, [(preset.name, preset.title) for preset in known], client=False, image=image
    )
    if target is not None:
        await main.options.open_preset(target, {})
        _to_options(main)


async def deploy_client(main: MainScreen, session: Session) -> None:
    """Choose where the client goes and which host it asks, then its create options with the host's name filled in."""
    from services.deployment.default_names import CLIENT
    from services.deployment.presets import client_for, presets

    hosts = _fpga_hosts(main)
    state = main.modules.state
    host = state.module(hosts[0]) if hosts and state is not None else None
    fits = client_for(host.image if host else "")
    known = [preset for preset in await in_thread(presets) if preset.kind in ("client", "other")]
    known.sort(key=lambda preset: preset.name != fits)
    image = await for_dialog(main, session.client_image)
    target = await _ask(main, session, image, CLIENT, [(preset.name, preset.title) for preset in known], client=True, hosts=hosts)
    if target is not None:
        await main.options.open_preset(target, {"host": target.host})
        _to_options(main)


async def edit_module(main: MainScreen, session: Session, module: Module) -> None:
    """The create options of a module that is there."""
    from widgets.details import pretty

    if module.desired is None:
        raise OperatorError(
            f"{module.name} has no create options that could be edited.",
            cause="The device reports it, and its deployment does not name it.",
            remedy="Deploy it first; D on an image does.",
            code="deployment.no-module",
        )

    target = Target(module.desired.image, main.device, module.name, "", status=None)
    await main.options.open_text(target, pretty(module.desired.create_options or "{}"))
    _to_options(main)


def _to_options(main: MainScreen) -> None:
    main.go_to(3)
    main.options.action_edit()


async def _ask(
    main: MainScreen,
    session: Session,
    location: str,
    module: str,
    presets: Sequence[tuple[str, str]],
    *,
    client: bool,
    hosts: Sequence[str] = (),
    image: WorkspaceImage | None = None,
) -> Target | None:
    from services.deployment.azureml_route import unavailable
    from services.deployment.presets import client_for
    from services.deployment.presets import presets as all_presets

    devices = await for_dialog(main, session.devices)
    texts = [
        (listed.device.id, f"{listed.device.id}  {LIVENESS[listed.liveness.word][0]} {listed.liveness.text}")
        for listed in devices
    ]
    names = [name for name, _ in texts]
    beside = [(each.title, each.name) for each in await in_thread(all_presets) if each.kind == "client"] if image else []
    form = DeployForm(
        location,
        client=client,
        devices=texts,
        device=main.device if main.device in names else names[0],
        module=module,
        presets=presets,
        preset=presets[0][0],
        hosts=hosts,
        image_id=image.id if image else "",
        no_azureml=unavailable(session.context) if image else "",
        clients=[(name, title) for title, name in beside] if image and image.accelerated else (),
        beside=client_for(f"{image.name} {' '.join(image.model_ids)}") if image and image.accelerated else "",
    )
    target: Target | None = await main.app.push_screen_wait(form)
    if target is not None and target.device != main.device:
        main.look_at(target.device)
    return target


async def review(main: MainScreen, session: Session, target: Target, options: str) -> None:
    """Show the whole change of a draft, and carry it out when it is confirmed."""
    if target.route == "azureml":
        await deploy_service(main, session, target, options)
        return
    changes = await in_thread(session.changes_for, target, options)
    await confirm_plan(
        main, session, target.device, changes, f"Deploy {target.module} to {target.device}", "Deploy", (target.module,)
    )
