"""The client as a process against a real host; results are only printed, since there is no identity."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.client import texts
from services.client.run import parser, pictures
from services.deployment.options.presets import preset, render
from services.inference.client import PredictionClient
from services.lab.device.ssd import OUTPUTS
from services.operations.score import top

ASSETS = Path(__file__).parents[2] / "services" / "client" / "assets"


def test_the_samples_options_and_defaults():
    options = vars(parser().parse_args([]))
    assert options == {
        "image_dir": "./assets/",
        "input_tensors": "Placeholder:0",
        "output_tensors": "classifier/resnet_v1_50/predictions/Softmax:0",
        "address": "azureml-host",
        "port": 50051,
        "wait": 10,
        "suppress_messages": False,
    }
    short = parser().parse_args(["-da", "-ib", "-oc", "-ad", "-p5", "-w6", "-s"])
    long = parser().parse_args(
        [
            "--image-dir",
            "a",
            "--input-tensors=b",
            "--output-tensors",
            "c",
            "--address=d",
            "--port=5",
            "--wait",
            "6",
            "--suppress-messages",
        ]
    )
    assert short == long


@pytest.mark.parametrize("wrong", [["-p", "99999"], ["-p", "0"], ["-p", "http"], ["-w", "nan"], ["-w", "soon"]])
def test_a_port_or_wait_that_cannot_be_is_a_usage_error(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(wrong)
    assert ended.value.code == 2
    assert wrong[1] in capsys.readouterr().err


def test_a_queue_that_cannot_be_kept_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    environment = {
        **os.environ,
        "DEVICE_CONNECTION_STRING": "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0",
        "CLIENT_QUEUE_FOLDER": str(tmp_path / "file"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "services.client.run"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "CLIENT_QUEUE_FOLDER" in ended.stdout


def test_the_hubs_own_connection_string_is_no_identity(monkeypatch):
    from services.client.sender import NoIdentity, connect

    monkeypatch.setenv("DEVICE_CONNECTION_STRING", "HostName=hub.example;SharedAccessKeyName=o;SharedAccessKey=c2VjcmV0")
    with pytest.raises(NoIdentity, match="not a device's") as caught:
        connect()
    assert "c2VjcmV0" not in str(caught.value)


def test_only_pictures_of_a_folder(tmp_path):
    for name in ("b.JPG", "a.png", "README.md"):
        (tmp_path / name).touch()
    assert pictures(str(tmp_path)) == [f"{tmp_path}/a.png", f"{tmp_path}/b.JPG"]
    assert pictures(str(tmp_path / "README.md")) == [str(tmp_path / "README.md")]


@pytest.fixture
def start_client():
    processes = []

    def start(*options):
        environment = {
            name: value for name, value in os.environ.items() if name not in ("DEVICE_CONNECTION_STRING", "IOTEDGE_WORKLOADURI")
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "services.client.run", "-d", str(ASSETS), "-a", "127.0.0.1", "-w", "0", *options],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)  # reads on: a client that is blocked by a full pipe cannot end
        assert process.returncode == 0


def line_with(process, words):
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the client ended without saying {words!r}")


def test_results_are_right_and_sigterm_ends_cleanly(start_host, start_client):
    port = start_host("services.lab.device.host", "--flash-seconds", "0")
    client = start_client("-p", str(port))
    assert "classified as tiger cat with" in line_with(client, "cat.jpg was")
    assert "classified as espresso with" in line_with(client, "coffee.jpg was")


def test_the_twelve_outputs_of_ssd_vgg(start_host, start_client):
    outputs = json.loads(
        render(
            preset("client-ssd-vgg"),
        )
    )["Cmd"][3]
    port = start_host("services.lab.device.host", "--flash-seconds", "0", "--output", ",".join(OUTPUTS))
    client = start_client("-p", str(port), "-o", outputs)
    assert "classified as cat with" in line_with(client, "cat.jpg was")
    assert "classified as background with" in line_with(client, "coffee.jpg was")
    with PredictionClient("127.0.0.1", port) as client:
        answer = client.score_image((ASSETS / "cat.jpg").read_bytes(), "Placeholder:0", outputs.split(","))
    assert [output.shape for output in answer[:2]] == [(37, 37, 4, 21), (19, 19, 6, 21)] and answer[6].shape == (37, 37, 4, 4)
    assert top(answer)[0].name == "cat"


def test_wrong_tensor_names(start_host, start_client):
    port = start_host("services.lab.device.host", "--flash-seconds", "0")
    for options in (("-i", "images"), ("-o", "other:0")):
        line_with(start_client("-p", str(port), *options), texts.TENSOR_NAMES.splitlines()[0])


def test_a_host_that_flashes_too_long_for_five_attempts(start_host, start_client):
    port = start_host("services.lab.device.host", "--flash-seconds", "-1")
    assert line_with(start_client("-p", str(port)), "AzureML host container is not done").strip() == texts.FLASHING


def test_sigterm_between_attempts(start_client):
    client = start_client("-p", "1")
    line_with(client, "attempt 1 of 5: UNAVAILABLE")
