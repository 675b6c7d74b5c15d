"""The network that the lab's hosts classify with: EfficientNet-Lite0, weights in int8, by onnxruntime."""
