"""Where `core.http` may go: addresses of the open internet, and what the configuration lists.

A name is resolved here, every address it has is checked, and the connection goes to a checked address: there is no
second look-up that could give another one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from schemas.errors import Forbidden

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_UNICAST_6 = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_DOCUMENTATION_6 = (IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
_METADATA = frozenset({IPv4Address("168.63.129.16")})
"""Of clouds, where the address itself looks like any other; the rest is link-local or private anyway."""


class Refused(Exception):
    """`core.http` may not go there; the text names the address and the setting. No OSError: the client library
    must not take it for a name that cannot be resolved, and try another way."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """`[workflow] http_allow`: names, addresses and networks, each with a port or for all ports."""

    names: frozenset[tuple[str, int | None]]
    networks: tuple[tuple[Network, int | None], ...]

    @classmethod
    def of(cls, entries: Sequence[str]) -> Allowed:
        """`backup.internal`, `10.1.0.0/16`, `127.0.0.1:9090`, `[::1]:8080`. Raises ValueError."""
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[Network, int | None]] = []
        for entry in entries:
            host, port = _host_and_port(entry.strip())
            try:
                networks.append((ipaddress.ip_network(host, strict=False), port))
            except ValueError:
                if "/" in host or not host:
                    raise ValueError(f"{entry!r} is no name, address or network") from None
                names.add((host.lower().rstrip("."), port))
        return cls(frozenset(names), tuple(networks))

    def name(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return (host, port) in self.names or (host, None) in self.names

    def address(self, address: Address, port: int) -> bool:
        return any(
            address.version == network.version and address in network and only in (None, port)
            for network, only in self.networks
        )


def is_open(address: Address) -> bool:
    """Whether it is a plain address of the open internet; one that carries an IPv4 address is judged by that."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global and not address.is_multicast and not address.is_reserved and address not in _METADATA
        )
    inner = _carried(address)
    if inner is not None:
        return is_open(inner)
    if address not in _UNICAST_6 or any(address in network for network in _DOCUMENTATION_6):
        return False
    return address.is_global and not address.is_multicast


def check(host: str, address: str, port: int, allowed: Allowed) -> None:
    """Raises Refused."""
    found = ipaddress.ip_address(address.partition("%")[0])
    plain = found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
    if is_open(found) or allowed.name(host, port) or allowed.address(plain, port):
        return
    shown = host if host == address else f"{host} ({address})"
    raise Refused(f"core.http may not reach {shown}, port {port}; where it should, workflow.http_allow lists it")


def check_literal(url: URL, allowed: Allowed) -> None:
    """An address in place of a name is not resolved, so nobody else looks at it. Raises Forbidden, also for an
    address that only some systems read as one (`2130706433`, `0x7f.1`)."""
    host, port = url.host or "", url.port or 0
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _NUMBERS.fullmatch(host):
            raise Forbidden(f"core.http does not go to {host}: write addresses as four numbers") from None
        return
    try:
        check(host, str(address), port, allowed)
    except Refused as error:
        raise Forbidden(str(error)) from error


class CheckedResolver(AbstractResolver):
    """Resolves with the system's resolver; one forbidden address among several refuses the name."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises Refused; OSError for a name that cannot be resolved."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        results: list[ResolveResult] = []
        for found_family, _, protocol, _, address in found:
            ip = str(address[0])
            check(host, ip, port, self._allowed)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=ip,
                    port=port,
                    family=found_family,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Holds nothing."""


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside: mapped, compatible, 6to4, Teredo's client, NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _host_and_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, int(rest[1:]) if rest else None
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, int(port)
    return entry, None
