"""A manifest as a file: what ``az iot edge set-modules --content`` takes, read, filled in and written."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.deployment.manifest.content import DESIRED
from services.deployment.manifest.masking import expanded
from services.deployment.options.located_json import BrokenJson, Lines, read
from services.errors import OperatorError
from services.files import write
from services.hub.client import AGENT, EDGE_HUB
from services.hub.field_readers import mapping
from services.masking import Masking, is_secret_name
from services.text import one_line

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")

# Where a manifest has objects of names; anything else there would be taken for none.
_OBJECTS: dict[str, tuple[tuple[str, ...], ...]] = {
    AGENT: (("modules",), ("systemModules",), ("runtime", "settings", "registryCredentials")),
    EDGE_HUB: (("routes",),),
}


def load(text: str) -> dict[str, Any]:
    """Return a manifest from a file's text: with or without ``modulesContent`` around it, or a deployment at scale's ``content``.

    Raises OperatorError for what is no manifest, and for what would be lost without a word: keys written twice, those of a
    layered deployment, and others beside ``properties.desired``.
    """
    try:
        root = read(text)
    except BrokenJson as error:
        raise _no_json(text, error.offset, error.message, error.remedy) from error
    for member in root.doubled():
        message = f"{one_line(member.key, 80)} is written twice in one object, and only the last would count"
        raise _no_json(text, member.offset, message, "Delete one of them.")
    fields = mapping(root.plain())
    inner = mapping(fields.get("content")) or fields
    if "modulesContent" not in inner and AGENT in inner:
        inner = {"modulesContent": dict(inner)}
    # As az does: the name that the preview of IoT Edge had, where it is no automatic configuration of a module.
    if "modulesContent" not in inner and AGENT in mapping(inner.get("moduleContent")):
        inner = {"modulesContent": inner["moduleContent"]}
    modules = mapping(inner.get("modulesContent"))
    if not modules or not all(isinstance(section, dict) for section in modules.values()):
        raise OperatorError(
            "The file is no manifest.",
            cause='It has no {"modulesContent": {"$edgeAgent": …}}.',
            remedy="Use what `az iot edge set-modules --content` takes, or what `dbe-console manifest export` writes.",
            code="manifest.shape",
        )
    for name, section in modules.items():
        for key in section:
            if key != DESIRED:
                raise _not_desired(one_line(name, 80), one_line(key, 120))
        for keys in _OBJECTS.get(name, ((),)):
            if place := _other_shape(section.get(DESIRED), keys, name):
                raise OperatorError(
                    f"The manifest's {one_line(place, 120)} is no object.",
                    cause="Names and what they stand for belong there: { … }. Merged as it is, it would be passed over.",
                    remedy="Compare it with what `dbe-console manifest export` writes.",
                    code="manifest.shape",
                )
    return {"modulesContent": copy.deepcopy(dict(modules))}


def _no_json(text: str, offset: int, message: str, remedy: str) -> OperatorError:
    line, column = Lines(text).place(offset)
    cause = f"Line {line}, column {column}: {one_line(message, 160)}."
    return OperatorError("The manifest is no JSON.", cause=cause, remedy=remedy, code="manifest.json")


def _other_shape(desired: Any, keys: tuple[str, ...], path: str) -> str:
    """Return the place on a path of keys that holds something that is no object; "" where there is none."""
    for key in ("", *keys):
        desired = desired.get(key) if key else desired
        path = f"{path}.{key}" if key else path
        if desired is None:
            return ""
        if not isinstance(desired, dict):
            return path
    return ""


def _not_desired(name: str, key: str) -> OperatorError:
    if key.startswith(f"{DESIRED}."):
        path = key.removeprefix(f"{DESIRED}.").split(".")
        nested = "".join(f'{{"{part}": ' for part in path) + "…" + "}" * len(path)
        return OperatorError(
            f"The file is a layered deployment: {name} has {key}.",
            cause="Such keys are for deployments at scale, which the hub lays over a device's own; a device's manifest has none.",
            remedy=f'Write it as "{DESIRED}": {nested}, or give the file to: az iot edge deployment create --layered',
            code="manifest.layered",
        )
    return OperatorError(
        f"The manifest's {name} has {key}, which a manifest does not have.",
        cause=f"Everything of a module stands under {DESIRED}; the hub refuses other keys.",
        remedy=f"Move it into {DESIRED}, or delete it.",
        code="manifest.shape",
    )


def fill(content: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Replace ``$NAME`` and ``${NAME}`` in the texts and keys of ``content`` by ``values``; ``$upstream`` and the like stay."""

    def filled(node: Any) -> Any:
        if isinstance(node, str):
            return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), node)
        if isinstance(node, dict):
            return {filled(key): filled(value) for key, value in node.items()}
        return [filled(item) for item in node] if isinstance(node, list) else node

    complete: dict[str, Any] = filled(dict(content))
    return complete


def variables(content: Any) -> list[str]:
    """Return the ``$NAME``s that a manifest leaves to be filled in, in their order.

    ``$edgeAgent`` and other names with small letters are the runtime's own.
    """
    if isinstance(content, str):
        names = [match[1] or match[2] for match in _VARIABLE.finditer(content)]
    elif isinstance(content, Mapping):
        names = [name for item in content.items() for part in item for name in variables(part)]
    else:
        names = [name for item in content for name in variables(item)] if isinstance(content, list) else []
    return list(dict.fromkeys(name for name in names if name == name.upper()))


def secret_variables(content: Mapping[str, Any]) -> set[str]:
    """Return the ``variables`` whose values are secrets by the one rule of masking: by their own names, or by where they stand."""
    names = variables(content)
    stand_ins = {name: f"variable-number-{number}-here" for number, name in enumerate(names)}
    masked_text = json.dumps(Masking().tree(expanded(fill(content, stand_ins))), ensure_ascii=False)
    return {name for name in names if is_secret_name(name) or stand_ins[name] not in masked_text}


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write a manifest, secrets included, into a file of mode 0600; raises OperatorError."""
    write(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
