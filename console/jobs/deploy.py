"""The main job: what to deploy where, its create options, the diff, sending it, and watching it come up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from console.background import for_dialog, go, in_thread
from console.jobs.watches import Watch
from console.owner import app_of
from console.session import Session
from services.records import Module, Severity, WorkspaceImage
from widgets.deploy_form import DeployForm, Target
from widgets.diff import DiffConfirm

if TYPE_CHECKING:
    from console.screens.main import MainScreen
    from services.deployment.changes import Change
    from services.deployment.hub_route import Plan
    from services.operations.rollout import Watch as Watched

CLIENT_MODULE = "azureml-client"
HOST_MODULE = "azureml-host"


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
    module = HOST_MODULE if image.accelerated else image.name
    target = await _ask(
        main, session, image.location, module, [(preset.name, preset.title) for preset in known], client=False, image=image
    )
    if target is not None:
        await main.options.open_preset(target, {})
        _to_options(main)


async def deploy_client(main: MainScreen, session: Session) -> None:
    """Choose where the client goes and which host it asks, then its create options with the host's name filled in."""
    from services.deployment.presets import client_for, presets

    hosts = _fpga_hosts(main)
    state = main.modules.state
    host = state.module(hosts[0]) if hosts and state is not None else None
    fits = client_for(host.image if host else "")
    known = [preset for preset in await in_thread(presets) if preset.kind in ("client", "other")]
    known.sort(key=lambda preset: preset.name != fits)
    image = await for_dialog(main, session.client_image)
    target = await _ask(
        main, session, image, CLIENT_MODULE, [(preset.name, preset.title) for preset in known], client=True, hosts=hosts
    )
    if target is not None:
        await main.options.open_preset(target, {"host": target.host})
        _to_options(main)


async def edit_module(main: MainScreen, session: Session, module: Module) -> None:
    """The create options of a module that is there."""
    if module.desired is None or module.system:
        main.notify(f"{module.name} is not of this deployment's own modules", severity="warning", timeout=4)
        return
    from widgets.details import pretty

    target = Target(module.desired.image, main.device, module.name, "")
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
    texts = [(device.id, f"{device.id}  " + ("✓ connected" if device.connected else "✗ offline")) for device in devices]
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
        from console.jobs.azureml import deploy_service

        await deploy_service(main, session, target, options)
        return
    changes = await in_thread(session.changes_for, target, options)
    await confirm_plan(
        main, session, target.device, changes, f"Deploy {target.module} to {target.device}", "Deploy", (target.module,)
    )


async def confirm_plan(
    main: MainScreen, session: Session, device: str, changes: Sequence[Change], title: str, yes: str, modules: Sequence[str]
) -> None:
    """Plan changes, then ``carry_out``."""
    main.notify("comparing with what the device has", timeout=2)
    await carry_out(main, session, await for_dialog(main, session.plan, device, changes), title, yes, modules)


async def carry_out(main: MainScreen, session: Session, made: Plan, title: str, yes: str, modules: Sequence[str]) -> None:
    """Show a plan, apply it when it is confirmed, and watch ``modules`` come up (where there are any).

    A device that changed meanwhile is shown and asked about again.
    """
    from services.deployment.hub_route import ChangedMeanwhile, apply
    from services.operations.first_message import expected
    from services.operations.rollout import Watch as Watched

    device = made.device
    extra: list[tuple[Severity, str]] = []
    while True:
        if not made.diff and made.empty:
            main.notify(f"{device} has all of it already", timeout=4)
            return
        if not await main.app.push_screen_wait(_question(main, session, made, title, yes, extra)):
            return
        began = datetime.now(timezone.utc)
        main.notify(f"sending to {device}", timeout=2)
        try:
            applied = await in_thread(apply, session.hub, made, session.history, session.context.name)
        except ChangedMeanwhile as changed:
            made = await for_dialog(main, session.checked, changed.plan)
            extra = [("warning", f"{changed.what} {changed.cause}")]
            extra += [("warning", f"theirs: {line.sign} {line.text.strip()}") for line in changed.theirs if line.sign in "+-"][:6]
            continue
        finally:
            main.modules.read()  # also where it failed: what the device has is shown, whatever the reply was
        break
    if applied.detail:
        main.notify(
            applied.detail, severity="warning" if applied.overwrote else "information", timeout=20 if applied.overwrote else 6
        )
    main.go_to(2)  # to what it became; and out of the editor, where every key is text
    if modules:
        main.modules.stand_on(modules[0])
        watch(main, session, Watched(device, tuple(modules), applied.version, began), title, client=expected(made))


def _question(
    main: MainScreen, session: Session, made: Plan, title: str, yes: str, extra: Sequence[tuple[Severity, str]]
) -> DiffConfirm:
    from console.jobs import manifests
    from services.deployment.hub_route import outline

    warnings: list[tuple[Severity, str]] = [*extra, ("info", outline(made))]
    for configuration in made.configurations:
        warnings.append(("warning", f"The deployment at scale {configuration.id} will overwrite this within moments."))
    warnings += [(problem.severity, f"{problem.place}: {problem.message}. {problem.remedy}".strip()) for problem in made.problems]
    return DiffConfirm(
        title,
        made.diff,
        made.commands,
        warnings,
        yes=yes,
        type_to_confirm=session.typed(made.device),
        forbidden=bool(made.errors),
        save=lambda: go(main.app, manifests.write_out(main, "deployment.json", made.after), "save"),
    )


def watch(main: MainScreen, session: Session, watched: Watched, title: str, *, client: bool) -> None:
    """Watch the rollout; the app owns it, so that leaving the screen ends nothing."""
    from console.screens.rollout import RolloutScreen

    app = app_of(main)
    made = Watch(watched.device, watched.modules[0], title, client, lambda: session.rollout(watched, client))
    app.follow(made)
    app.push_screen(RolloutScreen(made))
