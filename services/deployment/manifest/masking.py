"""Manifests without their secrets, for the screen and the history, and the secrets put back for a rollback.

What is a secret is the one rule of services.masking; a stand-in carries a digest, so that a changed secret is seen to have changed.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.chunks import ChunkGap, chunk, is_chunk, join
from services.deployment.manifest.content import DESIRED, compact
from services.deployment.manifest.mask_key import hide_with_digest
from services.deployment.manifest.restoring import Path, Restoring
from services.errors import OperatorError
from services.hub.client import AGENT
from services.hub.field_readers import mapping
from services.hub.twin import settings_of
from services.masking import MASK, Masking

__all__ = ["Path", "collapsed", "expanded", "masked", "masked_text", "restored", "unmasked"]


def expanded(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``content`` with every module's create options joined and, where they are JSON, as an object.

    This is the form for reading and comparing.
    """
    copied = copy.deepcopy(dict(content))
    for module in _modules(copied):
        settings = dict(settings_of(module))
        try:
            text = join(settings)
        except ChunkGap:
            continue
        other_settings = {key: value for key, value in settings.items() if not is_chunk(key)}
        try:
            options: Any = json.loads(text) if text else ""
        except (ValueError, RecursionError):
            options = text
        module["settings"] = {**other_settings, "createOptions": options if isinstance(options, dict) else text}
    return copied


def collapsed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``expanded`` undone: create options as minified text in chunks."""
    copied = copy.deepcopy(dict(content))
    for module in _modules(copied):
        settings = mapping(module.get("settings"))
        options = settings.get("createOptions")
        if isinstance(options, dict):
            text = compact(json.dumps(options))
        elif isinstance(options, str) and not any(is_chunk(key) and key != "createOptions" for key in settings):
            text = options
        else:
            continue
        module["settings"] = {**{key: value for key, value in settings.items() if not is_chunk(key)}, **chunk(text)}
    return copied


def _modules(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    agent = mapping(mapping(mapping(content.get("modulesContent")).get(AGENT)).get(DESIRED))
    for section in ("systemModules", "modules"):
        yield from (module for module in mapping(agent.get(section)).values() if isinstance(module, dict))


def masked(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an expanded manifest, or another tree of JSON, without its secrets: ``•••(a1b2c3)`` stands for each, the same for the same."""
    hidden: dict[str, Any] = Masking(hide_with_digest()).tree(expanded(content))
    return hidden


def masked_text(text: str) -> str:
    """Return a text of the history without its secrets."""
    return Masking(hide_with_digest()).text(text)


def restored(
    stored: Mapping[str, Any], current: Mapping[str, Any], known: Mapping[Path, str] | None = None
) -> tuple[dict[str, Any], list[Path]]:
    """Return a ``masked`` manifest with its secrets put back from ``current`` (and ``known``), and the paths still missing.

    ``current`` and the result are manifests as a device has them; the result can be applied once no path is missing.
    """
    restoring = Restoring(expanded(current), hide_with_digest(), known or {})
    filled = restoring.filled(stored)
    return _as_they_stand(collapsed(filled), current), restoring.missing


def unmasked(content: Mapping[str, Any], current: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a manifest out of a file; one that was written out masked gets its secrets from the ``current`` one, asked for only then.

    Raises OperatorError where a mask stands for what the current one does not have: it would be sent as it is.
    """
    if MASK not in json.dumps(content, ensure_ascii=False):
        return content
    filled, missing = restored(content, current())
    if missing:
        raise OperatorError(
            f"{'.'.join(missing[0])} is masked in the file, and the device has no such secret to put there.",
            cause="The file was written out for reading, without its secrets.",
            remedy="Use one with them: dbe-console manifest export FILE. Or write $NAME there, and fill it in with --set-file.",
            code="manifest.masked",
        )
    return filled


def _as_they_stand(content: dict[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``content`` in which a module that means the same as the device's is the device's, to the letter."""
    sections = [
        mapping(mapping(mapping(part.get("modulesContent")).get(AGENT)).get(DESIRED))
        for part in (content, current, expanded(content), expanded(current))
    ]
    for section in ("systemModules", "modules"):
        filled, now, filled_meaning, now_meaning = (mapping(part.get(section)) for part in sections)
        for name in filled.keys() & now.keys():
            if filled_meaning[name] == now_meaning[name]:
                content["modulesContent"][AGENT][DESIRED][section][name] = copy.deepcopy(now[name])
    return content
