"""The journal: SQLite with every message as raw bytes, its positions and gaps, and windows over it."""
