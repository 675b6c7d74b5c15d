"""Panes, tables, editor, stream, dialogs. They know textual and the services' records; no SDK, no service."""
