"""``$management``: what Event Hubs tells about an event hub and its partitions (operation READ)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.lab.cloud.hub import HubError

from .links import RequestLink
from .messages import read_message, reply
from .types import Array, Int, Timestamp

if TYPE_CHECKING:
    from .session import Session

_HUB, _PARTITION = "com.microsoft:eventhub", "com.microsoft:partition"


class ManagementLink(RequestLink):
    """Answers reads; each request carries its token (``security_token``)."""

    def __init__(self, session: Session, attach: dict[str, Any], address: str) -> None:
        super().__init__(session, attach, address)

    async def answer(self, payload: bytes) -> tuple[bytes, Any]:
        """See RequestLink."""
        message = read_message(payload)
        status, text, value = self._read(message.application_properties)
        properties = {"status-code": Int(status), "status-description": text}
        return reply(message.properties.get("message_id"), properties, value), message.properties.get("reply_to")

    def _read(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any] | None]:
        name = str(request.get("name") or "")
        try:
            self.session.connection.nodes.check_events(name, token=request.get("security_token"))
        except HubError:
            return 401, "Unauthorized access. 'Listen' claim(s) are required to perform this operation.", None
        store = self.session.connection.nodes.store_of(name)
        if store is None:
            return 404, f"The messaging entity '{name}' could not be found.", None
        if request.get("operation") != "READ":
            return 400, "The operation is not supported.", None
        if request.get("type") == _HUB:
            ids = Array(str(number) for number in range(store.partition_count))
            value: dict[str, Any] = {
                "name": name,
                "type": _HUB,
                "created_at": Timestamp(store.created_ms),
                "partition_count": Int(len(ids)),
                "partition_ids": ids,
            }
            return 200, "OK", value
        partition = str(request.get("partition") or "")
        if request.get("type") != _PARTITION or not partition.isdigit() or int(partition) >= store.partition_count:
            return 404, f"The partition '{partition}' could not be found.", None
        log = store.partitions[int(partition)]
        last = log.last
        return 200, "OK", {
            "name": name,
            "type": _PARTITION,
            "partition": partition,
            "begin_sequence_number": log.first,
            "last_enqueued_sequence_number": log.next - 1,
            "last_enqueued_offset": str(last.offset) if last else "-1",
            "last_enqueued_time_utc": Timestamp(last.enqueued_ms if last else 0),
            "is_partition_empty": last is None,
        }  # fmt: skip
