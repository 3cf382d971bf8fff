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


@pytest.mark.parametrize(
    ("name", "text", "network"),
    [
        ("webhook_allow_networks", "127.0.0.0/8, 10.0.0.1/8", "10.0.0.0/8"),
        ("webhook_allow_networks", "fd00::1/8", "fd00::/8"),
        ("trusted_proxies", "172.16.0.1/12", "172.16.0.0/12"),
    ],
)
def test_an_address_within_a_network_is_refused_with_the_network_that_it_is_in(monkeypatch, name, text, network):
    monkeypatch.setenv(f"DEMANDS_{name.upper()}", text)

    with pytest.raises(ValidationError, match=f"has host bits set; write {network}"):
        Settings(_env_file=None)


@pytest.mark.parametrize(
    "url", ["foo", "demands.example.org", "ftp://demands.example.org", "https://", "//a", "http://["]
)
def test_a_base_url_that_leads_nowhere_is_refused(monkeypatch, url):
    monkeypatch.setenv("DEMANDS_BASE_URL", url)

    with pytest.raises(ValidationError, match="base_url"):
        Settings(_env_file=None)


def test_a_base_url_may_have_a_path_and_a_slash_at_its_end(monkeypatch):
    monkeypatch.setenv("DEMANDS_BASE_URL", "https://example.org/demands/")

    assert Settings(_env_file=None).base_url == "https://example.org/demands"


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "demands.sqlite3", "postgres://localhost/x"])
def test_a_database_that_it_cannot_use_is_refused_without_repeating_what_was_set(monkeypatch, url):
    monkeypatch.setenv("DEMANDS_DATABASE_URL", url)

    with pytest.raises(ValidationError, match=r"postgresql\+psycopg://") as refused:
        Settings(_env_file=None)

    assert url not in str(refused.value)


@pytest.mark.parametrize("proxies", ["", "*", "10.0.0.1", "10.0.0.0/8, ::1"])
def test_proxies_are_addresses_and_networks(monkeypatch, proxies):
    monkeypatch.setenv("DEMANDS_TRUSTED_PROXIES", proxies)

    assert Settings(_env_file=None).trusted_proxies == proxies


def test_a_proxy_by_name_is_refused(monkeypatch):
    monkeypatch.setenv("DEMANDS_TRUSTED_PROXIES", "nginx")

    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(_env_file=None)
