"""Settings as operators write them."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.mark.parametrize(
    ("text", "networks"),
    [("", ()), ("127.0.0.0/8", ("127.0.0.0/8",)), ("10.0.0.0/8, fd00::/8,", ("10.0.0.0/8", "fd00::/8"))],
)
def test_networks_are_given_comma_separated(monkeypatch, text, networks):
    monkeypatch.setenv("DEMANDS_WEBHOOK_ALLOW_NETWORKS", text)

    assert Settings(_env_file=None).webhook_allow_networks == tuple(map(ip_network, networks))


def test_a_network_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("DEMANDS_WEBHOOK_ALLOW_NETWORKS", "localhost")

    with pytest.raises(ValidationError, match="webhook_allow_networks"):
        Settings(_env_file=None)
