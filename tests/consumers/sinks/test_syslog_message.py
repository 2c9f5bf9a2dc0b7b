"""The bytes of a syslog message, against RFC 5424."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from consumers.sinks.syslog_message import BOM, Syslog, framed
from tests.consumers.sinks.deliveries import STORE, delivery

SYSLOG = Syslog(
    facility=13, hostname="sts.example", app_name="counterfoil", enterprise=32473, byte_order_mark=True
)


@pytest.mark.parametrize(("ours", "theirs"), [(1, 6), (2, 5), (3, 4), (4, 3), (5, 2)])
def test_the_priority_says_facility_and_severity(ours: int, theirs: int) -> None:
    """RFC 5424 §6.2.1: facility times eight plus severity; daily business is informational, a leaked key critical."""
    message = SYSLOG.message(delivery(1, severity=ours), b"x")
    assert message.startswith(b"<%d>1 " % (13 * 8 + theirs))


def test_the_header_and_the_structured_data_name_the_record() -> None:
    """The time is that of the decision, and id, seq and store can be read without looking into the message."""
    record = delivery(7, event_type="chain.revoked")
    expected = (
        "<110>1 2025-11-25T22:33:20.007Z sts.example counterfoil - chain.revoked "
        f'[counterfoil@32473 id="{record.id}" seq="7" store="{STORE}"] payload'
    )
    assert SYSLOG.message(record, b"payload") == expected.encode()


def test_what_would_end_a_value_is_escaped() -> None:
    r"""RFC 5424 §6.3.3: `"`, `\` and `]` inside a PARAM-VALUE."""
    assert rb'id="a\"b\\c\]d"' in SYSLOG.message(replace(delivery(1), id='a"b\\c]d'), b"")


def test_names_in_the_header_are_printable_ascii() -> None:
    """RFC 5424 §6: no space or other character there could make one field two."""
    syslog = replace(SYSLOG, hostname="Häuser 1\n", app_name="x" * 60)
    header = syslog.message(replace(delivery(1), type="a b"), b"").split(b" [")[0].decode()
    assert re.fullmatch(r"<\d+>1 \S+ H\?user\?1\? x{48} - a\?b", header.replace("äu", "?u")), header


@pytest.mark.parametrize(
    ("payload", "mark"), [(b"plain", b""), ("Zoë".encode(), BOM)], ids=["ascii", "more than ascii"]
)
def test_a_message_beyond_ascii_begins_with_the_byte_order_mark(payload: bytes, mark: bytes) -> None:
    """RFC 5424 §6.4: MSG-UTF8 must, MSG-ANY need not."""
    assert SYSLOG.message(delivery(1), payload).endswith(b"] " + mark + payload)


def test_the_byte_order_mark_can_be_left_out() -> None:
    """Some receivers take it for a part of the JSON."""
    message = replace(SYSLOG, byte_order_mark=False).message(delivery(1), "Zoë".encode())
    assert BOM not in message


def test_a_frame_tells_its_length_in_bytes() -> None:
    """RFC 5425 §4.3: octets, not characters."""
    assert framed("Zoë".encode()) == b"4 " + "Zoë".encode()
