"""Create options as an operator works on them: presets rendered and kept, a text checked against what the device has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from services.deployment.options import migration, presets
from services.deployment.options.check import check
from services.deployment.options.placement import Placement
from services.deployment.options.recognition import Recognition, recognise
from services.errors import OperatorError
from services.json_reader import JsonError, read_json
from services.records import DeviceState, OptionsReport, Preset, PresetKind, WorkspaceImage


def list_presets() -> list[Preset]:
    """Return the shipped presets, then the operator's own by name."""
    return presets.presets()


def presets_for(*kinds: PresetKind) -> list[Preset]:
    """Return the presets of these kinds, and those that may be anything."""
    return [preset for preset in presets.presets() if preset.kind in (*kinds, "other")]


def presets_for_image(image: WorkspaceImage) -> list[Preset]:
    """Return the presets that an image may go with; of one that only the registry knows nothing tells, so that all are offered."""
    if image.flavour:
        return presets_for("host" if image.accelerated else "cpu-host")
    order: tuple[PresetKind, ...] = ("cpu-host", "host", "client", "other")
    return sorted(presets.presets(), key=lambda preset: order.index(preset.kind))


def client_presets(host_image: str) -> list[Preset]:
    """Return the client's presets, the one whose tensors fit a host's image first."""
    fitting = presets.client_for(host_image)
    return sorted(presets_for("client"), key=lambda preset: preset.name != fitting)


def render_preset(name: str, values: Mapping[str, str] | None = None) -> str:
    """Return a preset's create options with its fields filled in. Raises OperatorError."""
    return presets.render(presets.preset(name), values)


def leaves_fpga(text: str, preset: Preset) -> bool:
    """Return whether these create options ask for the FPGA, and the preset is of a host without it."""
    return preset.kind == "cpu-host" and migration.uses_fpga(text)


def migrate_options(text: str, name: str, values: Mapping[str, str] | None = None) -> migration.Migration:
    """Return create options moved off the FPGA to a preset, with what is different. Raises OperatorError."""
    return migration.migrate(text, presets.preset(name), values)


def recognise_preset(text: str, prefer: str = "") -> Recognition:
    """Return which preset renders these create options, with what values, or why none does; own presets go before shipped ones."""
    by_name = {preset.name: preset for preset in presets.presets()}
    return recognise(text, list(by_name.values()), prefer)


def check_options(text: str, state: DeviceState | None = None, module: str = "", image: str = "") -> OptionsReport:
    """Check create options, with a device's state against its other modules and the room in its twin. Never raises."""
    return check(text, Placement.of(state.desired, module, image) if state is not None else None)


def save_preset(name: str, text: str, kind: PresetKind = "other") -> Path:
    """Keep create options as a preset of the operator's own; return its file. Raises OperatorError."""
    return presets.save(presets.own(name, text, kind=kind))


def import_preset(name: str, path: Path, text: str) -> Path:
    """Keep a file, a preset that somebody shared or create options alone, as an own preset; return its file.

    Raises OperatorError.
    """
    try:
        content = read_json(text)
    except JsonError as error:
        remedy = f"Let dbe-console options check {path} say where."
        raise OperatorError(f"{path} is no JSON.", cause=str(error), remedy=remedy, code="options.json") from error
    if isinstance(content, dict) and "template" in content:
        return presets.save(replace(presets.load(path), name=name))
    return save_preset(name, text)


def remove_preset(name: str) -> None:
    """Remove an own preset. Raises OperatorError where there is none."""
    presets.remove(name)
