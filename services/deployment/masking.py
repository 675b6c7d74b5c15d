"""Secrets of a manifest: found, masked for the screen, left out of the history, put back for a rollback."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.deployment.manifest import DESIRED, compact
from services.diagnosis.mask import MASK, mask
from services.errors import OperatorError
from services.hub.chunks import ChunkGap, chunk, is_chunk, join
from services.hub.client import AGENT
from services.hub.tolerant import mapping
from services.hub.twin import settings_of

_NAME = re.compile(
    r"pass(word|wd|phrase)|(^|[_-])(pwd|pw|sas|sig|auth)($|[_-])|secret|token(?!iz)|credential|authorization|signature|conn(ection)?_?str(ing)?|[_-]connection$|"
    r"(access|account|api|primary|secondary|private|shared|symmetric|encryption|subscription)_?key|(^|[_-])key($|[_-])",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.+)\Z", re.DOTALL)
Path = tuple[str, ...]


def expanded(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content`` with every module's create options joined and, where they are JSON, as an object: the form for reading and
    comparing."""
    copied = copy.deepcopy(dict(content))
    for module in _modules(copied):
        settings = dict(settings_of(module))
        try:
            text = join(settings)
        except ChunkGap:
            continue
        kept = {key: value for key, value in settings.items() if not is_chunk(key)}
        try:
            options: Any = json.loads(text) if text else ""
        except (ValueError, RecursionError):
            options = text
        module["settings"] = {**kept, "createOptions": options if isinstance(options, dict) else text}
    return copied


def collapsed(content: Mapping[str, Any]) -> dict[str, Any]:
    """``expanded`` undone: create options as minified text in chunks."""
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


def secret_places(content: Mapping[str, Any]) -> dict[Path, str]:
    """Every secret of an expanded manifest: its path and its value."""
    return dict(_places(content, ()))


def _places(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    yield from ((place, text) for place, text in _strings(value, path) if text and _is_secret(place, text))


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every string with its path. An entry ``NAME=value`` of a list goes by ``NAME=``, since lists are reordered; others by
    their index."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _strings(inner, (*path, _entry_name(inner) or str(index)))
    elif isinstance(value, str):
        yield path, value


def _entry_name(value: Any) -> str:
    entry = _ENTRY.match(value) if isinstance(value, str) else None
    return f"{entry.group(1)}=" if entry else ""


def _is_secret(path: Path, value: str) -> bool:
    if path[-1] == "route" or "routes" in path[-2:]:
        return False
    # env: {NAME: {value: …}}
    name = path[-2] if path[-1] == "value" and len(path) > 1 else path[-1]
    if _NAME.search(name):
        return True
    entry = _ENTRY.match(value) if len(path) > 1 and path[-2].lower() == "env" else None
    return bool(entry and _NAME.search(entry.group(1))) or mask(value) != value


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of that name holds a secret."""
    return _NAME.search(name) is not None


def _hidden(value: str) -> str:
    """The stand-in of a secret; of ``NAME=value`` the name stays."""
    entry = _ENTRY.match(value)
    return f"{entry.group(1)}={MASK}" if entry and _NAME.search(entry.group(1)) and ";" not in value else MASK


def masked(content: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An expanded manifest without its secrets; with ``before`` those that differ from it are marked as changed."""
    hidden = expanded(content)
    old = secret_places(expanded(before)) if before is not None else None
    for path, value in secret_places(hidden).items():
        changed = old is not None and old.get(path) != value
        _put(hidden, path, _hidden(value) + (" (changed)" if changed and old and path in old else ""))
    return hidden


def restored(
    stored: Mapping[str, Any], current: Mapping[str, Any], known: Mapping[Path, str] | None = None
) -> tuple[dict[str, Any], list[Path]]:
    """A ``masked`` manifest from the history with its secrets put back from ``current`` (and ``known``), and the paths still
    missing.

    ``current`` and the result are manifests as a device has them; the result can be applied once no path is missing.
    """
    filled = copy.deepcopy(dict(stored))
    now = expanded(current)
    hidden_now = masked(current)
    sources = secret_places(now)
    missing = []
    for path, value in list(_strings(filled, ())):
        if MASK not in value:
            continue
        # A place by index is the same place only while its list is the same.
        moved = path[-1].isdigit() and _at(stored, path[:-1]) != _at(hidden_now, path[:-1])
        if known and path in known:
            _put(filled, path, known[path])
        elif path in sources and not moved:
            _put(filled, path, sources[path])
        else:
            missing.append(path)
    return _as_they_stand(collapsed(filled), current), missing


def unmasked(content: Mapping[str, Any], current: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """A manifest out of a file; one that was written out masked gets its secrets from the ``current`` one, asked for only then.

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
    """``content`` in which a module that means the same as the device's is the device's, to the letter."""
    sections = [
        _at(part, ("modulesContent", AGENT, DESIRED)) for part in (content, current, expanded(content), expanded(current))
    ]
    for section in ("systemModules", "modules"):
        made, now, made_meaning, now_meaning = (mapping(mapping(part).get(section)) for part in sections)
        for name in made.keys() & now.keys():
            if made_meaning[name] == now_meaning[name]:
                content["modulesContent"][AGENT][DESIRED][section][name] = copy.deepcopy(now[name])
    return content


def _index(place: list[Any], key: str) -> int:
    if key.endswith("="):
        return next(index for index, value in enumerate(place) if _entry_name(value) == key)
    return int(key)


def _at(content: Any, path: Path) -> Any:
    place = content
    for key in path:
        if isinstance(place, dict) and key in place:
            place = place[key]
        elif isinstance(place, list) and key.isdigit() and int(key) < len(place):
            place = place[int(key)]
        else:
            return None
    return place


def _put(content: Any, path: Path, value: str) -> None:
    place = content
    for key in path[:-1]:
        place = place[_index(place, key)] if isinstance(place, list) else place[key]
    if isinstance(place, list):
        place[_index(place, path[-1])] = value
    else:
        place[path[-1]] = value
