"""A model or image named without its version."""

from __future__ import annotations

import pytest

from services.errors import OperatorError
from services.workspace.asset_names import whole_id

IDS = ["resnet50:9", "resnet50:10", "resnet50.accel.onnx:11", "vgg16:1"]


@pytest.mark.parametrize(("name", "meant"), [("resnet50", "resnet50:10"), ("resnet50:9", "resnet50:9"), ("vgg16", "vgg16:1")])
def test_without_a_version_the_newest_is_meant(name: str, meant: str) -> None:
    assert whole_id("model", name, IDS) == meant


@pytest.mark.parametrize("name", ["resnet5", "resnet50:11", "vgg"])
def test_what_is_not_there_is_answered_with_what_is_near(name: str) -> None:
    with pytest.raises(OperatorError, match="Did you mean"):
        whole_id("model", name, IDS)
