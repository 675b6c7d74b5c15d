"""The manifest of a device: read, changed, compared, masked, and checked as hub and runtime will."""
