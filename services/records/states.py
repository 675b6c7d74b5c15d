"""The named states of a diagnosis that others than its rules ask about, and their traits.

A finding's ``state`` is one of these, and an error's ``code`` is SERVICE.STATE (``OperatorError.state``). Rules in
services/diagnosis name many more; one that is asked about elsewhere gets its constant or its trait here.
"""

from __future__ import annotations

from typing import Final

AGENT_STOPPED: Final = "agent-stopped"
AT_SCALE: Final = "at-scale"
CHANGED_MEANWHILE: Final = "changed-meanwhile"
CLIENT_QUIET: Final = "client-quiet"
DEVICE_DISABLED: Final = "device-disabled"
DEVICE_MISSING: Final = "device-missing"
DEVICE_OFFLINE: Final = "device-offline"
FPGA_FLASHING: Final = "fpga-flashing"
MODULE_MISSING: Final = "module-missing"
MODULE_TROUBLE: Final = "module-trouble"  # of a device: each module in trouble tells by itself what ails it
NOT_YET_APPLIED: Final = "not-yet-applied"

# The runtime refuses the deployment: nothing comes of it until there is another.
REFUSED: Final = frozenset({"bad-configuration", "schema-refused", "no-deployment"})
# What holds before the agent has taken up a new deployment, too; everything else belongs to the deployment before.
BEFORE_APPLIED: Final = REFUSED | {
    *(DEVICE_OFFLINE, DEVICE_DISABLED, AGENT_STOPPED, "never-reported", NOT_YET_APPLIED, "refused-before", "step-waits")
}
# The container engine fails the agent, whichever deployment it carries out.
OF_THE_ENGINE: Final = frozenset({"modules-unlisted", "engine-gone", "edge-daemon-gone"})
# A device or module of that name is not there, says the hub or the edge agent.
OF_NAMES: Final = frozenset({DEVICE_MISSING, MODULE_MISSING, "no-such-module"})
# It passes by itself, or with the deployment: no cause of what is seen from outside.
NOT_YET: Final = frozenset({"slow-pull", "not-created", "no-deployment", NOT_YET_APPLIED})
# The hub's own settings keep this machine out, whatever key or token it shows; and what is said of the key then.
OF_ACCESS: Final = frozenset({"local-auth-off", "public-access-off", "ip-rule", "private-endpoint"})
OF_KEYS: Final = frozenset({"unauthorized", "events-unauthorized"})
# Create options are to be mended.
OF_THE_OPTIONS: Final = frozenset({"bad-create-options", "port-clash", "two-fpga-hosts", "no-privileged"})
# A client's complaint that its host does not answer: the host itself may say why.
NOT_THROUGH: Final = frozenset({FPGA_FLASHING, "fpga-flashing-too-long", "host-gone", "deadline"})
# Nothing listens on a host's port; or docker's proxy does already, and closes what the container does not take.
NOT_LISTENING: Final = frozenset({"host-gone", "refused", "cut", "connection-cut"})
# No answer, or one that is none: whether the service carried out what was asked is not known.
OUTCOME_UNKNOWN: Final = frozenset({"cut", "no-answer", "timeout", "unknown", "hub-trouble", "reply"})
