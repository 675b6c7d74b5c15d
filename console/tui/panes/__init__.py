"""The four panes with their services: a widget shows, its subclass here fetches and does."""
