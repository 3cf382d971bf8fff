"""Where a connection may lead, and what is said when none comes about."""

import asyncio
import contextlib
import errno
import functools
import socket
import threading
from ipaddress import ip_address, ip_network

import pytest

from app.webhooks import sending
from app.webhooks.addresses import AddressPolicy, check_url
from app.webhooks.answers import Failure, Outcome, counts_against_endpoint, outcome_of
from app.webhooks.names import Names
from app.webhooks.sending import Sender, trusted_authorities
from tests.webhooks.certificates import certificate_for
from tests.webhooks.receiver import Receiver, free_port

LOOPBACK_OPENED = AddressPolicy([ip_network("127.0.0.0/8"), ip_network("::1/128")])
NOTHING_OPENED = AddressPolicy()
PUBLIC, LOOPBACK = [ip_address("93.184.215.14")], [ip_address("127.0.0.1")]
AUTHORITIES = trusted_authorities()


async def post(url, policy=LOOPBACK_OPENED, timeout_seconds=10.0, **options):
    async with Sender(policy, **{"tls": AUTHORITIES} | options) as sender:
        return await sender.post(url, {}, b"{}", timeout_seconds)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "0.0.0.0", "127.0.0.2"],  # noqa: S104
)
def test_an_address_written_into_the_url_is_refused_at_the_socket(receiver, run, host):
    answer = run(post(f"http://{host}:{receiver.port}/204", NOTHING_OPENED))

    assert (outcome_of(answer), answer.error, counts_against_endpoint(answer.error)) == (
        Outcome.RETRY,
        Failure.BLOCKED_ADDRESS,
        False,
    )
    assert answer.detail == f"Address not allowed: {host.strip('[]')}."
    assert (answer.remote_address, receiver.connections) == (None, 0)


@pytest.mark.parametrize("found", [LOOPBACK, PUBLIC + LOOPBACK, LOOPBACK + PUBLIC])
def test_a_name_is_refused_when_any_of_its_addresses_is_bad(receiver, run, found):
    answer = run(post(f"http://intranet.example:{receiver.port}/204", NOTHING_OPENED, lookup=lambda host: found))

    assert (answer.error, receiver.connections) == (Failure.BLOCKED_ADDRESS, 0)


def test_a_name_that_was_public_when_it_was_checked_and_private_when_it_is_used_is_refused(receiver, run):
    answers = iter([PUBLIC, LOOPBACK])
    url = f"http://rebinding.example:{receiver.port}/204"

    run(check_url(url, AddressPolicy(allow_http=True), Names(lambda host: next(answers))))
    answer = run(post(url, NOTHING_OPENED, lookup=lambda host: next(answers)))

    assert (answer.error, answer.detail) == (Failure.BLOCKED_ADDRESS, "Address not allowed: rebinding.example.")
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["rebinding.example", "93.184.215.14"])
def test_plain_http_does_not_leave_the_networks_that_were_opened_wherever_a_name_leads_later(run, host):
    answers = iter([LOOPBACK, PUBLIC])
    run(check_url("http://rebinding.example/", LOOPBACK_OPENED, Names(lambda host: next(answers))))

    answer = run(post(f"http://{host}/", lookup=lambda host: next(answers)))

    assert (answer.error, counts_against_endpoint(answer.error)) == (Failure.BLOCKED_ADDRESS, False)
    assert answer.detail == f"Address not allowed over plain http: {host}. Use https."


def test_plain_http_goes_anywhere_public_where_the_operator_wants_it():
    assert not LOOPBACK_OPENED.permits_http(PUBLIC[0])
    assert AddressPolicy(allow_http=True).permits_http(PUBLIC[0])


def test_the_socket_is_vetted_even_if_the_name_was_not(receiver, run):
    class Forgetful(AddressPolicy):
        """Permits everything when it is asked for the first time: as if the resolver did not ask."""

        asked = False

        def permits(self, address):
            first, Forgetful.asked = not Forgetful.asked, True
            return first

    answer = run(post(f"http://any.example:{receiver.port}/204", Forgetful(), lookup=lambda host: LOOPBACK))

    assert (answer.error, receiver.connections) == (Failure.BLOCKED_ADDRESS, 0)


@pytest.mark.parametrize(("life_seconds", "second"), [(60.0, None), (0.0, Failure.BLOCKED_ADDRESS)])
def test_a_kept_connection_ends_with_its_life_and_the_name_is_vetted_again(
    receiver, run, monkeypatch, life_seconds, second
):
    monkeypatch.setattr("app.webhooks.names._REMEMBER_ADDRESSES_SECONDS", 0.0)
    answers = iter([LOOPBACK, [ip_address("10.0.0.1")]])

    async def twice():
        url = f"http://moving.example:{receiver.port}/204"
        async with Sender(
            LOOPBACK_OPENED, lookup=lambda host: next(answers), tls=AUTHORITIES, connection_life_seconds=life_seconds
        ) as sender:
            return [await sender.post(url, {}, b"{}") for _ in range(2)]

    assert [answer.error for answer in run(twice())] == [None, second]


def test_what_the_operator_opens_is_reached_by_name_and_in_every_form(receiver, run):
    by_name = run(post(f"http://partner.example:{receiver.port}/204", lookup=lambda host: LOOPBACK))
    mapped = run(post(f"http://[::ffff:127.0.0.1]:{receiver.port}/204"))

    assert outcome_of(by_name) is outcome_of(mapped) is Outcome.DELIVERED
    assert receiver.requests[0].headers["host"] == f"partner.example:{receiver.port}"


