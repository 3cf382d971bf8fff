"""Every attempt here goes over a real socket."""

import asyncio
import time
from ipaddress import ip_address, ip_network

import pytest
import standardwebhooks
import svix.webhooks

from app.webhooks import signing
from app.webhooks.addresses import AddressPolicy
from app.webhooks.answers import Failure, Outcome, counts_against_endpoint, outcome_of
from app.webhooks.sending import Sender, trusted_authorities
from tests.webhooks.receiver import free_port

LOOPBACK_OPENED = AddressPolicy([ip_network("127.0.0.0/8"), ip_network("::1/128")])
AUTHORITIES = trusted_authorities()
BODY = b'{"type":"demand.status_changed"}'


async def post(url, policy=LOOPBACK_OPENED, headers=None, body=BODY, timeout_seconds=10.0, **options):
    async with Sender(policy, tls=AUTHORITIES, **options) as sender:
        return await sender.post(url, headers or {}, body, timeout_seconds)


@pytest.mark.parametrize(
    ("path", "outcome", "status", "error"),
    [
        ("204", Outcome.DELIVERED, 204, None),
        ("hello", Outcome.DELIVERED, 200, None),
        ("410", Outcome.GONE, 410, None),
        ("422", Outcome.REJECTED, 422, None),
        ("500", Outcome.RETRY, 500, None),
        ("busy", Outcome.RETRY, 429, None),
        ("redirect", Outcome.RETRY, 302, Failure.REDIRECT),
        ("early-hints", Outcome.DELIVERED, 204, None),
        ("switch", Outcome.RETRY, 101, Failure.PROTOCOL),
        ("bad-chunking", Outcome.RETRY, 200, Failure.PROTOCOL),
        ("bad-chunking-later", Outcome.RETRY, 200, Failure.PROTOCOL),
        ("odd-reason", Outcome.DELIVERED, 200, None),
        ("bad-length", Outcome.RETRY, None, Failure.PROTOCOL),
        ("not-http", Outcome.RETRY, None, Failure.PROTOCOL),
        ("long-header", Outcome.RETRY, None, Failure.PROTOCOL),
        ("many-headers", Outcome.RETRY, None, Failure.PROTOCOL),
        ("endless-header", Outcome.RETRY, None, Failure.PROTOCOL),
        ("endless-headers", Outcome.RETRY, None, Failure.PROTOCOL),
        ("endless-hints", Outcome.RETRY, None, Failure.PROTOCOL),
        ("endless-chunks", Outcome.RETRY, 200, Failure.PROTOCOL),
        ("close", Outcome.RETRY, None, Failure.RESET),
        ("close-in-head", Outcome.RETRY, None, Failure.RESET),
        ("close-in-body", Outcome.RETRY, 200, Failure.RESET),
        ("close-ends-body", Outcome.DELIVERED, 200, None),
        ("reset", Outcome.RETRY, None, Failure.RESET),
        ("reset-in-body", Outcome.RETRY, 200, Failure.RESET),
        ("reset-after-body", Outcome.DELIVERED, 200, None),
    ],
)
def test_every_behaviour_of_an_endpoint_has_its_outcome(receiver, run, path, outcome, status, error):
    answer = run(post(receiver.url(f"/{path}")))

    assert (outcome_of(answer), answer.status, answer.error) == (outcome, status, error)
    assert counts_against_endpoint(answer.error)
    assert answer.detail
    assert answer.remote_address == "127.0.0.1"
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("no-content-and-more", Outcome.DELIVERED),
        ("no-content-in-chunks", Outcome.DELIVERED),
        ("a-byte-too-many", Outcome.DELIVERED),
        ("a-byte-after-the-last", Outcome.DELIVERED),
        ("a-blank-line-in-two", Outcome.DELIVERED),
        ("hints-and-more", Outcome.DELIVERED),
        ("gone-and-more", Outcome.GONE),
    ],
)
def test_an_answer_that_came_complete_counts_whatever_comes_after_it_and_its_connection_is_not_kept(
    receiver, run, path, outcome
):
    answers = run(posts(receiver.url(f"/{path}"), 2))

    assert [outcome_of(answer) for answer in answers] == [outcome, outcome]
    assert {answer.response_body for answer in answers} <= {b"", b"Hello", b"Gone"}
    assert [received.connection for received in receiver.requests] == [1, 2]


