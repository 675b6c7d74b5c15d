"""Create options: presets, checks of a text as Docker and the edge agent read it, the client's arguments."""
