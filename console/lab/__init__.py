"""The lab as the console has it: its process, its faults, and the main job on it end to end."""
