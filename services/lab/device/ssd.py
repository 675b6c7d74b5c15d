"""SSD-VGG as the lab has it: outputs named and shaped as the real network's, found by the lab's classifier.

There are no weights of SSD-VGG to be had. What ImageNet's classifier takes a picture for is told as the class of Pascal VOC that it
belongs to, by the one anchor that covers the whole picture; every other anchor sees background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# azureml.accel.models._ssdvgg: grid, grid, anchors of each of the six heads.
_HEADS = {4: (37, 37, 4), 7: (19, 19, 6), 8: (10, 10, 6), 9: (5, 5, 6), 10: (3, 3, 4), 11: (1, 1, 4)}
_CLASSES = {f"ssd_300_vgg/block{block}_box/Reshape_1:0": (*shape, 21) for block, shape in _HEADS.items()}
_BOXES = {f"ssd_300_vgg/block{block}_box/Reshape:0": (*shape, 4) for block, shape in _HEADS.items()}
OUTPUTS = (*_CLASSES, *_BOXES)
# Number in Pascal VOC: the ImageNet classes (numbers and ranges) that belong to it.
_OF_VOC: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((404, 405), (895, 896)), 2: ((444, 445), (671, 672)), 3: ((7, 25), (80, 101), (127, 147)), 4: ((472, 473), (625, 626), (814, 815)),
    5: ((440, 441), (720, 721), (898, 899), (907, 908)), 6: ((654, 655), (779, 780), (874, 875)), 7: ((436, 437), (511, 512), (817, 818)),
    8: ((281, 286),), 9: ((423, 424), (559, 560), (765, 766)), 10: ((345, 348),), 11: ((532, 533),), 12: ((151, 269),), 13: ((339, 340),),
    14: ((665, 666), (670, 671)), 16: ((738, 739),), 17: ((348, 351),), 18: ((831, 832),), 19: ((466, 467), (820, 821)), 20: ((851, 852),),
}  # fmt: skip


def outputs(probabilities: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return the twelve outputs for N pictures, from their probabilities [N, 1000] over ImageNet's classes."""
    import numpy as np

    count = len(probabilities)
    voc = np.zeros((count, 21), np.float32)
    for number, ranges in _OF_VOC.items():
        voc[:, number] = np.sum([probabilities[:, first:end].sum(axis=1) for first, end in ranges], axis=0)
    voc[:, 0] = np.clip(1 - voc.sum(axis=1), 0, 1)
    tensors = {name: np.zeros((count, *shape), np.float32) for name, shape in (*_CLASSES.items(), *_BOXES.items())}
    for name in _CLASSES:
        tensors[name][..., 0] = 12  # a logit that leaves the others next to nothing
    tensors[OUTPUTS[5]][:, 0, 0, 0, :] = np.log(np.maximum(voc, 1e-6))
    return tensors
