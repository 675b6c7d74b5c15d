"""What the lab's cloud holds: the hub, the workspace, the registry, and what is in them at the start."""
