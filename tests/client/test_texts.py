import importlib.util
import math
import re
from pathlib import Path

import pytest

from services.client import texts
from services.client.detection import CLASSES, detect_classes, strongest

IMAGENET = re.compile(r"^\((\d+) ms\) The image (.+) was classified as (.+) with confidence ([0-9.eE+-]+)\.$")
TRANSFER = re.compile(r"^\((\d+\.\d{3}) ms\) The image (.+) is a '(cat|dog)'\.$")


def test_a_thousand_classes():
    scores = [0.0] * 1000
    scores[281] = 1.5e-7
    found = IMAGENET.match(texts.result("./assets/cat.jpg", 12.7, scores, texts.class_names()))
    assert found is not None
    assert found.groups() == ("13", "./assets/cat.jpg", "tabby", "1.5e-07")


def test_background_class_in_front():
    scores = [0.9] + [0.0] * 1000
    scores[282] = 0.5
    assert "classified as tabby with" in texts.result("x.jpg", 1, scores, texts.class_names())


@pytest.mark.parametrize(("scores", "animal"), [([0.9, 0.1], "cat"), ([0.2, 0.8], "dog")])
def test_transfer_learning(scores, animal):
    found = TRANSFER.match(texts.result("x.jpg", 12.3456, scores, texts.class_names()))
    assert found is not None
    assert found.groups() == ("12.346", "x.jpg", animal)


def test_no_scores():
    with pytest.raises(ValueError, match="empty"):
        texts.result("x.jpg", 1, [], texts.class_names())


def heads(anchor: int, logits: list[float]) -> list[tuple[tuple[int, ...], list[float]]]:
    """Outputs of an SSD of 3 x 3 x 2 anchors, all of which see background but one; its boxes first."""
    values = [0.0] * (18 * 21)
    values[::21] = [12.0] * 18
    values[anchor * 21 : anchor * 21 + 21] = logits
    return [((1, 3, 3, 2, 4), [0.1] * 72), ((1, 3, 3, 2, 21), values)]


def test_the_surest_anchor_of_ssd_vgg_names_the_class():
    logits = [0.0] * 21
    logits[12] = 8.0
    name, confidence = strongest(heads(7, logits))
    assert name == "dog" and confidence == pytest.approx(1 / (1 + 20 * math.exp(-8)))
    assert IMAGENET.match(texts.classified("x.jpg", 12.7, name, confidence))


def test_ssd_vgg_that_sees_nothing():
    name, confidence = strongest(heads(7, [3.0, *[0.0] * 20]))
    assert name == "background" and confidence == pytest.approx(math.exp(3) / (math.exp(3) + 20))


def test_outputs_that_are_no_ssd_vggs():
    with pytest.raises(ValueError, match="21 classes"):
        strongest([((1, 1000), [0.0] * 1000), ((1, 4), [0.0] * 4)])


def test_ssd_vgg_is_read_as_the_sdks_own_post_processing_reads_it(monkeypatch):
    np = pytest.importorskip("numpy")
    monkeypatch.setattr(np, "bool", bool, raising=False)  # what the SDK still calls it
    sdk = _from_the_sdk("_external/ssdvgg_utils.py")
    chance = np.random.default_rng(7)
    grids = ((37, 37, 4), (19, 19, 6), (10, 10, 6), (5, 5, 6), (3, 3, 4), (1, 1, 4))
    classes = [chance.normal(0, 0.5, (1, *grid, 21)).astype(np.float32) for grid in grids]
    for head in classes:
        head[..., 0] += 12
    boxes = [np.zeros((1, *grid, 4), np.float32) for grid in grids]
    classes[2][0, 4, 7, 2, 12] = 17  # a dog
    classes[2][0, 4, 7, 0, 12] = 15  # the same one, less surely
    classes[5][0, 0, 0, 0, 15] = 16  # a person, over all of the picture
    boxes[5][0, 0, 0, 0] = (0, 1, 0, 0)

    numbers, scores, places = sdk.postprocess([*classes, *boxes])
    found = {CLASSES[number]: score for number, score in zip(numbers, scores, strict=True)}
    assert detect_classes([(head.shape, head.ravel().tolist()) for head in (*classes, *boxes)]) == pytest.approx(found, abs=1e-5)
    assert sorted(found) == ["dog", "person"]
    # Grid 10 has a step of 32 of 300 pixels and anchors of 99; the third is twice as wide as high. The person's is moved down.
    where = dict(zip([CLASSES[number] for number in numbers], places.tolist(), strict=True))
    assert where["dog"] == pytest.approx([0.48 - 0.11667, 0.8 - 0.23333, 0.48 + 0.11667, 1.0], abs=1e-4)
    assert where["person"] == pytest.approx([0.065 + 0.087, 0.065, 1.0, 0.935], abs=1e-4)


def _from_the_sdk(name):
    """A file of azureml.accel, without importing the rest of it."""
    accel = importlib.util.find_spec("azureml.accel")
    spec = importlib.util.spec_from_file_location(Path(name).stem, Path(accel.origin).parent / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
