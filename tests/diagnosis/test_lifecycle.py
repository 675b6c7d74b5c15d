"""What is out of support, and how it is said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.diagnosis import diagnose, diagnose_state
from services.diagnosis.lifecycle import PRODUCTS, RUNTIMES, headline, sentence, supported_runtime, unsupported
from services.records import DesiredModule, Device, DeviceState, EdgeHubState, Evidence, Module

TODAY = date(2026, 12, 1)
FPGA = '{"HostConfig":{"Privileged":true,"Devices":[{"PathOnHost":"/dev/catapult0"}]}}'


def device(agent: str = "", hub: str = "", *modules: Module, agent_tag: str = "x", hub_tag: str = "x") -> DeviceState:
    system = (
        Module("edgeAgent", True, DesiredModule(f"mcr.microsoft.com/azureiotedge-agent:{agent_tag}")),
        Module("edgeHub", True, DesiredModule(f"mirror.example:5000/azureiotedge-hub:{hub_tag}")),
    )
    return DeviceState(Device("d", True), (*system, *modules), agent_version=agent, edge_hub=EdgeHubState(version=hub))


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (device("1.1.19", "1.1.19"), "iot-edge-1.1"),
        (device("1.4.43", "1.6.1"), "iot-edge-1.4"),
        (device("1.0.10.4", "1.4.2"), "iot-edge-1.0 iot-edge-1.4"),
        (device("1.5.44", "1.5.44"), "iot-edge-1.5"),
        (device("1.6.1", "1.6.1"), ""),
        (device("1.10.0", "2.0.0"), ""),
        (device("", "", agent_tag="1.4", hub_tag="1.5.0-linux-arm64v8"), "iot-edge-1.4 iot-edge-1.5"),
        (device("", "", agent_tag="latest", hub_tag="v1.1"), ""),
        (
            device("1.1.19", "1.1.19", Module("host", desired=DesiredModule("r/i:1", create_options=FPGA))),
            "iot-edge-1.1 azure-stack-edge-fpga azure-stack-edge-managed-iot-edge",
        ),
        (device("1.6.1", "1.6.1", Module("host", desired=DesiredModule("r/i:1", create_options="{broken"))), ""),
        (DeviceState(Device("never", None)), ""),
    ],
)
def test_what_of_a_device_is_out_of_support(state: DeviceState, names: str) -> None:
    assert [product.name for product in unsupported(state, TODAY)] == names.split()


def test_support_ends_after_its_last_day() -> None:
    last = date(2026, 11, 10)
    assert not RUNTIMES["1.5"].ended(last)
    assert RUNTIMES["1.5"].ended(last + timedelta(days=1))
    assert supported_runtime(last) == "1.6"
    assert supported_runtime(date(2040, 1, 1)) == "1.6", "an old table names the newest that it has"


def test_one_line_names_each_with_its_date() -> None:
    assert sentence(unsupported(device("1.1.0", "1.4.0"), TODAY)) == (
        "out of support: IoT Edge 1.1 since 2022-12-13; IoT Edge 1.4 since 2024-11-12"
    )
    assert headline(unsupported(device("1.1.0", "1.4.0"), TODAY)) == "out of support: IoT Edge 1.1 since 2022-12-13, and 1 more"
    assert headline(unsupported(device("1.5.0", "1.5.0"), TODAY)) == "out of support: IoT Edge 1.5 since 2026-11-10"
    assert sentence(()) == headline(()) == ""


def test_it_is_no_finding() -> None:
    """Its age changes nothing of what diagnosis says of a device."""
    assert diagnose_state(device("1.1.19", "1.1.19")) == diagnose_state(device("1.6.1", "1.6.1"))


def test_every_product_has_a_source_a_remedy_and_a_name_of_its_own() -> None:
    assert len({product.name for product in PRODUCTS}) == len(PRODUCTS)
    assert all(product.source and product.remedy and product.end[:2] == "20" for product in PRODUCTS)


@pytest.mark.parametrize(
    "words", ["[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol", "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert"]
)
def test_old_tls_is_named_with_the_end_of_its_support(words: str) -> None:
    finding = diagnose(Evidence("network", code="SSLError", text=f"h: {words} (_ssl.c:1006)"))[0]
    assert (finding.state, "2025-08-31" in finding.cause) == ("tls-version", True)
