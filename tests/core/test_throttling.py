"""Throttling: how uses are named, and which addresses are one network."""

import pytest

from cityauth.core.throttling import bucket_of, network_of

SECRET = bytes(32)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("no address, 192.0.2.7", "text no address, 192.0.2.7"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        (" 192.0.2.7:5123 ", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_which_addresses_are_one_network(address: str | None, network: str) -> None:
    """An IPv6 /64 is one network, a mapped IPv4 address is itself, and what is no address counts by itself."""
    assert network_of(address) == network


def test_a_bucket_is_short_and_its_own() -> None:
    """A bucket is of fixed length, keyed, and no pair of operation and subject can pose as another (B-34, B-49, B-51)."""
    buckets = {
        bucket_of(operation, subject, secret)
        for operation, subject in [("reset", "a"), ("reset", "b"), ("rese", "ta"), ("reset", "x" * 10**5)]
        for secret in (SECRET, b"other")
    }
    assert len(buckets) == 8
    assert {len(bucket) for bucket in buckets} == {32}
