import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest

from app.webhooks import addresses
from app.webhooks.addresses import LONGEST_URL, AddressPolicy, UnusableUrl
from app.webhooks.names import Names, system_lookup

NOTHING_OPENED = AddressPolicy()
LOOPBACK_OPENED = AddressPolicy([ip_network("127.0.0.0/8"), ip_network("::1/128")])

REFUSED = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 100.127.255.254 127.0.0.1 127.255.255.254 168.63.129.16
    169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.170
    192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250
    240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:0:127.0.0.1 ::5efe:127.0.0.1 ::ffff:10.0.0.1 ::ffff:127.0.0.1
    ::ffff:169.254.169.254 ::ffff:168.63.129.16 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254
    64:ff9b::224.0.0.1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
    2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1 fc00::1 fd00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fe80::1%1 fec0::1 ff02::1 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
"""
PERMITTED = """
    1.1.1.1 8.8.8.8 168.63.129.15 192.0.1.1 192.88.98.1 193.0.14.129 223.255.255.254
    2606:4700:4700::1111 2a00:1450:4001::200e 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("address", REFUSED.split())
def test_addresses_that_lead_inside_or_nowhere_are_refused(address):
    assert not NOTHING_OPENED.permits(ip_address(address))


@pytest.mark.parametrize("address", PERMITTED.split())
def test_public_addresses_are_permitted(address):
    assert NOTHING_OPENED.permits(ip_address(address))


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::1", "fe80::1%eth0"])
def test_what_the_operator_opens_is_permitted_in_every_form_that_leads_there(address):
    policy = AddressPolicy([ip_network("10.1.0.0/16"), ip_network("fd12::/16"), ip_network("fe80::/10")])

    assert policy.permits(ip_address(address))


@pytest.mark.parametrize("address", ["10.2.0.1", "::ffff:10.2.0.1", "127.0.0.1", "64:ff9b::127.0.0.1", "::10.1.2.3"])
def test_opening_one_network_opens_no_other(address):
    policy = AddressPolicy([ip_network("10.1.0.0/16"), ip_network("64:ff9b::/96"), ip_network("::ffff:0:0/96")])

    assert not policy.permits(ip_address(address))


def test_our_own_public_address_is_refused_unless_opened(monkeypatch):
    monkeypatch.setattr(addresses, "is_own", lambda address: address == ip_address("8.8.8.8"))

    assert not NOTHING_OPENED.permits(ip_address("8.8.8.8"))
    assert NOTHING_OPENED.permits(ip_address("8.8.4.4"))
    assert AddressPolicy([ip_network("8.8.8.8/32")]).permits(ip_address("8.8.8.8"))


def test_an_address_of_this_machine_is_known_as_its_own():
    assert addresses.is_own(ip_address("127.0.0.1"))
    assert not addresses.is_own(ip_address("192.0.2.1"))


def test_a_public_https_url_is_fine():
    check_url("https://example.org/a?b=c@d", NOTHING_OPENED, lookup=answering("93.184.215.14", "2606:2800:21f::1"))
    check_url("https://example.org/%C4%B0%2f%25zz?q=100%25", NOTHING_OPENED, lookup=answering("93.184.215.14"))
    check_url("https://8.8.8.8:8443/", NOTHING_OPENED, lookup=nobody)
    check_url("https://[2606:4700:4700::1111]/", NOTHING_OPENED, lookup=nobody)


def test_an_international_name_is_looked_up_as_it_will_be_sent():
    with pytest.raises(UnusableUrl, match=r"^Address not allowed: xn--y9a3aq\.xn--y9a3aq\. "):
        check_url("https://հայ.հայ/", NOTHING_OPENED, lookup=answering("10.0.0.1"))


@pytest.mark.parametrize("address", REFUSED.split())
def test_a_name_with_one_bad_address_among_good_ones_is_refused_without_saying_which(address):
    told = r"^Address not allowed: intranet\.example\. Webhooks go to .*public.* DEMANDS_WEBHOOK_ALLOW_NETWORKS\.$"

    with pytest.raises(UnusableUrl, match=told):
        check_url("https://intranet.example/", NOTHING_OPENED, lookup=answering("8.8.8.8", address))


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("169.254.169.254", "Address not allowed"),
        ("[::ffff:10.0.0.1]", "Address not allowed"),
        ("[::1]", "Address not allowed"),
        ("[fe80::1%25eth0]", "Address not allowed"),
        ("2130706433", "four decimal numbers"),
        ("0x7f000001", "four decimal numbers"),
        ("0x7f.1", "four decimal numbers"),
        ("0177.0.0.1", "Invalid IPv4 address"),
        ("127.1", "four decimal numbers"),
        ("127.0.0.1.", "four decimal numbers"),
        ("①②⑦.0.0.1", "not a URL"),
    ],
)
def test_addresses_in_the_url_are_checked_however_they_are_written(host, says):
    with pytest.raises(UnusableUrl, match=says):
        check_url(f"https://{host}/", NOTHING_OPENED, lookup=nobody)


