"""Where requests may go: loopback, and what somebody wrote down.

Owns the last look before a connection: names decide whether there is a permission, addresses
whether it holds. A name that is not listed is refused before anybody is asked for its address, so
that not even a name server hears of it. The address that was checked is the address connected to;
asking again would let the answer change in between (DNS rebinding: Jackson et al., CCS 2007).
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable

from deadheat.model import TargetError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], tuple[str, ...]]


def system(host: str, port: int) -> tuple[str, ...]:
    """Give the addresses of a name as the system knows them, best first.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Allow:
    """The hosts that may be sent to, beside loopback.

    An entry is a host name, an address or a network (`10.1.0.0/16`). A listed name may have any
    address except link-local, multicast and unspecified ones, which must be listed themselves:
    169.254.169.254 hands out the credentials of cloud machines.
    """

    def __init__(self, hosts: Iterable[str] = (), resolver: Resolver = system) -> None:
        """List what is allowed; `resolver` is asked for the addresses of permitted names alone."""
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._resolver = resolver
        for host in hosts:
            try:
                self._networks.append(ipaddress.ip_network(host, strict=False))
            except ValueError:
                self._names.add(_plain(host))

    def address(self, host: str, port: int) -> str:
        """Give the address to connect to.

        Raises:
            TargetError: the host is not permitted, has no address, or one that is not permitted.
        """
        literal = _literal(host)
        if literal is not None:
            if not (literal.is_loopback or self._listed(literal)):
                raise TargetError(_refusal(host))
            return str(literal)
        name = _plain(host)
        local = name == "localhost" or name.endswith(".localhost")
        if not local and name not in self._names:
            raise TargetError(_refusal(host))
        try:
            found = self._resolver(name, port)
        except OSError as error:
            raise TargetError(f"{host} has no address: {error}") from error
        for text in found:
            # An IPv6 address may carry the interface it is valid on.
            address = ipaddress.ip_address(text.partition("%")[0])
            permitted = address.is_loopback or self._listed(address)
            if not permitted and (local or _special(address)):
                raise TargetError(
                    f"{host} has the address {address}, which is not permitted; list it to allow it"
                )
        if not found:
            raise TargetError(f"{host} has no address")
        return found[0]

    def _listed(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _refusal(host: str) -> str:
    return f"{host} is not loopback and not among the authorised hosts: nothing was sent"


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _special(address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    looked_at: Address = mapped if mapped is not None else address
    return looked_at.is_link_local or looked_at.is_multicast or looked_at.is_unspecified
