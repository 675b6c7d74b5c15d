"""What Microsoft no longer supports: an offline table with dates and sources. Records in, sentences out (docs/facts/azure-today.md, 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.diagnosis.twin_evidence import Options
from services.records import DeviceState, Module

CHECKED = date(2026, 12, 1)  # when the table was held against its sources
_UPGRADE = "Upgrade IoT Edge: its packages on the device, then the images (`dbe-console upgrade`)."
_HISTORY = "learn.microsoft.com/azure/iot-edge/version-history"
_RETIRED = "Azure/EOL service_list.json"
_AGENT, _HUB = "edgeAgent", "edgeHub"
_MINOR = re.compile(r"\A(\d+\.\d+)(?!\d)")


@dataclass(frozen=True, slots=True)
class Product:
    """A product and its last day of support.

    ``name`` is stable, for scripts; ``end`` is an ISO date, or a year and month where no source has the day.
    """

    name: str
    title: str
    end: str
    remedy: str
    source: str

    def ended(self, on: date) -> bool:
        """Return whether its support has ended."""
        return self.end < on.isoformat()


def _runtime(version: str, end: str, source: str = _HISTORY) -> Product:
    return Product(f"iot-edge-{version}", f"IoT Edge {version}", end, _UPGRADE, source)


RUNTIMES = {
    "1.0": _runtime("1.0", "2021-02"),
    "1.1": _runtime("1.1", "2022-12-13"),
    "1.2": _runtime("1.2", "2022-06"),
    "1.3": _runtime("1.3", "2022-08"),
    "1.4": _runtime("1.4", "2024-11-12"),
    "1.5": _runtime("1.5", "2026-11-10", "github.com/Azure/azure-iotedge/releases/tag/1.5.0"),
    "1.6": _runtime("1.6", "2028-11-14", "Azure/iotedge CHANGELOG.md, 1.6.0"),
}
FPGA_DEVICE = Product(
    "azure-stack-edge-fpga",
    "Azure Stack Edge Pro FPGA",
    "2024-02",
    "Plan for another device: IoT Edge in a Linux VM, with a GPU or a CPU host.",
    "learn.microsoft.com/azure/databox-online/azure-stack-edge-troubleshoot-iot-edge",
)
MANAGED_EDGE = Product(
    "azure-stack-edge-managed-iot-edge",
    "IoT Edge managed by Azure Stack Edge",
    "2024-03-31",
    "Run IoT Edge in a Linux VM on the device instead.",
    _RETIRED,
)
TLS = Product(
    "iot-hub-tls-1.0-1.1",
    "TLS 1.0 and 1.1 at the IoT hub",
    "2025-08-31",
    "Have whatever stands between here and the hub let TLS 1.2 through.",
    _RETIRED,
)
AZUREML_V1 = Product(
    "azureml-sdk-v1",
    "Azure ML SDK v1",
    "2026-06-30",
    "It still runs and may break. Images come from the registry, models from the workspace's v2 API, too.",
    _RETIRED,
)
PRODUCTS = (*RUNTIMES.values(), FPGA_DEVICE, MANAGED_EDGE, TLS, AZUREML_V1)


def supported_runtime(on: date) -> str:
    """Return the newest minor version of IoT Edge that is supported; the newest there is where the table has grown old."""
    return next((version for version, product in reversed(RUNTIMES.items()) if not product.ended(on)), list(RUNTIMES)[-1])


def runtime_of(module: Module, state: DeviceState) -> Product | None:
    """Return the runtime that a module of the device is: by what agent and edge hub report, else by the image's tag."""
    if not module.system:
        return None
    edge_hub = state.edge_hub.version if state.edge_hub is not None else ""
    reported = {_AGENT: state.agent_version, _HUB: edge_hub}.get(module.name, "")
    image = module.reported.image if module.reported and module.reported.image else module.image
    for version in (reported, image.rpartition("/")[2].partition(":")[2]):
        minor = _MINOR.match(version)
        if minor is not None:
            return RUNTIMES.get(minor[1])
    return None


def products_of(module: Module, state: DeviceState) -> tuple[Product, ...]:
    """Return the products of the table that a module is or stands on."""
    runtime = runtime_of(module, state)
    if runtime is not None:
        return (runtime,)
    if module.desired is not None and Options.read(module.desired.create_options).fpga:
        # The FPGA was reached through the compute role alone, whose IoT Edge is the managed one.
        return FPGA_DEVICE, MANAGED_EDGE
    return ()


def unsupported(state: DeviceState, on: date, module: Module | None = None) -> tuple[Product, ...]:
    """Return what of a device, or of one module of it, is out of support, each product once, in the table's order."""
    modules = state.modules if module is None else (module,)
    used = {product for each in modules for product in products_of(each, state)}
    return tuple(product for product in PRODUCTS if product in used and product.ended(on))


def sentence(products: Iterable[Product]) -> str:
    """Say in one line what is out of support; empty where nothing is."""
    parts = "; ".join(f"{product.title} since {product.end}" for product in products)
    return f"out of support: {parts}" if parts else ""


def headline(products: Sequence[Product]) -> str:
    """Say the same where there is little room: the first, and how many more."""
    more = f", and {len(products) - 1} more" if len(products) > 1 else ""
    return f"{sentence(products[:1])}{more}"
