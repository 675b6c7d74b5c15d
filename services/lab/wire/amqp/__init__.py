"""AMQP 1.0: the lab's stand-in for an Event Hub-compatible endpoint, with a codec of its own."""

from .server import AmqpServer, start_amqp

__all__ = ["AmqpServer", "start_amqp"]
