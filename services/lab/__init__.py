"""An embedded, loopback-only stand-in for hub, device, workspace and registry."""