@pytest.mark.parametrize(
    ("problem", "error", "counts"),
    [
        (socket.EAI_NONAME, Failure.DNS, True),
        (socket.EAI_AGAIN, Failure.RESOLVER_DOWN, False),
    ],
)
def test_a_name_without_an_address_is_the_endpoints_fault_and_a_dead_resolver_is_ours(run, problem, error, counts):
    def lookup(host):
        raise socket.gaierror(problem, "it failed")

    answer = run(post("http://gone.example/", lookup=lookup))

    assert (outcome_of(answer), answer.error, counts_against_endpoint(answer.error)) == (Outcome.RETRY, error, counts)


@pytest.mark.parametrize(("others", "error"), [([], Failure.RESOLVER_DOWN), (["other.example"], Failure.DNS)])
def test_a_lookup_that_outlasts_the_deadline_says_so(run, others, error):
    released = threading.Event()

    def lookup(host):
        if host == "slow.example":
            released.wait()
        return LOOPBACK

    async def ask():
        async with Sender(LOOPBACK_OPENED, lookup=lookup, tls=AUTHORITIES) as sender:
            for host in others:
                await sender.post(f"http://{host}:{free_port()}/", {}, b"{}")
            return await sender.post("http://slow.example/", {}, b"{}", 0.2)

    answer = run(ask())
    released.set()

    assert (answer.error, "looking up the host" in answer.detail) == (error, True)


@pytest.mark.parametrize("timeout_seconds", [0.2, 10.0])
def test_a_name_that_found_no_place_among_those_that_hang_is_not_blamed(run, monkeypatch, timeout_seconds):
    monkeypatch.setattr(sending, "Names", functools.partial(Names, deadline_seconds=0.5, places=2))
    released = threading.Event()

    def lookup(host):
        if host == "slow.example":
            released.wait()
        return LOOPBACK

    async def ask():
        async with Sender(LOOPBACK_OPENED, lookup=lookup, tls=AUTHORITIES) as sender:
            await sender.post(f"http://first.example:{free_port()}/", {}, b"{}")
            slow = asyncio.create_task(sender.post("http://slow.example/", {}, b"{}", party="eve"))
            await asyncio.sleep(0)
            answer = await sender.post("http://well.example/", {}, b"{}", timeout_seconds, party="eve")
            released.set()
            await slow
            return answer

    answer = run(ask())

    assert (answer.error, counts_against_endpoint(answer.error)) == (Failure.LOCAL, False)
    assert "look" in answer.detail


def test_a_port_where_nobody_listens_is_the_endpoints_fault(run):
    answer = run(post(f"http://127.0.0.1:{free_port()}/"))

    assert (answer.error, answer.detail) == (Failure.CONNECT, "No connection: Connection refused.")
    assert answer.remote_address == "127.0.0.1"
    assert counts_against_endpoint(answer.error)


@pytest.mark.parametrize("host", ["127.0.0.1", "named.example"])
def test_a_machine_out_of_sockets_is_our_fault(run, host):
    class Exhausted(AddressPolicy):
        def permits(self, address):
            raise OSError(errno.EMFILE, "Too many open files")

    answer = run(post(f"http://{host}:1025/", Exhausted(), lookup=lambda host: LOOPBACK))

    assert (answer.error, counts_against_endpoint(answer.error)) == (Failure.LOCAL, False)


def test_tls_checks_the_name_of_the_url_at_the_vetted_address(run):
    for_server, trusting = certificate_for("right.example")

    with Receiver(for_server, "right.example") as receiver:
        right = run(post(receiver.url(), lookup=lambda host: LOOPBACK, tls=trusting))
        wrong_url = receiver.url().replace("right", "wrong")
        wrong = run(post(wrong_url, lookup=lambda host: LOOPBACK, tls=trusting))
        unknown = run(post(receiver.url(), lookup=lambda host: LOOPBACK))

    assert outcome_of(right) is Outcome.DELIVERED
    assert (wrong.error, "not valid for wrong.example" in wrong.detail) == (Failure.TLS, True)
    assert (unknown.error, "self-signed" in unknown.detail) == (Failure.TLS, True)
    assert [received.headers["host"] for received in receiver.requests] == [f"right.example:{receiver.port}"]


def test_an_endpoint_that_does_not_speak_tls_is_told_so(run):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        talking = threading.Thread(target=talk)
        talking.start()
        answer = run(post(f"https://127.0.0.1:{server.getsockname()[1]}/"))
        talking.join()

    assert (answer.error, answer.remote_address) == (Failure.TLS, "127.0.0.1")
    assert answer.detail == "No TLS connection: the port answers, but not with TLS (is it plain http?)."


def test_a_tls_connection_that_is_given_up_ends_at_once_though_the_other_side_says_nothing(run):
    for_server, trusting = certificate_for("silent.example")

    async def give_up(listening):
        url = f"https://silent.example:{listening.getsockname()[1]}/"
        silent = asyncio.create_task(asyncio.to_thread(accept_and_say_nothing, listening))
        async with Sender(LOOPBACK_OPENED, tls=trusting, lookup=lambda host: LOOPBACK) as sender:
            answer = await sender.post(url, {}, b"{}", 0.3)
            await asyncio.to_thread(read_to_its_end, await silent)
            return answer

    def accept_and_say_nothing(listening):
        connection, _ = listening.accept()
        return for_server.wrap_socket(connection, server_side=True)

    def read_to_its_end(connection):
        with socket.socket(fileno=connection.detach()) as beneath_tls:
            beneath_tls.settimeout(5.0)
            with contextlib.suppress(ConnectionResetError):
                while beneath_tls.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answer = run(give_up(listening))

    assert answer.error is Failure.TIMEOUT
