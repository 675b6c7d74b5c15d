"""Read the outputs of SSD-VGG: which of Pascal VOC's twenty classes are in the picture, with what probability.

The network has twelve outputs, two for each of six grids (azureml.accel.models._ssdvgg): logits of 21 classes for every anchor, the
first of them the background, and four numbers that place the anchor's box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def detect_classes(heads: Iterable[tuple[Sequence[int], list[float]]]) -> dict[str, float]:
    """Return the classes that are the likeliest of some anchor, with the probability at the surest one.

    The background alone where no anchor sees anything. ``heads`` are (shape, values) of the outputs; those of boxes are left
    out. ValueError where none holds classes.
    """
    count, anchors = len(CLASSES), 0
    probabilities: dict[str, float] = {}
    background = 1.0
    for shape, values in heads:
        if not shape or shape[-1] != count:
            continue
        for start in range(0, len(values), count):
            anchors += 1
            logits = values[start : start + count]
            highest = max(logits)
            name = CLASSES[logits.index(highest)]
            probability = 1 / sum([math.exp(logit - highest) for logit in logits])
            if name == CLASSES[0]:
                background = min(background, probability)
            else:
                probabilities[name] = max(probabilities.get(name, 0.0), probability)
    if not anchors:
        raise ValueError(f"none of the output tensors holds scores of {count} classes, as those of SSD-VGG do")
    return probabilities or {CLASSES[0]: background}


def strongest(heads: Iterable[tuple[Sequence[int], list[float]]]) -> tuple[str, float]:
    """Return the class with the highest probability, and that probability."""
    return max(detect_classes(heads).items(), key=lambda pair: pair[1])
