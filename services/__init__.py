"""What gets done. No room here imports textual, console or widgets."""
