"""The main job from end to end: images → deploy host and client → running → inference results whose top class is right.

It knows only a context, never whether Azure or the lab answers. Every step is yielded when it starts, moves and ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from services.contexts.model import Context
from services.deployment.default_names import CLIENT, HOST
from services.errors import OperatorError
from services.operations.rollout_steps import failed
from services.operations.session import Session
from services.records import ClientRequest, DeployRequest, Step, WorkspaceImage
from services.text import counted

# Seconds between the client's pictures (its -w): long enough to read along.
_WAIT = "1"


@dataclass(frozen=True, slots=True)
class MainJob:
    """The main job that is asked for.

    ``client_image`` is the client's place in the workspace's registry (NAME:TAG); ``expected`` maps a picture's file name to
    its right class; ``results`` is how many right ones are wanted.
    """

    context: Context
    client_image: str
    expected: Mapping[str, str]
    results: int = 8
    seconds: float = 120.0


class _Clock:
    """Times one step and makes its records."""

    def __init__(self, name: str, title: str) -> None:
        self._step = Step(name, title, "running")
        self._since = time.monotonic()

    def running(self, detail: str = "") -> Step:
        return replace(self._step, detail=detail, seconds=time.monotonic() - self._since)

    def done(self, detail: str) -> Step:
        return replace(self._step, state="done", detail=detail, seconds=time.monotonic() - self._since)

    def failed(self, error: OperatorError) -> Step:
        detail = f"{error.what} {error.cause}".strip()
        return replace(self._step, state="failed", detail=detail, remedy=error.remedy, seconds=time.monotonic() - self._since)


def run_main_job(job: MainJob) -> Iterator[Step]:
    """Do it. Ends after the first failed step; an OperatorError becomes that step."""
    clock = _Clock("images", "Images of the workspace")
    try:
        with closing(Session(job.context)) as session:
            yield clock.running()
            image, count = _accelerated(session)
            yield clock.done(f"{counted(count, 'image')}; {image.name}:{image.version} is accelerated and built")

            clock = _Clock("registry", "Credentials of the registry")
            yield clock.running()
            credentials = session.workspace.registry_credentials()
            yield clock.done(f"{credentials.username} at {credentials.server}")

            clock = _Clock("messages", "The recorder receives")
            yield clock.running()
            session.messages.open()
            session.messages.wait_until_receiving(30)
            yield clock.done("journal at its place")

            clock = _Clock("deploy", "Deploy host and client")
            yield clock.running()
            client = ClientRequest(job.client_image, CLIENT, "client-resnet50", {"wait": _WAIT})
            deployer = session.deployer
            plan = deployer.plan(
                DeployRequest(image, job.context.device, HOST, "fpga-host", restart_policy="always", client=client)
            )
            applied = deployer.apply(plan)
            yield clock.done(f"{counted(len(plan.diff), 'line')} of difference, version {applied.version}")

            clock = _Clock("rollout", "Rollout")
            steps: Sequence[Step] = ()
            for steps in deployer.rollout(deployer.watch(plan, applied), every=1.0, timeout=job.seconds):
                stopped = failed(steps)
                if stopped is not None:
                    raise OperatorError(f"{stopped.title}: {stopped.detail}", remedy=stopped.remedy, code="rollout.stopped")
                current = next((step for step in steps if step.state == "running"), None)
                yield clock.running(current.title if current else "")
            if any(step.state in ("running", "waiting") for step in steps):
                raise OperatorError(
                    f"The rollout did not come to its end in {job.seconds:.0f} s.",
                    cause="A step above still runs; the machine may be slow.",
                    remedy="Look at what it waits for: dbe-console modules, dbe-console doctor.",
                    code="rollout.timeout",
                )
            yield clock.done(", ".join(f"{step.name} {step.seconds:.1f} s" for step in steps if step.seconds is not None))

            clock = _Clock("results", f"{job.results} inference results, top class right")
            yield from _results(job, session, clock)
    except OperatorError as error:
        yield clock.failed(error)


def _accelerated(session: Session) -> tuple[WorkspaceImage, int]:
    images = session.workspace.images()
    for image in images:
        if image.accelerated and image.deployable and "resnet50" in image.name:
            return image, len(images)
    raise OperatorError(
        "The workspace has no accelerated ResNet-50 image whose build succeeded.",
        remedy="Convert a model and create an AccelContainerImage first.",
        code="workspace.no-image",
    )


def _results(job: MainJob, session: Session, clock: _Clock) -> Iterator[Step]:
    until = time.monotonic() + job.seconds
    last_count = -1
    while time.monotonic() < until:
        messages = session.messages.results(job.context.device)
        right = []
        for message in messages:
            expected = job.expected.get(PurePosixPath(message.picture).name)
            if expected is not None and message.label != expected:
                raise OperatorError(
                    f"{message.picture} was classified as {message.label}, and {expected} is to be seen on it.",
                    cause="The host scores with another network or another reading of pictures than the shipped ones were checked with.",
                    remedy="Compare: dbe-console score PICTURE; then install dbe-console anew.",
                    code="check.class",
                )
            right += [message] if expected else []
        if len(right) >= job.results:
            last = right[-1]
            picture = PurePosixPath(last.picture).name
            yield clock.done(f"{len(right)} right, the last {picture} → {last.label} ({last.confidence or 0:.2f})")
            return
        if len(right) != last_count:
            last_count = len(right)
            yield clock.running(f"{last_count} of {job.results}")
        time.sleep(0.2)
    raise OperatorError(
        f"Only {last_count} of {job.results} inference results arrived in {job.seconds:.0f} s.",
        cause="The client does not score, does not send, or the events do not come through.",
        remedy="See which: dbe-console logs azureml-client, dbe-console doctor.",
        code="check.results",
    )
