"""IoT Hub: devices, twins, direct methods, deployments at scale, discovery of the endpoint, what a call costs in quota."""
