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
        codes=("silent",),
        statuses=(406,),
        general=True,
    ),
    Rule(
        "step-waits",
        "warning",
        "waiting",
        "a step of the deployment waits for its next try",
        (
            "The agent reports 406 without a word while it pauses after a step that failed: 10, 20, 40 seconds, up to 5 minutes. "
            "Agents up to 1.0.9 do so, and do not say which step."
        ),
        "Look again in a few minutes; the agent's log names the step (`dbe-console logs edgeAgent`).",
        codes=("step-waits",),
        statuses=(406,),
    ),
    Rule(
        "refused-before",
        "warning",
        "waiting",
        "the agent refused the deployment before this one",
        (
            "It said {text}, and nothing of the newest deployment yet: it is still pulling or starting. It reports only what changes, "
            "so where it refuses this one for the same reason, nothing more comes."
        ),
        "Wait; if nothing comes for some minutes, check the deployment again, and the agent's log (`dbe-console logs edgeAgent`).",
        codes=("refused-before",),
    ),
    *also(
        Rule(
            "modules-unlisted",
            "error",
            "engine",
            "the agent cannot list the device's modules",
            "The container engine or the IoT Edge daemon does not answer the agent: {text} What runs on the device is not known.",
            "Restart IoT Edge on the device; if it stays so, the container engine (`systemctl restart docker`).",
            pattern=r"Error calling List modules",
            general=True,
        ),
        codes=("list-failed",),
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
            kinds=("deployment",),
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
                "Roll back to the previous deployment (`dbe-console rollback`); check each module's create options (`dbe-console options check`), "
                "then deploy again."
            ),
            pattern=(
                r"configuration format is invalid|Error (?:parsing(?! HTTP)|deserializing)|JsonReaderException|"
                r"Unexpected character encountered"
            ),
            kinds=("deployment",),
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
            kinds=("deployment",),
        ),
        codes=("deployment",),
        statuses=(412,),
        general=True,
    ),
    Rule(
        "container-gone",
        "info",
        "stopped",
        "it was stopped or removed already",
        "The agent wanted to stop or remove a container that is no longer there, which does no harm.",
        "Wait for the agent's next pass.",
        pattern=r"Error calling (?:stop|delete|remove) module[\s\S]{1,600}?No such container",
    ),
    Rule(
        "container-gone",
        "warning",
        "missing",
        "its container has gone in the meantime",
        "The agent wanted to start a container that somebody or something removed on the device; it makes it anew.",
        "Wait for the agent's next pass; see who removes containers on the device if it comes again.",
        pattern=r"Error calling (?:re)?start module[\s\S]{1,600}?(?<!namespace of container: )No such container",
    ),
    Rule(
        "plan-failed",
        "error",
        "failed",
        "a step of the deployment failed: {text}",
        "The agent could not carry out a step for this module. It tries again, at growing intervals, up to twenty times.",
        "The raw text is all that the agent says; the agent's logs say more (`dbe-console logs edgeAgent`).",
        pattern=r"Error calling (?:prepare update|create|start|stop|restart|update|delete|remove)(?: for)? module [\w-]{1,128}",
        kinds=("deployment",),
        statuses=(500,),
        likely=True,
        general=True,
        settle="The agent's logs.",
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
