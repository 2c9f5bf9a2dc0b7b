"""Which network addresses a fetch for somebody else's sake may reach: the public Internet and nothing beside us."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""RFC 4291 §2.4. IPv4-mapped, NAT64, unique local, link-local and multicast addresses all lie outside."""
UNREACHABLE_V6: Final = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them: RFC 2928, RFC 4380
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4 carries an IPv4 address: RFC 3056
    IPv6Network("3fff::/20"),  # documentation: RFC 9637
)
UNREACHABLE_V4: Final = (
    # Python's own tables know all of it only in newer releases.
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments; one cloud serves instance metadata there
    IPv4Network("192.88.99.0/24"),  # 6to4 relays: RFC 7526
    IPv4Network("168.63.129.16/32"),  # public by its number, the host of the virtual machine on one cloud
)
LOOPBACK_V4: Final = IPv4Network("127.0.0.0/8")


def parse_address(text: str) -> Address | None:
    """The address `text` is in canonical notation, or None: octal, hexadecimal and short forms are none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Globally reachable unicast, and not a way to name an IPv4 address that is not."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in net for net in UNREACHABLE_V4)
    else:
        special = address not in GLOBAL_UNICAST or any(address in net for net in UNREACHABLE_V6)
    return address.is_global and not special


def is_loopback(address: Address) -> bool:
    """127.0.0.0/8 or ::1 itself; not an IPv6 address that stands for the former."""
    return address in LOOPBACK_V4 if isinstance(address, IPv4Address) else address == IPv6Address("::1")
