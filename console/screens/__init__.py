"""The screens: the four panes, and what opens over them."""
