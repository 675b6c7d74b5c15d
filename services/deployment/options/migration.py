"""Move a host's create options off the FPGA: what only the FPGA needs goes, a preset's is put in, the rest stays."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.deployment.options.presets import render
from services.diagnosis.twin_evidence import FPGA, Options
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.masking import mask_document
from services.records import DiffLine, DiffSign, Preset

_PORT = "50051/tcp"  # that the FPGA's host listens on
_KUBERNETES, _FPGA_RESOURCE, _WIRESERVER = "k8s-experimental", "fpga_catapult", "WIRESERVER_ADDRESS"
_SIGNS: dict[str, DiffSign] = {"-": "-", "+": "+", " ": " "}
_IMAGE = "The FPGA's image does not run elsewhere: deploy one that serves the model there."


@dataclass(frozen=True, slots=True)
class Migration:
    """Create options for another kind of host, and what is different: in sentences, and line by line with secrets masked."""

    text: str
    values: Mapping[str, str]  # of the preset's fields, where they are not its defaults
    sentences: tuple[str, ...]
    diff: tuple[DiffLine, ...]


def uses_fpga(text: str) -> bool:
    """Return whether create options ask for the FPGA."""
    return Options.read(text).fpga


def _values_to_keep(text: str, preset: Preset) -> dict[str, str]:
    """Return the fields of ``preset`` that the present options answer already: the port on the device of the same port inside."""
    bindings = Options.read(text).ports
    return {"port": str(bindings[0])} if len(bindings) == 1 and _PORT in _bindings(preset.template) else {}


def _bindings(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the port bindings of options that are sound."""
    host = options.get("HostConfig")
    bindings = host.get("PortBindings") if isinstance(host, dict) else None
    return bindings if isinstance(bindings, dict) else {}


def migrate(text: str, preset: Preset, values: Mapping[str, str] | None = None) -> Migration:
    """Return the options moved to a preset that needs no FPGA. Raises OperatorError for options that are no JSON object."""
    try:
        before = read_json(text)
    except JsonError as error:
        raise _unreadable(str(error)) from error
    if not isinstance(before, dict):
        raise _unreadable("They are no JSON object.")
    fields = {**_values_to_keep(text, preset), **(values or {})}
    rendered = render(preset, fields)
    if uses_fpga(rendered):
        raise OperatorError(
            f"The preset {preset.name} needs the FPGA itself.",
            remedy="Choose one without it: gpu-host, cpu-host-grpc.",
            code="options.migration",
        )
    options = json.loads(json.dumps(before))
    removals = list(_without_fpga(options)) if uses_fpga(text) else []
    if removals and _PORT not in _bindings(preset.template) and _PORT in _bindings(options):
        del options["HostConfig"]["PortBindings"][_PORT]
        removals.append(f"port {_PORT}")
    additions = list(_put(options, json.loads(rendered), ""))
    after = json.dumps(options, indent=2, ensure_ascii=False)
    sentences = [f"Takes away {', '.join(removals)}."] if removals else ["Nothing in it is the FPGA's."]
    sentences += [f"Puts in {', '.join(additions)}."] if additions else []
    sentences += [_IMAGE] if removals else []
    return Migration(after, fields, tuple(sentences), _difference(json.dumps(before, indent=2, ensure_ascii=False), after))


def _without_fpga(options: dict[str, Any]) -> Iterator[str]:
    """Take away what only the FPGA needs, and yield its names."""
    host = options.get("HostConfig")
    if isinstance(host, dict):
        devices = host.get("Devices")
        if isinstance(devices, list):
            kept = [each for each in devices if not (isinstance(each, dict) and FPGA in str(each.get("PathOnHost")))]
            yield from (str(each["PathOnHost"]) for each in devices if each not in kept)
            host["Devices"] = kept
            if not kept:
                del host["Devices"]
        if host.pop("Privileged", None) is True:  # for the FPGA's device files alone
            yield "Privileged"
    kubernetes = options.get(_KUBERNETES)
    if isinstance(kubernetes, dict) and _FPGA_RESOURCE in json.dumps(kubernetes):
        resources = kubernetes.get("resources")
        for amounts in resources.values() if isinstance(resources, dict) else ():
            for name in [name for name in amounts if _FPGA_RESOURCE in name] if isinstance(amounts, dict) else ():
                del amounts[name]
        if isinstance(resources, dict) and not any(resources.values()):
            del kubernetes["resources"]
        if not kubernetes:
            del options[_KUBERNETES]
        yield f"{_KUBERNETES} of the FPGA"
    env = options.get("Env")
    if isinstance(env, list) and any(str(each).startswith(_WIRESERVER) for each in env):
        options["Env"] = [each for each in env if not str(each).startswith(_WIRESERVER)]
        if not options["Env"]:
            del options["Env"]
        yield _WIRESERVER


def _put(options: dict[str, Any], addition: Mapping[str, Any], path: str) -> Iterator[str]:
    """Merge a preset's options in, and yield the paths that are new or have another value."""
    for key, value in addition.items():
        place, present = f"{path}{key}", options.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            yield from _put(present, value, f"{place}.")
        elif key == "Env" and isinstance(present, list):
            names = {str(each).partition("=")[0] for each in value}
            options[key] = [each for each in present if str(each).partition("=")[0] not in names] + value
            yield from (f"{place} {each}" for each in value if each not in present)
        elif present != value:
            options[key] = value
            yield place if isinstance(value, (dict, list)) else f"{place} {value}"


def _difference(before: str, after: str) -> tuple[DiffLine, ...]:
    old, new = (mask_document(text).split("\n") for text in (before, after))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    return tuple(DiffLine("@", line) if line[:1] == "@" else DiffLine(_SIGNS[line[:1]], line[1:]) for line in lines)


def _unreadable(cause: str) -> OperatorError:
    return OperatorError(
        "These create options cannot be moved.",
        cause=cause,
        remedy="See where: dbe-console options check FILE.",
        code="options.json",
    )
