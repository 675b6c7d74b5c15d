"""The model's health from its messages: rates, latencies, classes, errors, over windows of time."""
