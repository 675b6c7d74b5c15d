"""Named contexts (workspace + hub + device), where secrets come from, XDG paths: one place."""
