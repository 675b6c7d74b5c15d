"""The lab's HTTPS: IoT Hub's service API, ARM, Azure ML, the container registry, sign-in and the lab's own control."""
