"""What counts as one client where attempts are counted by address."""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """Return the network within which one client can choose its addresses: an IPv4 address, or an IPv6 subscriber's /64
    (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
