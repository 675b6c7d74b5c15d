"""Progress of anything that takes steps: conversion, image build, rollout, doctor, lab check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.records.diagnosis import Finding

StepState = Literal["waiting", "running", "done", "failed", "neutral", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``detail`` is a short sentence, ``seconds`` how long it took so far."""

    name: str
    title: str
    state: StepState
    detail: str = ""
    seconds: float | None = None
    remedy: str = ""
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A line of progress from a long operation; ``fraction`` 0..1 where it is known."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """Work that goes on in the workspace.

    ``subject`` is the model converted, or the image's name and models; ``asset_id`` what comes of it, where known already;
    ``unwanted``: that is to be deleted once it is there.
    """

    kind: Literal["conversion", "image"]
    workspace: str  # subscription/group/name
    subject: str
    operation_id: str
    asset_id: str = ""
    unwanted: bool = False
