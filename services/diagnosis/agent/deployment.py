"""Rules: what the edge agent says of a deployment as a whole (lastDesiredStatus; docs/facts/iot-hub.md, field states).

The evidence's code is ``deployment``, its status lastDesiredStatus' code.
"""

from __future__ import annotations

from services.diagnosis.rule import Rule, also

RULES: tuple[Rule, ...] = (
    *also(
        Rule(
            "agent-stopped",
            "error",
            "stopped",
            "the edge agent is not running",
            "The agent said goodbye: IoT Edge was stopped on the device, and nothing is carried out until it starts.",
            (
                "Restart IoT Edge on the device (`systemctl restart iotedge` or `iotedge system restart`; on Data Box "
                "Edge restart the compute role)."
            ),
            pattern=r"Agent is not running",
        ),
        codes=("deployment",),
        statuses=(406,),
        general=True,
    ),
    *also(
        Rule(
            "no-deployment",
            "warning",
            "empty",
            "the device has no deployment",
            "The agent's desired properties are empty: nothing has ever been deployed, or the deployment was removed.",
            "Deploy a manifest.",
            pattern=r"empty configuration",
        ),
        codes=("deployment",),
        statuses=(417,),
        general=True,
    ),
    *also(
        Rule(
            "bad-configuration",
            "error",
            "format",
            "the agent cannot read the deployment",
            (
                "Create options that are no JSON, an unknown status or restart policy, or an image name that is none, in "
                "some module: the agent does not say in which, and carries out nothing."
            ),
            (
                "Roll back to the previous deployment; check each module's create options (`dbe-console options check`), "
                "then deploy again."
            ),
            pattern=(
                r"configuration format is invalid|Error (?:parsing|deserializing)|JsonReaderException|"
                r"Unexpected character encountered"
            ),
        ),
        codes=("deployment",),
        statuses=(400,),
        general=True,
    ),
    *also(
        Rule(
            "schema-refused",
            "error",
            "schema",
            "the agent refuses the schema version",
            "schemaVersion is newer than the agent knows, or is missing, or no version at all.",
            "Use 1.0, or 1.1 with an agent of 1.0.10 and later.",
            pattern=r"not compatible with the expected version|schema version",
        ),
        codes=("deployment",),
        statuses=(412,),
        general=True,
    ),
    Rule(
        "plan-failed",
        "error",
        "failed",
        "the deployment failed on the device: {text}",
        "A step of the deployment failed; the agent tries it again, at growing intervals, up to twenty times.",
        "The raw text is all that the agent says; the agent's logs say more (`dbe-console logs edgeAgent`).",
        codes=("deployment",),
        statuses=(500,),
        likely=True,
        general=True,
        settle="The agent's logs.",
    ),
)