@pytest.mark.parametrize("host", ["2606:4700:4700::1111%25eth0", "2606:4700:4700::1111%251"])
def test_an_address_with_a_zone_is_refused_since_nothing_could_be_sent_to_it(host):
    with pytest.raises(UnusableUrl, match=r"may not name a zone: write 2606:4700:4700::1111\."):
        check_url(f"https://[{host}]/", NOTHING_OPENED, lookup=nobody)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "https://"),
        ("hooks.example.org", "https://"),
        ("ftp://example.org/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https:///path", "no host"),
        ("https:example.org", "no host"),
        ("https://ada:secret@example.org/", "user name"),
        ("https://ada@example.org/", "user name"),
        ("https://example.org\\@evil.example/", "backslash"),
        ("https://example.org/#top", "fragment"),
        ("https://example.org/#", "fragment"),
        ("https://exa mple.org/", "spaces"),
        ("https://example.org/\n", "spaces"),
        ("https://example.org/\0", "not a URL"),
        ("https://example.org/%zz", "two hexadecimal digits"),
        ("https://example.org/?q=100%", "two hexadecimal digits"),
        ("https://example.org/%4", "two hexadecimal digits"),
        ("https://example.org:22/", "Port 22"),
        ("https://example.org:0/", "Port 0"),
        ("https://example.org:1024/", "Port 1024"),
        ("https://example.org:99999/", "Port 99999"),
        ("https://example.org:http/", "not a URL"),
        (f"https://example.org/{'x' * LONGEST_URL}", "longer than 2,000"),
    ],
)
def test_an_unusable_url_is_refused_with_the_reason(url, says):
    with pytest.raises(UnusableUrl, match=says):
        check_url(url, NOTHING_OPENED, lookup=answering("8.8.8.8"))


def test_a_url_of_three_megabytes_is_refused_unread():
    with pytest.raises(UnusableUrl, match="longer than"):
        check_url("https://example.org/" + "x" * 3_000_000, NOTHING_OPENED, lookup=nobody)


def test_plain_http_is_refused_unless_the_setting_or_the_network_allows_it():
    with pytest.raises(UnusableUrl, match="https://"):
        check_url("http://example.org/", LOOPBACK_OPENED, lookup=answering("8.8.8.8"))
    with pytest.raises(UnusableUrl, match="https://"):
        check_url("http://example.org/", LOOPBACK_OPENED, lookup=answering("8.8.8.8", "127.0.0.1"))

    check_url("http://example.org/", AddressPolicy(allow_http=True), lookup=answering("8.8.8.8"))
    check_url("http://127.0.0.1:5000/hook", LOOPBACK_OPENED, lookup=nobody)
    check_url("http://[::1]:5000/hook", LOOPBACK_OPENED, lookup=nobody)
    check_url("http://localhost:5000/hook", LOOPBACK_OPENED, lookup=answering("127.0.0.1", "::1"))


@pytest.mark.parametrize(
    ("problem", "says"),
    [(socket.EAI_NONAME, "does not exist"), (socket.EAI_AGAIN, "could not be looked up; try again")],
)
def test_a_name_without_an_address_is_refused(problem, says):
    with pytest.raises(UnusableUrl, match=says):
        check_url("https://gone.example/", NOTHING_OPENED, lookup=failing(problem))


def test_a_name_that_resolves_to_nothing_is_refused():
    with pytest.raises(UnusableUrl, match="Address not allowed"):
        check_url("https://empty.example/", NOTHING_OPENED, lookup=answering())


def test_the_system_resolver_knows_localhost_and_refuses_what_is_no_name():
    check_url("http://localhost:5000/", LOOPBACK_OPENED)
    with pytest.raises(UnusableUrl, match="does not exist"):
        check_url(f"https://{'x' * 64}.example/", NOTHING_OPENED)


def check_url(url, policy, lookup=system_lookup):
    asyncio.run(addresses.check_url(url, policy, Names(lookup)))


def answering(*found):
    return lambda host: [ip_address(address) for address in found]


def failing(problem):
    def lookup(host):
        raise socket.gaierror(problem, "it failed")

    return lookup


def nobody(host):
    raise AssertionError(f"{host} should not have been looked up")
