"""MQTT 3.1.1 as IoT Hub speaks it with devices and modules."""

from .server import MqttServer, start_mqtt

__all__ = ["MqttServer", "start_mqtt"]
