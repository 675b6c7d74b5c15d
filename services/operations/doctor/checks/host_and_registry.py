"""Checks of what stands around the device: registry, workspace, the host's own answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from services.deployment.image_check import credentials_of, registry_ca, registry_platform
from services.diagnosis import diagnose
from services.errors import OperatorError
from services.operations.client_complaints import of_host
from services.operations.doctor.checks.check import Outcome, SharedFacts, failed, neutral, ok, outcome_of
from services.operations.host import ask, host_endpoint, hosts, seen_from_here
from services.operations.parallel_calls import side_by_side
from services.records import Evidence

_LATE = 2.5  # seconds that the workspace may take without a word


def registry(facts: SharedFacts) -> Sequence[Outcome]:
    """Ask for each image that is deployed, with the deployment's own credentials."""
    from services.registry.api import check_image
    from services.registry.reference import parse_reference

    state = facts.twin()
    credentials, ca_file = credentials_of(state.desired), registry_ca(facts.context)

    def look(image: str) -> Outcome:
        named = {"name": f"registry:{image}", "title": f"Image {image.rpartition('/')[2]}"}
        if image.startswith("$upstream:"):
            return neutral("the parent device serves it", **named)
        try:
            reference = parse_reference(image)
            own_credentials = credentials.get(reference.server.lower())
            check_image(
                reference, own_credentials, registry_platform(state.platform), ca_file, facts.observe, context=facts.context
            )
        except OperatorError as error:
            if error.code.startswith("network."):
                # This machine need not have the way to the registry that the device has.
                return neutral(f"not reachable from here: {error.what}", **named)
            return failed(error, **named)
        return ok("is there, with the deployment's credentials" if own_credentials else "is there, without credentials", **named)

    own = [module.desired.image for module in state.modules if module.desired and not module.system and module.desired.image]
    return side_by_side(look, list(dict.fromkeys(own))) or [neutral("no images are deployed")]


def workspace(facts: SharedFacts) -> Outcome:
    """Check whether the Azure ML workspace answers."""
    if facts.context.workspace is None:
        return neutral("the context names none")
    from services.workspace.client import Workspace

    client = Workspace(facts.context, seconds=30)
    try:
        client.details()  # the first answer takes the SDK's start with it
        start = time.monotonic()
        client.details()
        took = time.monotonic() - start
    finally:
        client.close()
    if took > _LATE:
        text = f"the workspace answered after {took:.1f} s"
        return outcome_of(diagnose(Evidence("network", code="slow", text=text, seconds=took))[0])
    return ok(f"{facts.context.workspace.name} answers")


def hosts_answer(facts: SharedFacts) -> Sequence[Outcome]:
    """Ask each host once from here: by gRPC with a picture, or by HTTP."""
    state = facts.twin()
    address_and_ports = seen_from_here(facts.context, state.device.id)
    outcomes = []
    for module in hosts(state):
        endpoint = host_endpoint(state, module.name, *address_and_ports)
        if endpoint is None:
            continue
        name, title = f"host:{module.name}", f"Host {module.name} answers"
        answer = facts.answers[module.name] = ask(endpoint, 8.0)
        if answer.verdict == "yes":
            outcomes.append(ok(answer.detail, name=name, title=title))
        elif answer.verdict == "unreachable" or answer.error is None:
            outcomes.append(neutral(answer.detail, name=name, title=title))
        else:
            outcomes.append(outcome_of(of_host(state, module.name, answer), name=name, title=title))
    return outcomes or [neutral("no host module is deployed")]
