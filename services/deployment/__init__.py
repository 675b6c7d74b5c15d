"""Create options and presets; the manifest: build, merge, diff, chunk, check; the two routes; history and rollback."""
