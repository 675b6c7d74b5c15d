"""The doctor's checks, room by room; ``vocabulary`` says what a check is and ``checklist`` in which order they stand."""
