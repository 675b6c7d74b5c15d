"""What a configuration puts on devices: whole edge deployments, layers over them, device and module twins' settings.

Source: docs/facts/fleets.md (1a, 1g); the az extension's tests/iothub/configurations.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.lab.cloud.hub.errors import HubError, section
from services.lab.cloud.hub.twins import merge

Json = dict[str, Any]
SYSTEM = ("$edgeAgent", "$edgeHub")
KINDS = ("modulesContent", "deviceContent", "moduleContent")
_WHOLE = "properties.desired"
_PATH = re.compile(r"properties\.desired(\.[^.\s]+)*")


def invalid(why: str) -> HubError:
    """Return the refusal of a content."""
    return HubError(400402, f"The content provided for configuration is invalid. Please check and try again. {why}".strip())


def kind_of(content: Mapping[str, Any]) -> str:
    """Return which of KINDS a content is, "" for an empty one."""
    present = [name for name in KINDS if content.get(name)]
    if len(present) > 1 or (content and not present):
        raise invalid(f"It must have one of {', '.join(KINDS)}.")
    return present[0] if present else ""


def modules_of(content: Mapping[str, Any]) -> dict[str, Json]:
    """Return module → sections (``properties.desired…`` → value) of a ``modulesContent``, checked."""
    modules = content.get("modulesContent")
    if not isinstance(modules, dict) or not modules or content.get("deviceContent"):
        raise invalid("")
    for name, sections in modules.items():
        if name not in SYSTEM and not re.fullmatch(r"[A-Za-z0-9\-._:]{1,128}", name):
            raise invalid(f"Module id '{name}' is not valid.")
        if not isinstance(sections, dict) or not all(_PATH.fullmatch(key) for key in sections):
            raise invalid(f"The content of '{name}' must be '{_WHOLE}'.")
        if not isinstance(sections.get(_WHOLE, {}), dict):
            raise invalid(f"'{_WHOLE}' of '{name}' must be an object.")
    return modules


def is_layer(content: Mapping[str, Any]) -> bool:
    """Return whether an edge content is laid over another: it has no whole section of $edgeAgent or $edgeHub."""
    modules = modules_of(content)
    return not any(_WHOLE in modules.get(name, {}) for name in SYSTEM)


def _put(desired: Json, key: str, value: Any) -> None:
    """Put ``value`` in the place that ``properties.desired.a.b`` names; what was there goes."""
    path = key.split(".")[2:]
    if not path:
        desired.clear()
        desired.update(copy.deepcopy(value))
        return
    place = desired
    for step in path[:-1]:
        inner = place.get(step)
        if not isinstance(inner, dict):
            inner = place[step] = {}
        place = inner
    place[path[-1]] = copy.deepcopy(value)


def desired_of(content: Mapping[str, Any], layers: Iterable[Mapping[str, Any]] = ()) -> dict[str, Json]:
    """Return module → desired properties of a whole content with ``layers`` over it, the strongest last.

    HubError 400402 where a hub refuses the content.
    """
    modules = modules_of(content)
    if not all(name in modules for name in SYSTEM):
        raise invalid("$edgeAgent and $edgeHub must both be present.")
    desired: dict[str, Json] = {}
    for sections in (modules, *(modules_of(layer) for layer in layers)):
        for name, entries in sections.items():
            for key in sorted(entries, key=lambda one: one.count(".")):  # a whole section before what stands within it
                _put(desired.setdefault(name, {}), key, entries[key])
            desired.setdefault(name, {})
    for name in SYSTEM:
        if not isinstance(desired[name].get("schemaVersion"), str):
            raise invalid(f"{name} has no schemaVersion.")
    return desired


def layer_of(content: Mapping[str, Any]) -> dict[str, Json]:
    """Return module → what a layer by itself puts into that module's desired properties."""
    desired: dict[str, Json] = {}
    for name, entries in modules_of(content).items():
        for key in entries:
            _put(desired.setdefault(name, {}), key, entries[key])
    return desired


def patch_of(content: Mapping[str, Any]) -> Json:
    """Return the desired properties that a ``deviceContent`` or ``moduleContent`` sets: its keys are paths."""
    patch: Json = {}
    for path, value in section(content, "moduleContent" if content.get("moduleContent") else "deviceContent").items():
        if not _PATH.fullmatch(path):
            raise invalid(f"'{path}' is not below '{_WHOLE}'.")
        for step in reversed(path.split(".")[2:]):
            value = {step: value}
        if not isinstance(value, dict):
            raise invalid(f"'{_WHOLE}' must be an object.")
        merge(patch, value)
    return patch


def removal_of(patch: Mapping[str, Any]) -> Json:
    """Return the patch that takes away what ``patch`` set."""
    return {key: removal_of(value) if isinstance(value, Mapping) and value else None for key, value in patch.items()}


def overlaid(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Json:
    """Return ``lower`` with ``upper`` over it, nulls kept."""
    result = dict(lower)
    for key, value in upper.items():
        inner = result.get(key)
        result[key] = overlaid(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return result
