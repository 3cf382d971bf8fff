"""Whoever asks without a key, told apart by where the request came from, without keeping that."""

import ipaddress
from typing import Any

from fastapi import Request

from app.vault import Vault


def client_of(request: Request) -> str:
    """The address on the Internet that the request came from, as far as it is known."""
    return request.client.host if request.client else "unknown"


def client_stamp(vault: Vault, client: str) -> str:
    """The same for all addresses of one household."""
    return vault.stamp("client", _network(client))


def _network(client: str) -> str:
    """Of an IPv6 address the part that one household has."""
    try:
        address: Any = ipaddress.ip_address(client)
    except ValueError:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
