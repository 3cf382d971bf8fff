"""Which addresses webhooks may reach, and whether a URL is one that we would post to.

The rule is our own because no library on PyPI held all of it when this was written (November 2026). `ssrfguard` 0.4.1
and `httpx-secure` 2.0.0 guard httpx's own connection pool, which is too slow for deliveries; the first lets
168.63.129.16 and `::ffff:0:127.0.0.1` through, the second trusts `ipaddress.is_global`, which lets through multicast
and 6to4; `microsoft-antissrf` 1.0.0 works for requests only and lets `::127.0.0.1` through.

Creation checks the URL (`check_url`); what protects is that `sending` asks the policy again about the very address that
it is about to connect to.
"""

import asyncio
import re
import socket
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from app.webhooks.names import Address, LookupFailed, Names, UnknownName

Network = IPv4Network | IPv6Network

LONGEST_URL = 2_000
_PORTS_BELOW_1024 = {80, 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST_SO_FAR = IPv6Network("2000::/3")  # so ::/8, 100::/64, 5f00::/16, fc00::/7, fe80::/9 and ff00::/8 are not
_NOT_FOR_US = [  # what `is_global` lets through, in some or all versions of Python
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "2001::/23",  # protocol assignments, with Teredo
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
    )
]


class UnusableUrl(ValueError):
    """Says what is wrong with the URL, and what is allowed."""


@dataclass(frozen=True)
class AddressPolicy:
    """`allow`: networks that the operator opens to webhooks; an IPv4 range covers its addresses in IPv6 form too.

    `allow_http`: whether plain http may leave those networks.
    """

    allow: Sequence[Network] = ()
    allow_http: bool = False

    def permits(self, address: Address) -> bool:
        return self.opens(address) or (_is_public(destination(address)) and not is_own(address))

    def permits_http(self, address: Address) -> bool:
        return self.allow_http or self.opens(address)

    def opens(self, address: Address) -> bool:
        """Whether the operator has allowed this address by name, not the rule."""
        there = destination(address)
        return any(there in network for network in self.allow if network.version == there.version)


async def check_url(url: str, policy: AddressPolicy, names: Names, party: Hashable = None) -> None:
    """Raises UnusableUrl. Looks the host up, which may take some seconds.

    Plain http is also fine where every address lies in a network that the operator has allowed.
    """
    parsed = await asyncio.to_thread(_read, url)  # its parser takes long to load
    host = parsed.raw_host.decode()
    addresses = await _addresses(host, names, party)
    if not addresses or not all(policy.permits(address) for address in addresses):
        raise UnusableUrl(
            f"Address not allowed: {host}. Webhooks go to other machines' public addresses only, and to ranges that the"
            " operator opens with DEMANDS_WEBHOOK_ALLOW_NETWORKS."
        )
    if "%" in host:  # the client asks the resolver for it, to no avail
        raise UnusableUrl(f"The address may not name a zone: write {host.partition('%')[0]}.")
    if parsed.scheme == "http" and not all(policy.permits_http(address) for address in addresses):
        raise UnusableUrl("The URL must begin with https://.")


def destination(address: Address) -> Address:
    """Where packets to the address end up: IPv4 inside ::ffff:0:0/96 (RFC 4291) and 64:ff9b::/96 (NAT64, RFC 6052).

    Other wrappers (6to4, Teredo, IPv4-compatible, 64:ff9b:1::/48) are not unwrapped but refused, whatever they carry.
    """
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def is_own(address: Address) -> bool:
    """Whether it is this machine's: services that a firewall hides from others listen there too."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))  # sends nothing; the kernel only picks where it would send from
        except OSError:
            return False
        return ip_address(probe.getsockname()[0]) == address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST_SO_FAR:
        return False
    return address.is_global and not any(address in network for network in _NOT_FOR_US)


def _read(url: str) -> Any:
    """Reads it with httpx, which also sends: two parsers may see two hosts in one URL."""
    import httpx  # noqa: PLC0415  # a start need not wait for it

    if len(url) > LONGEST_URL:
        raise UnusableUrl(f"The URL is longer than {LONGEST_URL:,} characters.")
    if "\\" in url or any(character.isspace() for character in url):
        raise UnusableUrl("The URL may not contain spaces or backslashes; write them percent-encoded.")
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):  # the client would send it as %25, to another address than was given
        raise UnusableUrl("In the URL, % has to be followed by two hexadecimal digits; write % itself as %25.")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UnusableUrl(f"This is not a URL: {error}.") from None
    if parsed.scheme not in {"http", "https"}:
        raise UnusableUrl("The URL must begin with https://.")
    if not parsed.raw_host:  # as it is sent: `host` decodes it, and raises where that cannot be done
        raise UnusableUrl("The URL names no host.")
    if parsed.userinfo:
        raise UnusableUrl("The URL may not contain a user name or password; use a custom header instead.")
    if "#" in url:
        raise UnusableUrl("The URL may not contain a fragment (#…).")
    if parsed.port is not None and parsed.port not in _PORTS_BELOW_1024 and not 1024 < parsed.port <= 65535:
        raise UnusableUrl(f"Port {parsed.port} is not allowed; allowed are 80, 443 and those from 1025 to 65535.")
    return parsed


async def _addresses(host: str, names: Names, party: Hashable) -> Sequence[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        if _looks_numeric(host):
            raise UnusableUrl(f"{host} is not an address; write four decimal numbers, as in 192.0.2.1.") from None
    try:
        return await names.addresses(host, party)
    except UnknownName:
        raise UnusableUrl(f"The host {host} does not exist, or has no address.") from None
    except LookupFailed:
        raise UnusableUrl(f"The host {host} could not be looked up; try again later.") from None


def _looks_numeric(host: str) -> bool:
    """2130706433, 0x7f.1 and 127.1 are 127.0.0.1 to many parsers (WHATWG URL, section 3.5: "ends in a number")."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdigit() or (last.startswith("0x") and all(digit in "0123456789abcdef" for digit in last[2:]))