@pytest.mark.parametrize(
    ("path", "status", "doing"),
    [("hang", None, "waiting"), ("slow-head", None, "waiting"), ("slow-body", 200, "reading")],
)
def test_the_deadline_covers_the_answer_to_its_last_byte(receiver, run, path, status, doing):
    answer = run(post(receiver.url(f"/{path}"), timeout_seconds=0.3))

    assert (outcome_of(answer), answer.status, answer.error) == (Outcome.RETRY, status, Failure.TIMEOUT)
    assert f"the time ran out while {doing}" in answer.detail
    assert 300 <= answer.duration_ms < 5000


def test_the_deadline_covers_the_handshake(receiver, run):
    answer = run(post(receiver.url().replace("http:", "https:"), timeout_seconds=0.3))

    assert (answer.error, "while connecting" in answer.detail) == (Failure.TIMEOUT, True)


@pytest.mark.parametrize("path", ["gigabyte", "gzip-bomb", "eight-kibibytes"])
def test_of_a_large_body_eight_kibibytes_are_kept_and_nothing_is_unpacked(receiver, run, path):
    answer = run(post(receiver.url(f"/{path}")))

    assert outcome_of(answer) is Outcome.DELIVERED
    assert len(answer.response_body) == 8192
    assert answer.response_body[:2] == (b"\x1f\x8b" if path == "gzip-bomb" else b"xx")


def test_what_arrives_verifies_with_the_official_libraries(receiver):
    secrets = [signing.new_secret(), signing.new_secret(), signing.new_key_pair().secret]
    body = '{"title":"Արցախ"}'.encode()

    asyncio.run(post(receiver.url(), headers=signing.headers(secrets, "msg_1", int(time.time()), body), body=body))

    (received,) = receiver.requests
    for secret in secrets[:2]:
        standardwebhooks.Webhook(secret).verify(received.body, received.headers)
        svix.webhooks.Webhook(secret).verify(received.body, received.headers)
    assert received.headers["webhook-id"] == "msg_1"
    assert received.body == body


def test_the_request_carries_what_it_should_and_no_more(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    own = {"X-Team": "Ada", "Host": "evil.example", "Transfer-Encoding": "chunked", "Accept-Encoding": "gzip"}

    asyncio.run(post(receiver.url("/204?a=b%20c"), headers=own, user_agent="Tester/1"))

    (received,) = receiver.requests
    assert (received.method, received.path, received.body) == ("POST", "/204?a=b%20c", BODY)
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "Tester/1",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "keep-alive",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "x-team": "Ada",
    }


def test_the_answer_is_recorded_so_that_a_partner_can_understand_it(receiver):
    busy = asyncio.run(post(receiver.url("/busy")))
    redirect = asyncio.run(post(receiver.url("/redirect")))
    nul = asyncio.run(post(receiver.url("/nul")))

    assert (busy.retry_after_seconds, busy.detail) == (120.0, "429 Too Many Requests")
    assert "302 leads to http://169.254.169.254/latest/meta-data/" in redirect.detail
    assert redirect.response_headers["location"].startswith("http://169.254")
    assert nul.response_body == b"a\0b\xff\xf0\x9f\xa6\x8a"


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://0177.1/", "gopher://a/", "http://[::/", "//a", "http:///"]
)
def test_a_url_that_cannot_be_used_is_an_answer_too(url):
    answer = asyncio.run(post(url, lookup=lambda host: [ip_address("127.0.0.1")]))

    assert outcome_of(answer) is Outcome.RETRY
    assert answer.error in {Failure.REQUEST, Failure.CONNECT}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("long-header", "A header of the answer is longer than 8,190 bytes."),
        ("many-headers", "The answer has more than 128 headers."),
    ],
)
def test_a_head_with_too_much_in_it_is_told_from_what_is_not_http(receiver, run, path, told):
    assert run(post(receiver.url(f"/{path}"))).detail == told


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\0b", "Ա"])
def test_a_header_that_cannot_be_sent_is_an_answer_and_injects_nothing(receiver, value):
    answer = asyncio.run(post(receiver.url(), headers={"X-Team": value}))

    assert answer.error is Failure.REQUEST
    assert receiver.requests == []


