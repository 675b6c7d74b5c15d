"""``dbe-console lab``: the lab alone, its endpoints printed, until Ctrl+C; ``lab check``: the main job on it, end to end."""

from __future__ import annotations

import argparse
import signal
from typing import Any, NoReturn

from console.cli.output import Call
from console.lab.check import check
from console.lab.process import LabProcess
from services.errors import UsageError
from services.lab.faults import CURES, KINDS, Faults
from services.names import did_you_mean

HELP = "run the embedded lab alone, and print how any Azure SDK or az reaches it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("check",), help="check: do the main job end to end, without a terminal")
    parser.add_argument("--json", action="store_true", help="print the endpoints as one JSON object, the check as NDJSON")
    what = "switch a fault on from the start: NAME[@DEVICE[/MODULE]][:KEY=VALUE,…]; may be repeated"
    parser.add_argument("--fault", action="append", default=[], metavar="FAULT", help=what)
    parser.add_argument("--faults", action="store_true", help="list the faults and end")
    parser.add_argument("--address", default="", metavar="127.X.Y.Z", help="take this loopback address instead of a free one")


def run(call: Call) -> int:
    """Start the lab, print LabInfo, stay until it or the user ends it."""
    if call.options.faults:
        kinds = [
            {"name": k.name, "where": k.place, "what_happens": k.text, "takes": list(k.parameters), "cure": CURES[k.cure]}
            for k in KINDS.values()
        ]
        call.table(("name", "what_happens", "takes", "cure"), kinds)
        return 0
    text = ""
    try:
        for text in call.options.fault:
            Faults().switch_text(text)
    except ValueError as error:
        raise UsageError(
            f"The fault cannot be switched on: {error}.",
            remedy=f"{did_you_mean(text.partition('@')[0].partition(':')[0], KINDS)}See: dbe-console lab --faults",
            code="lab.unknown-fault",
        ) from error
    arguments = [part for name in call.options.fault for part in ("--fault", name)]
    arguments += ["--address", call.options.address] if call.options.address else []
    if call.options.action == "check":
        return check(call, arguments)

    signal.signal(signal.SIGTERM, _terminated)
    lab = LabProcess(arguments)
    try:
        info = lab.ready()
        if call.as_json:
            call.out_json(info)
        else:
            call.out(_instructions(info))
        return lab.wait()
    finally:
        lab.close()


def _terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)  # through the finally that ends the lab


def _instructions(info: dict[str, Any]) -> str:
    hub, ca_file, connection = info["hub_name"], info["ca_file"], info["hub_connection_string"]
    up = info["low_ports_up"]
    low_ports = (
        f"\n  This user may not bind ports below 1024: a device's are bound {up} higher (80 at {80 + up}), and HTTPS is not at 443."
        "\n  az iot device and others that take the hub's name for MQTT fail on the port in it. For ports as Azure has them, first:"
        "\n    sudo sysctl net.ipv4.ip_unprivileged_port_start=80"
        if up
        else ""
    )
    devices = "\n".join(f"    {name:<16} {one['address']}" for name, one in info["devices"].items())
    return f"""The lab is up; it ends with Ctrl+C. Everything below is gone then.

  IoT Hub         {hub} at {info["host"]}
  hub connection  {connection}
  CA file         {ca_file}
  event endpoint  {info["event_hub_connection_string"]}
  by token alone  the Event Hub {info["routed_event_hub"]} at {info["address"]}, once the hub routes to it:
                  dbe-console context route-messages --namespace {info["address"]} --event-hub {info["routed_event_hub"]}
  workspace       {info["workspace"]} in {info["resource_group"]}, subscription {info["subscription"]}
  ARM, sign-in    {info["https"]} (tenant {info["tenant"]}, client {info["client_id"]}, secret in {info["folder"]}/lab.json)
  registry        {info["registry_server"]} as {info["registry_username"]}
  devices
{devices}{low_ports}

The console on it, from another terminal:
    DBE_CONSOLE_HOME={info["config_home"]} dbe-console

az on it, with the extension azure-iot. (monitor-events brings uamqp from PyPI at its first run: let it do so in
a shell without these variables, for with them pip trusts the lab alone.)
    export REQUESTS_CA_BUNDLE={ca_file} SSL_CERT_FILE={ca_file}
    az iot hub device-identity list --login "{connection}"
    az iot hub monitor-events --login "{connection}"
  or signed in, as against Azure:
    az config set core.instance_discovery=false
    az cloud register --name lab --endpoint-resource-manager {info["https"]} && az cloud set --name lab
    az login --service-principal -t {info["tenant"]} -u {info["client_id"]} -p SECRET
  (the secret is in lab.json; back to Azure with: az cloud set --name AzureCloud)

Any Azure SDK: that connection string, and the CA file as connection_verify (azure-eventhub), or as
client.protocol.config.connection.verify (azure-iot-hub), or in REQUESTS_CA_BUNDLE.
All of it as JSON: {info["folder"]}/lab.json   Faults: dbe-console lab --faults"""
