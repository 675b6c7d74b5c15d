"""Values that an operator needs to see, drawn by chance in the forms that they have in the field."""

from __future__ import annotations

import base64
import random
import string

_HEX = "0123456789abcdef"
_TEXT = """resnet mobilenet detector classifier edge gateway camera turbine plant factory berlin north line sensor score upload client
host proxy broker metrics database cache worker model placeholder features logits predictions input output image stream filter"""
_WORDS = _TEXT.split()


def values(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """``count`` harmless values with their kinds, the same for the same ``seed``."""
    draw = random.Random(seed)

    def hexed(length: int) -> str:
        return "".join(draw.choice(_HEX) for _ in range(length))

    def word() -> str:
        return draw.choice(_WORDS)

    def guid() -> str:
        return "-".join(hexed(length) for length in (8, 4, 4, 4, 12))

    def when() -> str:
        return f"2026-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}T{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:07"

    def version() -> str:
        return f"{draw.randint(0, 9)}.{draw.randint(0, 20)}.{draw.randint(0, 9)}"

    def layer() -> str:
        return f"{word()}_v1_{draw.choice((50, 101, 152))}/block{draw.randint(1, 4)}/unit_{draw.randint(1, 9)}"

    kinds = {
        "digest": lambda: draw.choice(("sha256:", "", "sha512:", "sha1:", "md5:")) + hexed(draw.choice((32, 40, 64, 128))),
        "integrity": lambda: "sha256-" + base64.b64encode(draw.randbytes(32)).decode(),
        "guid": lambda: draw.choice((guid(), guid().upper(), "{" + guid() + "}")),
        "image": lambda: (
            f"{word()}{draw.randint(1, 99)}.azurecr.io/{word()}/{word()}-{word()}:{version()}-{draw.choice(('amd64', 'alpine3.18', 'rc1', hexed(7)))}"
        ),
        "image by digest": lambda: f"mcr.microsoft.com/azureiotedge-{word()}:1.{draw.randint(0, 5)}@sha256:{hexed(64)}",
        "etag": lambda: draw.choice(
            (
                base64.b64encode(draw.randbytes(8)).decode(),
                f'"0x8D{hexed(13).upper()}"',
                f'W/"{hexed(40)}"',
                f'"{base64.b64encode(draw.randbytes(20)).decode()}"',
                f'"{hexed(32)}-{draw.randint(1, 9)}"',
                base64.b64encode(str(draw.randint(10**8, 10**9)).encode()).decode(),
            )
        ),
        "content md5": lambda: base64.b64encode(draw.randbytes(16)).decode(),
        "path": lambda: draw.choice(
            (
                "/dev/catapult0",
                f"/var/lib/{word()}/{word()}-{draw.randint(1, 999)}/{hexed(12)}.json",
                f"/etc/{word()}.d/{word()}.conf:/app/{word()}.conf:ro",
                f"C:\\ProgramData\\{word()}\\{word()}{draw.randint(1, 9)}.log",
                f"/run/secrets/{word()}",
                f"/var/lib/docker/overlay2/{hexed(64)}/merged",
                f"/home/{word()}/.cache/{word()}_v{draw.randint(1, 9)}.onnx",
                f"../{word()}/Model{draw.randint(1, 50)}/SavedModel.pb",
            )
        ),
        "tensor": lambda: draw.choice(
            (
                f"{layer()}/bottleneck_v1/conv{draw.randint(1, 3)}/Relu:0",
                f"InceptionV{draw.randint(1, 4)}/Mixed_{draw.randint(3, 7)}b/Branch_{draw.randint(0, 3)}/Conv2d_0a_1x1/BiasAdd",
                f"Placeholder_{draw.randint(1, 99)}:0",
                f"functional_{draw.randint(1, 9)}/conv{draw.randint(1, 5)}_block{draw.randint(1, 6)}_out/Relu:0",
                f"MobilenetV{draw.randint(1, 3)}/Logits/SpatialSqueeze",
                "brainwave_resnet_50_1_1/pool5:0",
            )
        ),
        "name": lambda: draw.choice("-_./").join(
            [
                draw.choice(("", "sk-", "global-", "glacier_", "test-", "hf_", "api_")) + word(),
                *(word() for _ in range(draw.randint(1, 5))),
            ]
        ),
        "words": lambda: " ".join(word() for _ in range(draw.randint(1, 6))),
        "sentence": lambda: (
            f"The {word()} of {word()} {draw.randint(1, 99)} was restarted {draw.randint(2, 9)} times; see the {word()} log."
        ),
        "hostname": lambda: draw.choice(
            (
                f"{word()}-{word()}-{draw.randint(1, 99)}.azure-devices.net",
                f"{hexed(12)}",
                f"{word()}.{word()}.svc.cluster.local:{draw.randint(80, 65000)}",
                f"iothub-ehub-{word()}-{draw.randint(10**5, 10**6)}-{hexed(10)}.servicebus.windows.net",
                f"{word()}-{hexed(10)}-{draw.choice('bcdfg')}{draw.randint(1, 9)}x{draw.randint(1, 9)}q",
            )
        ),
        "version": lambda: draw.choice(
            (
                f"{draw.randint(0, 20)}.{draw.randint(0, 20)}.{draw.randint(0, 9)}",
                f"v1.{draw.randint(0, 30)}.0-beta.{draw.randint(1, 9)}+{hexed(7)}",
                f"1.5.{draw.randint(1, 40)} ({hexed(40)})",
                f"20.10.{draw.randint(1, 25)}+azure-{draw.randint(1, 3)}",
                f"#1 SMP Debian 5.10.{draw.randint(1, 250)}-1",
            )
        ),
        "time": lambda: draw.choice(
            (
                when() + "Z",
                when() + f".{draw.randint(10**6, 10**7 - 1)}Z",
                when() + "+01:00",
                f"{draw.randint(10**9, 2 * 10**9)}",
                f"{draw.randint(10**12, 2 * 10**12)}",
            )
        ),
        "port": lambda: draw.choice(
            (
                f"{draw.randint(1, 65535)}",
                f"0.0.0.0:{draw.randint(1, 65535)}->50051/tcp",
                "50051/tcp",
                f"127.0.0.1:{draw.randint(1, 65535)}",
            )
        ),
        "address": lambda: draw.choice(
            (
                f"10.{draw.randint(0, 255)}.{draw.randint(0, 255)}.7",
                ":".join(hexed(4) for _ in range(8)),
                ":".join(hexed(2) for _ in range(6)),
                f"fe80::{hexed(4)}:{hexed(4)}%eth0",
            )
        ),
        "url": lambda: draw.choice(
            (
                f"https://{word()}.blob.core.windows.net/{word()}/{word()}-{draw.randint(1, 99)}.onnx",
                f"http://{word()}:{draw.randint(80, 9999)}/metrics?name={word()}&top=5",
                f"grpc://{word()}:50051",
                f"https://{word()}.io/{word()}/@{word()}/x",
                f"mqtt://{word()}:1883",
                f"ssh://git@{word()}.io/x.git",
                f"redis://{word()}:6379/0",
            )
        ),
        "option": lambda: draw.choice(
            (
                f"--port={draw.randint(1, 65535)}",
                "-p 8080:80",
                f"--threshold=0.{draw.randint(1, 9)}",
                f"--label-file=/app/{word()}.txt",
                f"--name {word()}{draw.randint(1, 9)}",
                f"--input-tensor={word()}/Conv{draw.randint(1, 9)}:0",
                "--privileged",
                f"--output hub --interval {draw.randint(1, 60)}s",
                f"--log-level=debug --host={word()}",
                "-v -u 1000:1000",
            )
        ),
        "route": lambda: (
            f"FROM /messages/modules/{word()}/outputs/{word()} WHERE temperature > {draw.randint(1, 99)} "
            f'INTO BrokeredEndpoint("/modules/{word()}/inputs/in{draw.randint(1, 9)}")'
        ),
        "device": lambda: draw.choice(
            (
                f"{word()}-{draw.randint(1, 99)}",
                f"{word().upper()}{draw.randint(10**5, 10**6)}",
                f"edge-1-{draw.randint(10**17, 10**18)}",
                f"WIN-{''.join(draw.choice(string.ascii_uppercase) for _ in range(8))}",
                f"{word().title()}{word().title()}{draw.randint(1, 9)}",
                f"ASE-{hexed(8).upper()}",
            )
        ),
        "container": lambda: draw.choice((hexed(64), hexed(12), f"/{word()}_{word()}_1")),
        "resource": lambda: (
            f"/subscriptions/{guid()}/resourceGroups/rg-{word()}/providers/Microsoft.Devices/IotHubs/{word()}-hub"
        ),
        "locale": lambda: draw.choice(
            (
                "en_US.UTF-8",
                "Europe/Berlin",
                "application/json; charset=utf-8",
                "true",
                "1,2,3",
                "0.25",
                "128MiB",
                "500m",
                "amd64",
                "AMQP_WS",
                "AmqpWithWebsocket",
            )
        ),
        "uname": lambda: f"Linux {word()} 5.4.0-{draw.randint(10, 150)}-generic #{draw.randint(10, 150)}-Ubuntu SMP x86_64",
    }
    names = list(kinds)
    return [(name, kinds[name]()) for name in (names[place % len(names)] for place in range(count))]
