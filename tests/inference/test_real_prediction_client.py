"""azureml.accel's own PredictionClient against the lab's host. It needs tensorflow (docs/facts/azure-ml.md), which this project does not
install: DBE_TENSORFLOW_PYTHON names a Python that has tensorflow-cpu 2.12, tensorflow-serving-api 2.12, azureml-accel-models,
azureml-core and protobuf 4 (the last three installed over the others, with --no-deps where pip will not have them together).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

PYTHON = os.environ.get("DBE_TENSORFLOW_PYTHON", "")
ASSETS = Path(__file__).parents[2] / "services" / "client" / "assets"
OUTPUT = "classifier/resnet_v1_50/predictions/Softmax:0"
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import grpc, numpy
from azureml.accel import PredictionClient

port, assets, output = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = PredictionClient("127.0.0.1", port)
found = {"file": int(client.score_file(f"{assets}/coffee.jpg", "Placeholder:0", outputs=output).argmax())}
found["only"] = int(client.score_file(f"{assets}/cat.jpg", "Placeholder:0").argmax())
pictures = [open(f"{assets}/{name}.jpg", "rb").read() for name in ("cat", "coffee")]
found["tensors"] = client.score_tensors({"Placeholder:0": (pictures[0], [1], 7)}, output).shape
two = client.score_numpy_arrays({"Placeholder:0": numpy.array(pictures, dtype=object)}, output)
found["arrays"] = two.argmax(axis=1).tolist()
try:
    client.score_file(f"{assets}/cat.jpg", "images", outputs=output)
except grpc.RpcError as error:
    found["refused"] = [error.code().name, error.details()]
print("\\n" + json.dumps(found))
"""


@pytest.mark.long
@pytest.mark.skipif(not PYTHON, reason="DBE_TENSORFLOW_PYTHON names no Python with tensorflow and azureml-accel-models")
def test_the_sdks_own_client_scores_on_the_labs_host(start_host):
    port = start_host("services.lab.device.host", "--flash-seconds", "0")
    ended = subprocess.run(
        [PYTHON, "-c", PROGRAM, str(port), str(ASSETS), OUTPUT], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    names = (ASSETS.parent / "class_names.txt").read_text(encoding="utf-8").splitlines()
    assert names[found["file"]] == "espresso" and names[found["only"]] == "tiger cat"
    assert [names[number] for number in found["arrays"]] == ["tiger cat", "espresso"]
    assert found["tensors"] == [1, 1000]
    assert "Object reference not set to an instance of an object" in found["refused"][1]
