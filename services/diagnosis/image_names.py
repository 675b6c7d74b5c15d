"""Names of container images, compared as Docker reads them."""

from __future__ import annotations


def same_image(one: str, other: str) -> bool:
    """Whether both name one image: Docker's default registry, folder and tag may be left out."""
    return _full(one) == _full(other)


def _full(image: str) -> str:
    image = image.strip().removeprefix("docker.io/").removeprefix("library/")
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"
