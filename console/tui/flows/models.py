"""From a model to an image that can be deployed: conversion for the FPGA, and the image's build."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from console.tui.background import go, in_thread
from console.tui.flows.deploy import deploy_image
from console.tui.flows.long_operation import followed
from services.operations.session import Session
from services.records import WorkspaceModel
from widgets.dialogs import Confirm
from widgets.model_form import ModelForm

if TYPE_CHECKING:
    from console.tui.owner import MainScreen
    from services.records import PendingOperation


_CANCELLING = "X cancels it: Azure ML cannot stop what it has begun, so what it makes is deleted as soon as it is there."


async def make_image(main: MainScreen, session: Session, model: WorkspaceModel) -> None:
    """Convert a model where that is needed, build its image, and offer to deploy it.

    The work goes on in the workspace when the dialog is left; the same key, or a console opened later, takes it up again.
    """
    from services.operations import models

    form = ModelForm(model.id, models.suggest_packing(model), converted=models.is_converted(model))
    packing = await main.app.push_screen_wait(form)
    if packing is None:
        return
    image = await followed(
        main,
        f"An image of {model.id}",
        lambda tell, stopped: models.make_image(
            session, model.id, tell, stopped, name=packing.name, input_node=packing.input, output_nodes=packing.outputs
        ),
        _CANCELLING,
        lambda pending: _throw_away_beside(main, session, pending),
    )
    _read_again(main)
    if image is None:
        return
    question = Confirm(f"{image.name}:{image.version} is ready", "Deploy it to a device now?", "Deploy…")
    if not session.read_only and await main.app.push_screen_wait(question):
        await deploy_image(main, session, image)


async def take_up(main: MainScreen, session: Session, pending: PendingOperation) -> None:
    """Follow what a console began that is closed by now, beside everything else, and tell how it ended."""
    if pending.unwanted:
        await _throw_away(main, session, pending)
        return
    main.notify(f"going on in the workspace: {pending.kind} of {pending.subject}", timeout=6)
    done = await in_thread(partial(session.workspace.take_up, pending))
    main.notify(f"{pending.kind} of {pending.subject}: {done.id} is there", timeout=10)
    _read_again(main)


def _throw_away_beside(main: MainScreen, session: Session, pending: PendingOperation) -> None:
    go(main.app, _throw_away(main, session, pending), f"pending-{pending.kind}-{pending.subject}", exclusive=False)


async def _throw_away(main: MainScreen, session: Session, pending: PendingOperation) -> None:
    """Wait for what was cancelled beside everything else, and delete what came of it."""
    main.notify("cancelled: Azure ML cannot stop it; what comes of it is deleted once it is there", timeout=8)
    deleted_name = await in_thread(session.workspace.throw_away, pending)
    main.notify(f"{deleted_name} is deleted" if deleted_name else f"{pending.subject}: nothing is left of it", timeout=8)
    _read_again(main)


def _read_again(main: MainScreen) -> None:
    main.images.images = main.images.models = None
    main.images.read()
