"""The sample client that runs in a container on the device.

Scores the pictures of a folder on the host module and sends each result to the hub. Self-contained: grpcio, protobuf, azure-iot-
device, and of ours only ``services.inference.descriptors``.
"""
