"""What create options stand in: the other modules of the device, and the room that its twin has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.chunks import ChunkGap, is_chunk, join
from services.deployment.options.size import DESIRED_AT_MOST, desired_size
from services.hub.field_readers import mapping
from services.hub.twin import settings_of


@dataclass(frozen=True, slots=True)
class Placement:
    """What the options will stand in: the module's name and image, and the create options of every other module, by name.

    ``system`` names those of the runtime, ``room`` the bytes of the twin that are free for these options (None where nothing
    is known of the device).
    """

    module: str = ""
    image: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    system: frozenset[str] = frozenset()
    room: int | None = None

    @classmethod
    def of(cls, agent: Mapping[str, Any], module: str, image: str = "") -> Placement:
        """Return the placement of a module, new or present, among $edgeAgent's desired properties.

        Stopped modules hold no port now, but will again.
        """
        system = mapping(agent.get("systemModules"))
        everything = {**system, **mapping(agent.get("modules"))}
        others = {name: _join(settings_of(mapping(entry))) for name, entry in everything.items() if name != module}
        own = mapping(everything.get(module))
        size_in_use = desired_size(dict(agent))
        size_in_use -= sum(desired_size({key: value}) for key, value in settings_of(own).items() if is_chunk(key))
        present = settings_of(own).get("image")
        image = image or (present if isinstance(present, str) else "")
        return cls(module, image, others, frozenset(system), DESIRED_AT_MOST - size_in_use)


def _join(settings: Mapping[str, Any]) -> str:
    try:
        return join(settings)
    except ChunkGap:
        return ""
