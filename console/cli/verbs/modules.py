"""``dbe-console modules``: a device's modules, asked for against reported."""

from __future__ import annotations

import argparse
from typing import Any

from console.cli.output import Call
from console.cli.verbs._confirmation import device_of
from console.cli.verbs._names import DeviceName
from services.diagnosis import diagnose_state
from services.diagnosis.lifecycle import sentence, unsupported
from services.diagnosis.liveness import judge_again
from services.operations.device_reading import read_whole
from services.operations.last_messages import last_messages_of
from services.records import PING_COST, Finding, Module, states
from services.text import one_line
from services.times import now

HELP = "list a device's modules: what is asked for, what the device reports, and why they differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", action=DeviceName, default="", help="the device instead of the context's")
    parser.add_argument("--json", action="store_true", help="one JSON list")


def run(call: Call) -> int:
    """Print a table, or a list; what is wrong goes to standard error."""
    context = call.context()
    with call.session() as session:
        hub = session.hub
        state = read_whole(hub, device_of(call, context))
        if state.liveness is not None and state.liveness.word != "alive":
            newest, _ = last_messages_of(context)
            state = judge_again(state, message=newest.get(state.device.id))
        findings = diagnose_state(state)
        today = now().date()
        rows = []
        for module in state.modules:
            finding = findings.get(module.name)
            words = {} if call.as_json else _words(module, finding)
            named = {
                "finding": finding.state if finding else None,
                "out_of_support": [product.name for product in unsupported(state, today, module)],
            }
            rows.append({**_row(module), **named, **words})
        call.table(("name", "state", "since", "restarts", "image", "reason"), rows)
        if state.liveness is not None:
            ask = f"; ask: dbe-console method ping ({PING_COST} messages of the quota)" if state.liveness.unasked else ""
            call.progress(f"{state.device.id}: {state.liveness.text}{ask}")
        for name, finding in findings.items():
            # That modules are in trouble is told by each of them.
            if finding.severity in ("warning", "error") and finding.state != states.MODULE_TROUBLE:
                likely = "likely: " if finding.likely else ""
                cause = one_line(finding.cause, 400)
                call.progress(f"{name or state.device.id}: {likely}{finding.reason}. {cause} {finding.remedy}")
        ended = sentence(unsupported(state, today))
        if ended:
            call.progress(f"{state.device.id}: {ended}")
        for configuration in state.configurations:
            call.progress(f"deployment at scale {configuration.id}: {configuration.status}")
        call.progress(hub.meter.note)
        return 0


def _words(module: Module, finding: Finding | None) -> dict[str, str]:
    """Return what a module's row says to people: its state and the reason in words, and its image without the registry."""
    runtime = module.reported.runtime_status if module.reported else "not reported"
    reason = f"{'likely: ' if finding.likely else ''}{finding.reason}" if finding and finding.severity != "ok" else ""
    return {"state": finding.word if finding else runtime, "reason": reason, "image": module.short_image}


def _row(module: Module) -> dict[str, Any]:
    desired, reported = module.desired, module.reported
    since = (reported.last_start if reported.runtime_status == "running" else reported.last_exit) if reported else None
    return {
        "name": module.name,
        "system": module.system,
        "desired": desired.status if desired else None,
        "runtime": reported.runtime_status if reported else None,
        "restarts": reported.restart_count if reported else None,
        "exit_code": reported.exit_code if reported else None,
        "since": since,
        "image": module.image,
        "running_image": reported.image if reported else None,
        "description": reported.description if reported else None,
    }
