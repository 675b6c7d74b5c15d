"""A hub's service API by the unmodified azure-iot-hub: whom it trusts, how long it waits, and the reply as it came.

The SDK's models cannot be trusted with replies: ``as_dict`` drops what they do not know (a twin's ``configurations``), and a
malformed twin makes the deserializer raise. So every reply is taken from the HTTP layer by the SDK's own response hook.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from services.contexts.hub_api import CONNECT_SECONDS, REPLY_CODE, SUBJECT, HubCredential, HubUnreached
from services.contexts.secrets import ca_path
from services.records import Secret
from services.replies.bounds import Bounds

if TYPE_CHECKING:
    from requests import Response


class HubSdk:
    """azure-iot-hub's manager of one ``host``, as a HubApi."""

    def __init__(self, host: str, access: Secret | HubCredential, ca_file: str, bounds: Bounds) -> None:
        from azure.iot.hub import IoTHubRegistryManager

        from services.replies.session import ReplyAdapter, Service, guard

        self.host = host
        self.by_token = not isinstance(access, Secret)
        if isinstance(access, Secret):
            self._manager = IoTHubRegistryManager.from_connection_string(access.reveal())
        else:
            self._manager = IoTHubRegistryManager.from_token_credential(host, access)
        self._replies = threading.local()
        adapter = ReplyAdapter(Service(SUBJECT, REPLY_CODE, (f"https://{host}",), bounds))

        def prepare(session: Any, _settings: object, _local: object, **options: Any) -> dict[str, Any]:
            guard(session, adapter)
            return options

        configuration = self._manager.protocol.config
        configuration.connection.timeout = (CONNECT_SECONDS, bounds.read_seconds)
        configuration.retry_policy.retries = 0
        configuration.redirect_policy.allow = False
        configuration.session_configuration_callback = prepare
        configuration.hooks.append(self._remember)
        if ca_file:
            configuration.connection.verify = ca_path(ca_file)

    def devices(self, top: int) -> Response:
        return self._exchange(partial(self._manager.get_devices, top))

    def device(self, device: str) -> Response:
        return self._exchange(partial(self._manager.get_device, device))

    def modules(self, device: str) -> Response:
        return self._exchange(partial(self._manager.get_modules, device))

    def module_twin(self, device: str, module: str) -> Response:
        return self._exchange(partial(self._manager.get_module_twin, device, module))

    def patch_module_twin(self, device: str, module: str, desired: Mapping[str, Any], etag: str) -> Response:
        from azure.iot.hub.protocol.models import Twin, TwinProperties

        twin = Twin(properties=TwinProperties(desired=dict(desired)))
        return self._exchange(partial(self._manager.update_module_twin, device, module, twin, etag))

    def invoke(
        self, device: str, module: str | None, method: str, payload: Any, response_timeout: int, connect_timeout: int
    ) -> Response:
        from azure.iot.hub.protocol.models import CloudToDeviceMethod

        request = CloudToDeviceMethod(
            method_name=method,
            payload=payload,
            response_timeout_in_seconds=response_timeout,
            connect_timeout_in_seconds=connect_timeout,
        )
        # The manager's own methods take no timeout, and the read must outlast the method.
        limits = (CONNECT_SECONDS, response_timeout + connect_timeout + 10)
        protocol = self._manager.protocol
        if module is None:
            return self._exchange(partial(protocol.devices.invoke_method, device, request, timeout=limits))
        return self._exchange(partial(protocol.modules.invoke_method, device, module, request, timeout=limits))

    def query(self, text: str, continuation: str | None, top: int) -> Response:
        from azure.iot.hub.models import QuerySpecification

        return self._exchange(partial(self._manager.query_iot_hub, QuerySpecification(query=text), continuation, top))

    def apply(self, device: str, modules_content: Mapping[str, Any]) -> Response:
        from azure.iot.hub.protocol.models import ConfigurationContent

        content = ConfigurationContent(modules_content=dict(modules_content))
        return self._exchange(partial(self._manager.protocol.configuration.apply_on_edge_device, device, content))

    def configurations(self, top: int) -> Response:
        return self._exchange(partial(self._manager.protocol.configuration.get_configurations, top))

    def device_statistics(self) -> Response:
        return self._exchange(self._manager.get_device_registry_statistics)

    def service_statistics(self) -> Response:
        return self._exchange(self._manager.get_service_statistics)

    def _exchange(self, call: Callable[[], object]) -> Response:
        """Return the reply to ``call``, whatever the SDK makes of it."""
        from msrest.exceptions import ClientException, DeserializationError, HttpOperationError

        self._replies.last = None
        try:
            call()
        except HttpOperationError as error:
            response: Response = error.response
            return response
        except (ClientException, DeserializationError, AttributeError, TypeError, ValueError, KeyError, RecursionError) as error:
            if self._replies.last is None:
                if isinstance(error, ClientException):
                    raise HubUnreached(getattr(error, "inner_exception", None) or error) from error
                raise
        last: Response = self._replies.last
        return last

    def _remember(self, response: Any, *_arguments: Any, **_options: Any) -> None:
        self._replies.last = response
