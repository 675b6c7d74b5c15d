"""Names of container images, compared as Docker reads them."""

from __future__ import annotations

import re

_SERVER = re.compile(r"\A[^/:]+(?=:\d+/)")
_PARENT = "$upstream"


def same_image(one: str, other: str) -> bool:
    """Return whether both name one image.

    Docker's default registry, folder and tag may be left out, and the agent of a nested edge reports the name of its parent
    where the deployment says ``$upstream`` (Azure/iotedge NestedEdgeParentUrlParser.cs).
    """
    if one.strip().startswith(_PARENT) != other.strip().startswith(_PARENT):
        one, other = (_SERVER.sub(lambda _: _PARENT, image.strip()) for image in (one, other))
    return _full(one) == _full(other)


def _full(image: str) -> str:
    image = image.strip().removeprefix("docker.io/").removeprefix("library/")
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"
