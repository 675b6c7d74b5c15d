"""Two manifests side by side, as an operator reads them, and the commands of the Azure CLI that do the same."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Mapping
from typing import Any

from services.deployment.manifest.masking import expanded, masked
from services.records import DiffLine, DiffSign
from services.text import clean

_SIGNS: dict[str, DiffSign] = {"-": "-", "+": "+", " ": " "}
_CONTEXT = 3


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[DiffLine, ...]:
    """Return the exact difference of two manifests; empty where they are equal.

    Secrets are masked (the digest of a changed one is another), create options written out.
    """
    old, new = _lines(masked(before)), _lines(masked(after))
    lines = []
    for line in difflib.unified_diff(old, new, lineterm="", n=_CONTEXT):
        if line.startswith(("---", "+++")) and line[3:].strip() == "":
            continue
        sign = line[:1]
        if sign == "@":
            lines.append(DiffLine("@", line))
        elif sign in _SIGNS:
            lines.append(DiffLine(_SIGNS[sign], line[1:]))
    return tuple(lines)


def _lines(content: Mapping[str, Any]) -> list[str]:
    return [clean(line) for line in json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).split("\n")]


def unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether two manifests ask the same of the device; the secrets count."""
    return expanded(before) == expanded(after)


def az_commands(host: str, device_id: str, content_file: str = "deployment.json") -> tuple[str, ...]:
    """Return what does the same with the Azure CLI: the manifest (``manifest export`` writes it) set on the device. Holds no secret."""
    hub = az_hub_name(host)
    device, path = shlex.quote(device_id), shlex.quote(content_file)
    return (f"az iot edge set-modules --hub-name {hub} --device-id {device} --content {path}",)


def az_method(host: str, device_id: str, method: str, payload: Any, module: str | None = "$edgeAgent") -> str:
    """Return a direct method of a module (``None``: of the device itself) with the Azure CLI."""
    body = shlex.quote(json.dumps(payload, separators=(",", ":"), ensure_ascii=False))
    whose = f"module-method --module-id {shlex.quote(module)}" if module else "device-method"
    return (
        f"az iot hub invoke-{whose} --hub-name {az_hub_name(host)} --device-id {shlex.quote(device_id)} "
        f"--method-name {shlex.quote(method)} --method-payload {body}"
    )


def az_hub_name(host: str) -> str:
    """Return ``NAME`` of ``NAME.azure-devices.net``; any other host as it is."""
    name = host.partition(":")[0]
    return shlex.quote(name.partition(".")[0] if name.endswith(".azure-devices.net") else host)
