"""Requests go to loopback and to what was written down, by name and by address."""

import pytest

from deadheat.io.allow import Allow, Resolver
from deadheat.model import TargetError


def says(*addresses: str) -> Resolver:
    return lambda host, port: addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert Allow().address(host, 80) == host.strip("[]")


@pytest.mark.parametrize(
    "host",
    ["192.0.2.1", "example.org", "0.0.0.0", "2130706433", "127.1", "::ffff:192.0.2.1", "2001:db8::1", ""],
)
def test_anything_else_is_refused_without_asking_for_its_address(host: str) -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError(f"asked for {host}")

    with pytest.raises(TargetError, match="not loopback"):
        Allow(resolver=never).address(host, 80)


def test_a_local_name_that_points_elsewhere_is_refused() -> None:
    with pytest.raises(TargetError, match="not permitted"):
        Allow(resolver=says("127.0.0.1", "192.0.2.1")).address("localhost", 80)


def test_a_listed_name_is_connected_to_at_the_address_that_was_checked() -> None:
    allow = Allow(["Staging.Example."], says("192.0.2.7", "192.0.2.8"))
    assert allow.address("staging.example", 443) == "192.0.2.7"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1%eth0", "::ffff:169.254.1.1"]
)
def test_a_listed_name_may_not_point_at_special_addresses(address: str) -> None:
    with pytest.raises(TargetError, match="list it to allow it"):
        Allow(["staging.example"], says(address)).address("staging.example", 80)


def test_networks_may_be_listed() -> None:
    allow = Allow(["10.1.0.0/16"])
    assert allow.address("10.1.2.3", 80) == "10.1.2.3"
    with pytest.raises(TargetError):
        allow.address("10.2.0.1", 80)


def test_a_name_without_an_address_is_one_line() -> None:
    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError("Name or service not known")

    with pytest.raises(TargetError, match=r"nowhere\.example has no address: Name or service not known"):
        Allow(["nowhere.example"], unknown).address("nowhere.example", 80)
