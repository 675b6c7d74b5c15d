"""What an operator sees and types: the app, its screens, keys, command palette, command line."""
