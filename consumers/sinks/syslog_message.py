"""One record as a syslog message (RFC 5424) in a frame with its length (RFC 6587 §3.4.1, RFC 5425 §4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from consumers.delivery import Delivery

BOM: Final = b"\xef\xbb\xbf"
"""RFC 5424 §6.4: before a MSG in UTF-8."""
_SEVERITIES: Final = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""Ours → RFC 5424 §6.2.1: informational, notice, warning, error, critical."""
_ALERT_OPERATORS: Final = 4


class _Said(msgspec.Struct):
    """What the header says of a record."""

    time: str = "-"
    severity: int = 3
    store: str = ""
    truncated: bool = False


_SAID: Final = msgspec.json.Decoder(_Said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Syslog:
    """How this sender speaks."""

    facility: int
    """RFC 5424 §6.2.1, table 1."""
    hostname: str
    app_name: str
    enterprise: int
    """The private enterprise number in the name of our SD-ELEMENT (RFC 5424 §7.2.2)."""
    byte_order_mark: bool

    def message(self, delivery: Delivery, payload: bytes) -> bytes:
        """The message, without its frame."""
        said = _SAID.decode(delivery.value)
        priority = self.facility * 8 + _SEVERITIES.get(said.severity, _ALERT_OPERATORS)
        header = (
            f"<{priority}>1 {_header(said.time, 48)} {_header(self.hostname, 255)} {_header(self.app_name, 48)} - "
            f"{_header(delivery.type, 32)} {self._element(delivery, said)} "
        )
        return header.encode() + self._mark(payload) + payload

    def _element(self, delivery: Delivery, said: _Said) -> str:
        values = {"id": delivery.id, "seq": str(delivery.seq), "store": said.store}
        if said.truncated:
            values["truncated"] = "true"
        parameters = "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())
        return f"[counterfoil@{self.enterprise}{parameters}]"

    def _mark(self, payload: bytes) -> bytes:
        return BOM if self.byte_order_mark and not payload.isascii() else b""


def framed(message: bytes) -> bytes:
    """`MSG-LEN SP SYSLOG-MSG`: whatever the message has in it, its end is known."""
    return b"%d %s" % (len(message), message)


def _header(text: str, longest: int) -> str:
    """PRINTUSASCII of RFC 5424 §6, and never empty."""
    return "".join(sign if "!" <= sign <= "~" else "?" for sign in text[:longest]) or "-"


def _escaped(value: str) -> str:
    r"""A PARAM-VALUE: `"`, `\` and `]` get a backslash before them (RFC 5424 §6.3.3)."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
