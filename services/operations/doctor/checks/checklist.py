"""The doctor's checklist, from the operator's facts to the FPGA, in the order in which it is shown."""

from __future__ import annotations

from services.operations.doctor.checks import access, device, evidence, hub, messages, network, retention
from services.operations.doctor.checks import client_and_host as between
from services.operations.doctor.checks import host_and_registry as beyond
from services.operations.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = (
    Check("name", "The hub's name", network.name_resolution),
    Check("proxy", "Proxy", network.proxy),
    Check("port-443", "Port 443 (HTTPS)", network.https_port, ("name",)),
    Check("port-5671", "Port 5671 (messages)", network.amqp_port, ("name",)),
    Check("port-8883", "Port 8883 (devices)", network.mqtt_port, ("name",)),
    Check("tls", "TLS and the hub", network.tls, ("port-443",)),
    Check("clock", "Clock", network.clock, ("tls",)),
    Check("access", "Who is let in", access.access, after=("key",), patience=20),
    Check("key", "Key", hub.key, ("tls",)),
    Check("endpoint", "Right to receive", hub.endpoint, ("name",)),
    Check("seat", "A reader's place", messages.seat, ("endpoint",)),
    Check("device", "Device", hub.device, ("key",)),
    Check("state", "Right to read twins", hub.state, ("key",)),
    Check("plan", "The hub's plan", hub.plan, patience=20),
    Check("agent", "Edge agent", device.agent, ("device",)),
    Check("version", "Deployment", device.version, ("state",)),
    Check("at-scale", "Deployments at scale", device.at_scale, ("state",)),
    Check("module", "Modules", device.modules, ("state",)),
    Check("support", "Support by Microsoft", device.support, ("state",)),
    Check("options", "Create options, ports, FPGA", device.options, ("state",)),
    Check("registry", "Registry and images", beyond.registry, ("state",)),
    Check("workspace", "Workspace", beyond.workspace),
    Check("host", "Host answers", beyond.hosts_answer, ("state",)),
    Check("messages", "Messages", messages.messages, ("endpoint",), after=("state",)),
    Check("between", "Clients reach their hosts", between.client_to_host, ("state",), after=("host", "messages")),
    Check("retention", "Messages kept by the hub", retention.retention, ("seat", "endpoint"), after=("messages",)),
)


def further_replies() -> Check:
    """Return what a capture adds to the checklist: replies that no check needs, read when all of them have ended."""
    after = tuple(check.name for check in CHECKS)
    return Check("evidence", "Further replies for the capture", evidence.further_replies, after=after)
