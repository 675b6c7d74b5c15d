"""What is in the lab's world at start: more than the happy path."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from services.lab.cloud.manifests import content, current, module
from services.lab.device.silent_device import went_silent

if TYPE_CHECKING:
    from services.lab.world import World

DEVICES = ("databox-edge-1", "databox-edge-2", "databox-edge-3", "databox-edge-4")
OFFLINE = "databox-edge-4"
# The edge runtime of each: that of the Data Box Edge's time, and newer and older ones, which have other methods and other words.
VERSIONS = dict(zip(DEVICES, ("1.1", "1.4", "1.6", "1.0.9"), strict=True))
RESNET_OUTPUT = "classifier/resnet_v1_50/predictions/Softmax:0"


def seed(world: World) -> None:
    """Create devices, models, images and deployments."""
    _workspace(world)
    _devices(world)


def _workspace(world: World) -> None:
    workspace, registry, clock = world.workspace, world.registry, world.clock
    hour, day = 3600.0, 86_400.0
    resnet = workspace.add_model(
        "resnet50",
        description="Featurizer and classifier, TensorFlow",
        kvTags={"dataset": "imagenet"},
        createdTime=clock.text(-9 * day),
    )
    converted = workspace.add_model(
        "resnet50.accel.onnx",
        framework="Onnx",
        parentModelId=resnet["id"],
        description=f"Converted from {resnet['id']}",
        createdTime=clock.text(-8 * day),
    )
    vgg = workspace.add_model(
        "ssd-vgg", description="SSD-VGG object detection", kvTags={"dataset": "pascal-voc"}, createdTime=clock.text(-7 * day)
    )
    vgg_converted = workspace.add_model(
        "ssd-vgg.accel.onnx", framework="Onnx", parentModelId=vgg["id"], createdTime=clock.text(-6 * day)
    )
    workspace.add_model(
        "densenet121", description="Not yet converted", kvTags={"dataset": "imagenet"}, createdTime=clock.text(-hour)
    )
    classic = workspace.add_model(
        "sklearn-digits", framework="ScikitLearn", frameworkVersion="0.20.3", createdTime=clock.text(-12 * day)
    )

    build = "Step 1/4 : FROM mcr.microsoft.com/azureml/accel\nStep 2/4 : COPY model /model\n"
    workspace.add_image(
        "accel-resnet50",
        [converted["id"]],
        "AccelContainer",
        "Succeeded",
        imageBuildLogUri=workspace.log(build + "Successfully built\n"),
        createdTime=clock.text(-2 * hour),
    )
    registry.add("accel-resnet50", "1", "accel-host", outputs=[RESNET_OUTPUT])
    workspace.add_image(
        "accel-ssd-vgg",
        [vgg_converted["id"]],
        "AccelContainer",
        "Succeeded",
        description="The lab has no weights of SSD-VGG: its image classifier answers in SSD-VGG's tensors, one box over the picture",
        kvTags={"dataset": "pascal-voc"},
        createdTime=clock.text(-3 * day),
    )
    registry.add("accel-ssd-vgg", "1", "accel-host")
    workspace.add_image(
        "accel-broken",
        [converted["id"]],
        "AccelContainer",
        "Failed",
        error={"code": "ImageBuildFailed", "statusCode": 400, "message": "Image build failed; see the build log.", "details": []},
        createdTime=clock.text(-day),
        imageBuildLogUri=workspace.log(build + "ERROR: No matching distribution found for tensorflow==1.99\nnon-zero code: 1\n"),
    )
    workspace.add_image("accel-building", [converted["id"]], "AccelContainer", "Creating", createdTime=clock.text(-90))
    workspace.add_image("cpu-classifier", [classic["id"]], "WebApiContainer", "Succeeded", createdTime=clock.text(-11 * day))
    registry.add("cpu-classifier", "1", "cpu-host")
    registry.add("sample-client", "1.0", "client")
    registry.add("shop-counter", "2.3", "idle", labels={"com.example.model": "shelf-counter:4"})
    registry.add("label-printer", "0.9", "idle")
    registry.add("belt-camera", "1.7", "crasher", exit_code=139)


def _devices(world: World) -> None:
    hub, registry = world.hub, world.registry
    for device in DEVICES:
        hub.add_device(device, edge=True).twin.tags.update({"environment": "lab", "site": "factory"})
    credentials = {
        "workspace": {"username": registry.username, "password": registry.passwords[0], "address": registry.server},
    }
    hub.configurations.apply("databox-edge-1", content({}, version=VERSIONS["databox-edge-1"]))
    hub.configurations.apply(
        "databox-edge-2",
        content(
            {
                "shop-counter": module(
                    registry.location("shop-counter", "2.3"),
                    env={"STORE": "17", "API_KEY": world.know_secret("k-" + world.nonce + "-shop")},
                ),
                "label-printer": module(
                    registry.location("label-printer", "0.9"),
                    json.dumps({"HostConfig": {"PortBindings": {"9100/tcp": [{"HostPort": "9100"}]}}}),
                    restartPolicy="on-failure",
                ),
                "belt-camera": module(registry.location("belt-camera", "1.7")),
                "SimulatedTemperatureSensor": module("mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.4"),
            },
            credentials,
            version=VERSIONS["databox-edge-2"],
        ),
    )
    newest = VERSIONS["databox-edge-3"]
    hub.configurations.apply("databox-edge-3", content({}, version=newest))
    hub.configurations.put(
        "factory-baseline",
        {
            "targetCondition": "deviceId='databox-edge-3'",
            "priority": 10,
            "labels": {"owner": "factory-team"},
            "content": content({"shop-counter": module(registry.location("shop-counter", "2.3"))}, credentials, version=newest),
        },
        None,
    )
    silent = content({"shop-counter": module(registry.location("shop-counter", "2.3"))}, credentials, version=VERSIONS[OFFLINE])
    went_silent(world, OFFLINE, silent)


def overwrite(world: World, device: str, on: bool) -> None:
    """Target the device by a deployment at scale with nothing but the edge runtime, or take that away."""
    if on:
        body = {
            "targetCondition": f"deviceId='{device}'",
            "priority": 100,
            "content": content({}, version=VERSIONS.get(device, "1.4")),
        }
        world.hub.configurations.put("lab-at-scale", body, "*")
    elif "lab-at-scale" in world.hub.configurations.all:
        world.hub.configurations.remove("lab-at-scale")


def change_meanwhile(world: World, device: str) -> None:
    """Add a module to the device's deployment, as somebody else would."""
    whole = current(world.hub, device)
    modules = whole["modulesContent"]["$edgeAgent"]["properties.desired"].setdefault("modules", {})
    modules["somebody-elses"] = module("mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.4")
    world.hub.configurations.apply(device, whole)
