"""The main job as far as the editor: what to deploy where, and its create options; then its review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.tui.background import for_dialog, in_thread
from console.tui.flows.plans import carry_out
from services.operations.session import Session
from services.records import DeployRequest, Module, Preset, WorkspaceImage
from widgets.deploy_form import DeployForm
from widgets.symbols import LIVENESS

if TYPE_CHECKING:
    from console.tui.owner import MainScreen


async def deploy_image(main: MainScreen, session: Session, image: WorkspaceImage) -> None:
    """Choose where an image goes, then its create options."""
    from services.operations.deployer import default_module
    from services.operations.images import check_deployable
    from services.operations.options import presets_for_image

    check_deployable(image)
    presets = await in_thread(presets_for_image, image)
    module = default_module(image, None)
    request = await _ask(main, session, image, module, presets, client=False)
    if request is not None:
        await main.options.open_request(request)
        _to_options(main)


async def deploy_client(main: MainScreen, session: Session) -> None:
    """Choose where the client goes and which host it asks, then its create options with the host's name filled in."""
    from services.operations.deployer import CLIENT
    from services.operations.host import client_hosts
    from services.operations.images import find_image
    from services.operations.options import client_presets

    state = main.modules.state
    hosts = client_hosts(state) if state is not None else []
    presets = await in_thread(client_presets, hosts[0].image if hosts else "")
    image = await for_dialog(main, lambda: find_image(session, session.deployer.client_image()))
    request = await _ask(main, session, image, CLIENT, presets, client=True, hosts=[host.name for host in hosts])
    if request is not None:
        await main.options.open_request(request)
        _to_options(main)


async def edit_module(main: MainScreen, session: Session, module: Module) -> None:
    """Bring the create options of a deployed module into the editor."""
    from services.operations.deployer import edit_request

    await main.options.open_request(edit_request(main.device, module))
    main.go_to(3)
    main.options.edit_values()


def _to_options(main: MainScreen) -> None:
    main.go_to(3)
    main.options.action_edit()


async def _ask(
    main: MainScreen,
    session: Session,
    image: WorkspaceImage,
    module: str,
    presets: Sequence[Preset],
    *,
    client: bool,
    hosts: Sequence[str] = (),
) -> DeployRequest | None:
    from services.operations.options import client_presets

    devices = await for_dialog(main, session.devices)
    texts = [
        (listed.device.id, f"{listed.device.id}  {LIVENESS[listed.liveness.word][0]} {listed.liveness.text}")
        for listed in devices
    ]
    names = [name for name, _ in texts]
    beside = await in_thread(client_presets, f"{image.name} {' '.join(image.model_ids)}") if image.accelerated else []
    clients = [(preset.name, preset.title) for preset in beside if preset.kind == "client"]
    form = DeployForm(
        image,
        client=client,
        devices=texts,
        device=main.device if main.device in names else names[0],
        module=module,
        presets=[(preset.name, preset.title) for preset in presets],
        preset=presets[0].name,
        hosts=hosts,
        no_azureml=session.deployer.unavailable("azureml"),
        clients=clients,
        beside=clients[0][0] if clients else "",
    )
    request: DeployRequest | None = await main.app.push_screen_wait(form)
    if request is not None and request.device != main.device:
        main.look_at(request.device)
    return request


async def review(main: MainScreen, session: Session, request: DeployRequest, options: str) -> None:
    """Show the whole change of a request with these create options, and carry it out when it is confirmed."""
    complete = replace(request, options=options)
    if await carry_out(main, session, lambda deployer: deployer.plan(complete)):
        await main.options.drop_deployed(options)
