"""Container registry: credentials tested, images checked; the client image built and pushed by a Docker-compatible engine."""

from services.registry.api import ImageFacts, RegistryApi, check_image
from services.registry.reference import Reference, parse_reference

__all__ = ["ImageFacts", "Reference", "RegistryApi", "check_image", "parse_reference"]
