"""What works around Textual or the terminal; each file says what for, and when it can be deleted."""
