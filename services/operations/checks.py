"""The doctor's checklist, from the operator's chair to the FPGA, in the order in which it is shown."""

from __future__ import annotations

from services.operations import (
    between_check,
    checks_beyond,
    checks_device,
    checks_hub,
    checks_network,
    messages_check,
    retention_check,
)
from services.operations.doctor import Check

CHECKS: tuple[Check, ...] = (
    Check("name", "The hub's name", checks_network.name_resolution),
    Check("proxy", "Proxy", checks_network.proxy),
    Check("port-443", "Port 443 (HTTPS)", checks_network.https_port, ("name",)),
    Check("port-5671", "Port 5671 (messages)", checks_network.amqp_port, ("name",)),
    Check("port-8883", "Port 8883 (devices)", checks_network.mqtt_port, ("name",)),
    Check("tls", "TLS and the hub", checks_network.tls, ("port-443",)),
    Check("clock", "Clock", checks_network.clock, ("tls",)),
    Check("key", "Key", checks_hub.key, ("tls",)),
    Check("endpoint", "Right to receive", checks_hub.endpoint, ("name",)),
    Check("seat", "A reader's place", messages_check.seat, ("endpoint",)),
    Check("device", "Device", checks_hub.device, ("key",)),
    Check("state", "Right to read twins", checks_hub.state, ("key",)),
    Check("plan", "The hub's plan", checks_hub.plan, patience=20),
    Check("agent", "Edge agent", checks_device.agent, ("device",)),
    Check("version", "Deployment", checks_device.version, ("state",)),
    Check("at-scale", "Deployments at scale", checks_device.at_scale, ("state",)),
    Check("module", "Modules", checks_device.modules, ("state",)),
    Check("options", "Create options, ports, FPGA", checks_device.options, ("state",)),
    Check("registry", "Registry and images", checks_beyond.registry, ("state",)),
    Check("workspace", "Workspace", checks_beyond.workspace),
    Check("host", "Host answers", checks_beyond.hosts_answer, ("state",)),
    Check("messages", "Messages", messages_check.messages, ("endpoint",)),
    Check("between", "Clients reach their hosts", between_check.client_to_host, ("state",), after=("host", "messages")),
    Check("retention", "Messages kept by the hub", retention_check.retention, ("seat", "endpoint"), after=("messages",)),
)
