"""The screen: the app, its panes and screens, and the flows by which it asks, shows and follows."""
