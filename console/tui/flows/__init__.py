"""What an operator begins in a pane and follows to its end: deploying, converting, building, small changes, whole manifests."""