def test_no_cookie_comes_back_and_a_connection_is_used_again(receiver, run):
    url = receiver.url("/cookie").replace("127.0.0.1", "partner.example")

    async def twice():
        async with Sender(LOOPBACK_OPENED, tls=AUTHORITIES, lookup=lambda host: [ip_address("127.0.0.1")]) as sender:
            await sender.post(url, {}, BODY)
            await sender.post(url, {}, BODY)

    run(twice())

    assert [(received.connection, received.turn) for received in receiver.requests] == [(1, 1), (1, 2)]
    assert "cookie" not in receiver.requests[1].headers


@pytest.mark.parametrize("behaviour", ["dies-when-kept", "resets-when-kept", "has-more-to-say-when-kept"])
def test_a_kept_connection_that_died_is_replaced_at_once(receiver, run, behaviour):
    first, second = run(posts(receiver.url(f"/{behaviour}"), 2))

    assert outcome_of(first) is outcome_of(second) is Outcome.DELIVERED
    assert [(received.connection, received.turn) for received in receiver.requests] == [(1, 1), (1, 2), (2, 1)]


def test_a_kept_connection_that_had_begun_to_answer_is_not_tried_again(receiver, run):
    _, second = run(posts(receiver.url("/mumbles-when-kept"), 2))

    assert second.error is Failure.RESET
    assert len(receiver.requests) == 2


def test_of_two_kept_connections_that_died_not_the_second_is_tried_but_a_new_one(receiver, run):
    url = receiver.url("/dies-when-kept")

    async def twice_at_once_then_again():
        async with Sender(LOOPBACK_OPENED, tls=AUTHORITIES) as sender:
            await asyncio.gather(*(sender.post(url, {}, BODY) for _ in range(2)))
            return await sender.post(url, {}, BODY)

    answer = run(twice_at_once_then_again())

    assert outcome_of(answer) is Outcome.DELIVERED
    assert (receiver.requests[-1].connection, len(receiver.requests)) == (3, 4)


def test_an_answer_that_nobody_had_asked_for_is_not_taken_for_the_next(receiver, run):
    other_host = receiver.url("/prompt").replace("127.0.0.1", "localhost")

    async def three():
        async with Sender(LOOPBACK_OPENED, tls=AUTHORITIES, lookup=lambda host: [ip_address("127.0.0.1")]) as sender:
            await sender.post(receiver.url("/promptable"), {}, BODY)
            await sender.post(other_host, {}, BODY)
            return await sender.post(receiver.url("/promptable"), {}, BODY)

    answer = run(three())

    assert answer.status == 200
    assert [received.connection for received in receiver.requests] == [1, 2, 3]


def test_an_endpoint_that_hangs_delays_no_other(receiver, run):
    async def all_at_once():
        async with Sender(LOOPBACK_OPENED, tls=AUTHORITIES) as sender:
            hanging = [asyncio.create_task(sender.post(receiver.url("/hang"), {}, BODY)) for _ in range(20)]
            well = await asyncio.gather(*(sender.post(receiver.url(), {}, BODY) for _ in range(50)))
            assert not any(task.done() for task in hanging)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
            return well

    assert {outcome_of(answer) for answer in run(all_at_once())} == {Outcome.DELIVERED}


async def posts(url, count):
    async with Sender(LOOPBACK_OPENED, tls=AUTHORITIES) as sender:
        return [await sender.post(url, {}, BODY) for _ in range(count)]
