"""Which program of this machine stands for an image, with its arguments and environment."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.lab.device.ssd import OUTPUTS as SSD_OUTPUTS
from services.lab.device.workload import API_VERSION

if TYPE_CHECKING:
    from services.lab.cloud.registry import RegistryImage
    from services.lab.device.deployment import ModuleSpecification
    from services.lab.world import World

FLASH_SECONDS = 2.0
FPGAS = ("/dev/catapult0", "/dev/catapult1")
_ROOT = Path(__file__).parents[3]
_CLIENT = _ROOT / "services" / "client"
# The output tensors of the models that the sample names (docs/facts/iot-hub.md), by what the image's name holds.
_OUTPUTS = (
    ("resnet152", "classifier/resnet_v1_152/predictions/Softmax:0"),
    ("densenet121", "classifier/densenet121/predictions/Softmax:0"),
    ("vgg16", "classifier/vgg_16/fc8/squeezed:0"),
    ("ssdvgg", ",".join(SSD_OUTPUTS)),
)
_RESNET50 = "classifier/resnet_v1_50/predictions/Softmax:0"


@dataclass(frozen=True)
class Program:
    """A command with its working folder and whole environment. ``ports`` are those that it listens on inside its container."""

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(repr=False)
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProgramSetup:
    """What the device gives a module: sockets, proxy, folder, and the faults that a host has to play."""

    world: World
    device: str
    device_address: str
    socket: Path
    folder: Path
    workload: Path
    proxy: str
    fpga: str = "ready"  # ready, missing, busy
    flash_seconds: float = FLASH_SECONDS
    delay: float = 0.0
    wrong_tensors: bool = False


def program_for(image: RegistryImage, module: ModuleSpecification, around: ProgramSetup) -> Program:
    """Return the program of ``image``."""
    environment = _environment(module, around)
    kind = "client" if image.kind == "foreign" and _is_our_client(image) else image.kind
    python = (sys.executable, "-m")
    if kind == "accel-host":
        output = str((image.settings.get("outputs") or [_output(image.repository)])[0])
        options: tuple[str, ...] = (
            "--listen",
            f"unix:{around.socket}",
            "--flash-seconds",
            str(around.flash_seconds),
            "--fpga",
            around.fpga,
        )
        options += ("--output", f"other/{output}" if around.wrong_tensors else output, "--delay", str(around.delay))
        options += ("--input", "other:0") if around.wrong_tensors else ()
        return Program((*python, "services.lab.device.host", *options), around.folder, environment, (50051,))
    if kind == "cpu-host":
        options = ("--listen", f"unix:{around.socket}")
        return Program((*python, "services.lab.device.cpu_host", *options), around.folder, environment, (80, 443, 5001))
    if kind == "client":
        environment |= {"CLIENT_CA_FILE": str(around.world.ca_file), "CLIENT_QUEUE_FOLDER": str(around.folder / "queue")}
        return Program((*python, "services.client.run", *module.options.command), _CLIENT, environment)
    code = (str(image.settings.get("exit_code", 1)),) if kind == "crasher" else ()
    sleeper = str(Path(__file__).with_name("sleeper.py"))
    return Program((sys.executable, "-I", "-S", sleeper, module.name, *code), around.folder, environment)


def _environment(module: ModuleSpecification, around: ProgramSetup) -> dict[str, str]:
    """Return what the edge gives every module, then the create options' Env, then the deployment's env."""
    identity = around.world.hub.identity(around.device, "$edgeHub" if module.name == "edgeHub" else module.name)
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    environment |= {
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "IOTEDGE_WORKLOADURI": f"unix://{around.workload}",
        "IOTEDGE_APIVERSION": API_VERSION,
        "IOTEDGE_AUTHSCHEME": "sasToken",
        "IOTEDGE_DEVICEID": around.device,
        "IOTEDGE_MODULEID": identity.module,
        "IOTEDGE_MODULEGENERATIONID": identity.generation,
        "IOTEDGE_IOTHUBHOSTNAME": around.world.address,
        "IOTEDGE_GATEWAYHOSTNAME": around.device_address,  # edgeHub's
        "grpc_proxy": around.proxy,
    }
    for entry in module.options.environment:
        name, _, value = entry.partition("=")
        environment[name] = value
    return environment | dict(module.environment)


def _output(repository: str) -> str:
    plain = repository.replace("-", "").replace("_", "")
    return next((output for name, output in _OUTPUTS if name in plain), _RESNET50)


def _is_our_client(image: RegistryImage) -> bool:
    """Return whether a pushed image's entry point is the client that this project ships."""
    try:
        config = json.loads(image.blobs[json.loads(image.manifest)["config"]["digest"]])
        entry = [*(config["config"].get("Entrypoint") or []), *(config["config"].get("Cmd") or [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return "services.client.run" in entry
