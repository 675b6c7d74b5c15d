"""Score the pictures of a folder on the host module, over and over, and send each result to the hub, as the sample's run.py does.

Beyond the sample, ``-o`` may name several outputs with commas between: the heads of SSD-VGG.

    python -m services.client.run [-h] [-d IMAGE_DIR] [-i INPUT_TENSORS] [-o OUTPUT_TENSORS] [-a ADDRESS] [-p PORT] [-w WAIT] [-s]

Environment: DEVICE_CONNECTION_STRING (the device's, never the hub's) or that of an IoT Edge module; CLIENT_CA_FILE, a private
CA in PEM; CLIENT_QUEUE_FOLDER, where results wait that cannot be sent (default: ./queue).
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from pathlib import Path

from services.client import texts
from services.client.outbox import Outbox

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".gif"}
_log = logging.getLogger("client")


def parser() -> argparse.ArgumentParser:
    """Return the sample's options, with its names, defaults and help (docs/facts/sample-client.md)."""
    options = argparse.ArgumentParser(prog="run.py")
    options.add_argument(
        "-d", "--image-dir", default="./assets/", help="The file path of the image to inference. Default: './assets/'"
    )
    options.add_argument(
        "-i",
        "--input-tensors",
        default="Placeholder:0",
        help="The name of the input tensor you specified when converting your model. "
        "Default for Accelerated resnet50: 'Placeholder:0'",
    )
    options.add_argument(
        "-o",
        "--output-tensors",
        default="classifier/resnet_v1_50/predictions/Softmax:0",
        help="The name of the output tensor you specified when converting your model. Default for Accelerated resnet50: "
        "'classifier/resnet_v1_50/predictions/Softmax:0'",
    )
    options.add_argument(
        "-a",
        "--address",
        default="azureml-host",
        help="The address of the inferencing container. For IOT Edge, this is name of the inferencing host module on "
        "the IOT Edge device. Default: azureml-host",
    )
    options.add_argument("-p", "--port", type=port, default=50051, help="The port of the inferencing container. Default: 50051.")
    options.add_argument("-w", "--wait", type=seconds, default=10, help="Time to wait between each inference call. Default: 10.")
    options.add_argument(
        "-s",
        "--suppress-messages",
        action="store_true",
        help="Flag to suppress IOT Hub messages. Default: False. Use --wait flag to lessen or this flag to turn off "
        "IOT hub messaging to avoid reaching your limit of IOT Hub messages.",
    )
    return options


def port(text: str) -> int:
    """Return a port; gRPC would take the remainder of one that is too high for another port, without a word."""
    if not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port, from 1 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """Return a finite number of seconds."""
    if not math.isfinite(float(text)):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return float(text)


def pictures(path: str) -> list[str]:
    """Return the picture files of a folder, or the one file, as paths that begin as ``path`` was written."""
    if Path(path).is_file():
        return [path]
    folder = path if path.endswith("/") else f"{path}/"  # pathlib would drop the "./" that the sample's messages show
    return [folder + file.name for file in sorted(Path(path).iterdir()) if file.suffix.lower() in _PICTURES]


class Client:
    """The loop over the pictures. ``stop`` ends it; ``outbox`` is None where results are only printed."""

    def __init__(self, options: argparse.Namespace, outbox: Outbox | None, stop: threading.Event) -> None:
        from services.client.scoring import Scorer

        self._options, self._outbox, self._stop = options, outbox, stop
        self._names = texts.class_names()
        self._scorer = Scorer(options.address, options.port, options.input_tensors, options.output_tensors, stop)

    def run(self) -> None:
        """Score until stopped."""
        while not self._stop.is_set():
            try:
                paths = pictures(self._options.image_dir)
            except OSError as error:
                paths = []
                _log.error("no pictures: %s", error)
            if not paths:
                _log.error("no picture in %s. Trying again in %g seconds...", self._options.image_dir, max(self._options.wait, 1))
                self._stop.wait(max(self._options.wait, 1))
            for path in paths:
                if self._stop.is_set():
                    break
                text = self._score(path)
                if self._stop.is_set() and text.startswith("Unable"):
                    break  # the call was ended, not the host ill
                _log.info("%s", text)
                if self._outbox is not None:
                    self._outbox.put(text)
                self._stop.wait(self._options.wait)
        self._scorer.close()

    def _score(self, path: str) -> str:
        from services.client.detection import strongest
        from services.client.scoring import Flashing, WrongTensorNames

        started = time.monotonic()
        try:
            outputs = self._scorer.score(Path(path).read_bytes())
            milliseconds = (time.monotonic() - started) * 1000
            if len(outputs) > 1:  # which the sample's client cannot take: its own fails on every picture
                return texts.classified(path, milliseconds, *strongest(outputs))
            return texts.result(path, milliseconds, outputs[0][1], self._names)
        except Flashing:
            return texts.FLASHING
        except WrongTensorNames as error:
            _log.info("%s", error)
            return texts.TENSOR_NAMES
        except Exception:  # noqa: BLE001 - the sample's client goes on after whatever happens, and says so in a message
            return texts.UNKNOWN.format(traceback.format_exc())


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM; exit status 0, or 1 where the queue of results is lost: the container's next start makes another."""
    options = parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
    _log.setLevel(logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    identified = bool(os.environ.get("DEVICE_CONNECTION_STRING") or os.environ.get("IOTEDGE_WORKLOADURI"))
    if options.suppress_messages or not identified:
        Client(options, None, stop).run()
        return 0

    from services.client.sender import Sender

    folder = Path(os.environ.get("CLIENT_QUEUE_FOLDER") or "queue")
    failure: sqlite3.Error | None = None
    try:
        outbox = Outbox(folder)
    except (OSError, sqlite3.Error) as error:
        _log.error("no queue of results can be kept in %s (CLIENT_QUEUE_FOLDER): %s", folder, error)
        return 1
    sender = Sender(outbox, stop.set)
    try:
        Client(options, outbox, stop).run()
    except sqlite3.Error as error:
        failure = error
    finally:
        sender.close()
        outbox.close()
    failure = failure or sender.error
    if failure is not None:
        _log.error("the queue of results in %s is lost: %s", folder, failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
