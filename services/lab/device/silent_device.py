"""A device that went silent a while ago: its last report, and nothing since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.lab.device.container import Container
from services.lab.device.deployment import image_of_agent, parse
from services.lab.device.report import device_report, module_report
from services.lab.device.versions import numbers, version_text

if TYPE_CHECKING:
    from services.lab.world import World

_SILENT = 3 * 86_400.0  # seconds


def went_silent(world: World, device: str, content: dict[str, Any]) -> None:
    """Apply ``content`` to the device and report it carried out, all of it three days ago; then the connection ended."""
    hub, clock = world.hub, world.clock
    clock.skew -= _SILENT
    try:
        hub.configurations.apply(device, content)
        twin = hub.identity(device, "$edgeAgent").twin
        deployment = parse(twin.desired.content, numbers(version_text(image_of_agent(twin.desired.content))))
        entries = {}
        for name, module in deployment.modules.items():
            container = Container(module, world.registry.pull(module.image, deployment.credentials), clock)
            container.started = clock.text()
            entries[name] = module_report(module, container, "running")
            if name != "edgeHub":
                hub.ensure_module(device, name)
        status = {"code": 200, "description": ""}
        report = device_report(deployment, twin.desired.version, status, clock.text(), entries)
        hub.patch_reported(device, "$edgeAgent", report)
        for connected in (True, False):
            hub.set_connected(device, "$edgeHub", connected)
    finally:
        clock.skew += _SILENT
