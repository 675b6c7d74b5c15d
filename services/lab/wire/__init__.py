"""The lab's listeners: AMQP, MQTT and HTTPS, and the faults of a line."""
