"""Desired properties of one module's twin, edited as JSON: secrets masked, a diff before, the twin's etag as the guard."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.deployment.history import History
from services.deployment.manifest.diff import az_hub_name, diff
from services.deployment.manifest.masking import masked, restored
from services.diagnosis import explain
from services.errors import OperatorError
from services.hub.client import AGENT, EDGE_HUB, Hub
from services.hub.field_readers import mapping, number, word
from services.json_reader import JsonError, read_json
from services.records import DiffLine, Evidence, states

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TwinEdit:
    """A change of desired properties, planned on the twin that carries ``etag``.

    ``patch`` is a merge patch (null removes) and may hold secrets; ``diff`` and ``command`` hold none.
    """

    device: str
    module: str
    etag: str
    version: int | None
    before: Json
    after: Json
    patch: Json
    diff: tuple[DiffLine, ...]
    command: str

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.patch


class TwinChanged(OperatorError):
    """Somebody else changed the twin after the edit was planned; nothing was sent."""


def desired_of(twin: Mapping[str, Any]) -> Json:
    """Return the desired properties without the hub's own ``$version`` and ``$metadata``; they may hold secrets."""
    desired = mapping(mapping(twin.get("properties")).get("desired"))
    return {key: value for key, value in desired.items() if not key.startswith("$")}


def editable(twin: Mapping[str, Any]) -> str:
    """Return the desired properties as JSON to edit; secrets stand as ``•••(a1b2c3)`` and stay what they are where that is left alone."""
    return json.dumps(masked(desired_of(twin)), indent=2, ensure_ascii=False)


def plan(host: str, device: str, module: str, twin: Mapping[str, Any], text: str) -> TwinEdit:
    """Return what sending ``text`` (all desired properties as JSON) would change of ``twin``.

    Raises OperatorError where it is no JSON object, or keeps a mask where the twin has no secret.
    """
    if module in (AGENT, EDGE_HUB):
        raise explain(Evidence("hub", status=401, code="401100"))
    try:
        edited = read_json(text)
    except JsonError as error:
        raise _bad(str(error)) from None
    if not isinstance(edited, dict):
        raise _bad("Desired properties are a JSON object: {…}.")
    before = desired_of(twin)
    after, missing = restored(edited, before)
    if missing:
        raise _bad(f"{'.'.join(missing[0])} is masked, and there is no such secret in the twin to put there.")
    patch = merge_patch(before, after)
    lines = diff(before, after)
    patch_text = json.dumps(merge_patch(masked(before), masked(after)), separators=(",", ":"), ensure_ascii=False)
    command = (
        f"az iot hub module-twin update --hub-name {az_hub_name(host)} --device-id {shlex.quote(device)} "
        f"--module-id {shlex.quote(module)} --desired {shlex.quote(patch_text)}"
    )
    version = number(mapping(mapping(twin.get("properties")).get("desired")).get("$version"))
    return TwinEdit(device, module, word(twin.get("etag")), version, before, after, patch, lines, command)


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Return the smallest merge patch from one to the other: null for what is gone, objects merged, anything else replaced."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = merge_patch(old, value)
            if inner:
                patch[key] = inner
        elif key not in before or value != old or type(value) is not type(old):
            patch[key] = value
    return patch


def rebase(text: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return ``text``, an edit of the twin ``before``, on top of the twin as it is ``now``.

    What was changed stays changed, the rest is the hub's. Masked as ``editable`` masks; a secret that was typed stays as typed.
    """
    patch = merge_patch(masked(desired_of(before)), read_json(text))
    return json.dumps(_merged(masked(desired_of(now)), patch), indent=2, ensure_ascii=False)


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), inner)
    return result


def apply(hub: Hub, edit: TwinEdit, context: str = "", history: History | None = None) -> Json:
    """Send an edit where the twin is still the one that it was planned on; the new twin. The history keeps it, without secrets.

    Raises TwinChanged where the etag no longer holds, OperatorError for what the hub refuses ($edgeAgent and $edgeHub change
    by a deployment only).
    """
    audit = history or History()
    summary = f"twin of {edit.module}: {', '.join(list(edit.patch)[:5])}"
    entry = audit.begin(context=context, host=hub.host, device=edit.device, route="twin", summary=summary)
    try:
        twin = hub.patch_module_twin(edit.device, edit.module, edit.patch, edit.etag)
    except OperatorError as error:
        audit.end(entry, "failed", error.what)
        if error.state == states.CHANGED_MEANWHILE:
            raise TwinChanged(
                f"The twin of {edit.module} was changed by somebody else in the meantime; nothing was sent.",
                cause=f"It no longer has the etag {edit.etag}.",
                remedy="Read it again and make the edit on top of theirs.",
                code="twin.changed-meanwhile",
                raw=error.raw,
            ) from None
        raise
    audit.end(entry, "applied")
    return twin


def _bad(cause: str) -> OperatorError:
    return OperatorError(
        "These desired properties cannot be sent.", cause=cause, remedy="Mend the text; nothing was sent.", code="twin.bad-edit"
    )
