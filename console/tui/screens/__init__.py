"""The screens that open over the four panes."""
