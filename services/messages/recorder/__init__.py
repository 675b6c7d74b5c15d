"""The recorder: its process, which receives and commits, and the console's hold on it."""
