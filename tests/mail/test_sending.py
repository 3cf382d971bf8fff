"""The conversation with the mail server, for each of the ways that a URL can ask for."""

import ssl
import uuid
from urllib.parse import quote

import pytest
from pydantic import NameEmail, SecretStr, ValidationError

from app import clock
from app.mail import sending
from app.mail.letters import Letter, Passage, write
from app.settings import Settings
from tests.mail.mail_server import PASSWORD, USER, MailServer, signed_in, text_of
from tests.webhooks.certificates import certificate_for

ASCII_ONLY = {"enable_SMTPUTF8": False}
SENDER = NameEmail(name="Demand Tracker", email="follow@tracker.example")


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """What a server called localhost needs, and this process trusts."""
    server, client = certificate_for("localhost")
    [certificate] = client.get_ca_certs(binary_form=True)
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(ssl.DER_cert_to_PEM_cert(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return server


def settings_for(url):
    return Settings(_env_file=None, smtp_url=SecretStr(url), mail_from=SENDER)


def send_one(url, to="reader@example.org", text="Something happened.", sender=SENDER):
    letter = Letter(to, "A note", [Passage(text)])
    with sending.connected(settings_for(url)) as server:
        sending.send(server, write(letter, sender, uuid.uuid4(), clock.now()))


def test_starttls_and_a_password_with_odd_characters(tls):
    with MailServer({"tls_context": tls, "require_starttls": True, "authenticator": signed_in}) as server:
        send_one(f"smtp+starttls://{USER}:{quote(PASSWORD, safe='')}@localhost:{server.port}")

        assert len(server.mails) == 1


def test_tls_from_the_start(tls):
    with MailServer({"ssl_context": tls}) as server:
        send_one(f"smtps://localhost:{server.port}")

        assert len(server.mails) == 1


def test_no_tls_where_the_url_asks_for_none():
    with MailServer() as server:
        send_one(server.url)

        assert len(server.mails) == 1


def test_a_certificate_for_another_name_is_not_believed(tls):
    with (
        MailServer({"tls_context": tls, "require_starttls": True}) as server,
        pytest.raises(sending.Unusable, match="certificate does not hold"),
    ):
        send_one(f"smtp+starttls://127.0.0.1:{server.port}")

    assert server.mails == []


def test_nothing_is_sent_in_clear_where_tls_was_asked_for():
    with MailServer() as server, pytest.raises(sending.Unusable, match="STARTTLS"):
        send_one(f"smtp+starttls://localhost:{server.port}")

    assert server.mails == []


def test_a_wrong_password_is_told_without_it(tls):
    with (
        MailServer({"tls_context": tls, "require_starttls": True, "authenticator": signed_in}) as server,
        pytest.raises(sending.Unusable) as refused,
    ):
        send_one(f"smtp+starttls://{USER}:wrong@localhost:{server.port}")

    assert str(refused.value) == "The mail server refuses the user or the password (535)."


def test_an_address_beyond_ascii_is_sent_to_where_the_server_knows_such():
    with MailServer({"enable_SMTPUTF8": True}) as server:
        send_one(server.url, to="jürgen@bücher.example.org")

        assert server.mails[0]["To"] == "jürgen@xn--bcher-kva.example.org"


@pytest.mark.parametrize("domain", ["bücher.example.org", "xn--bcher-kva.example.org"])
def test_a_domain_beyond_ascii_is_sent_to_by_any_server(domain):
    with MailServer(ASCII_ONLY) as server:
        send_one(server.url, to=f"reader@{domain}")

        assert server.mails[0]["To"] == "reader@xn--bcher-kva.example.org"


def test_a_sender_in_a_domain_beyond_ascii_needs_no_more_of_a_server():
    with MailServer(ASCII_ONLY) as server:
        send_one(server.url, sender=NameEmail(name="Bücher", email="follow@bücher.example"))

        [mail], [raw] = server.mails, server.raw
        assert raw.isascii()
        assert mail["From"].addresses[0].addr_spec == "follow@xn--bcher-kva.example"
        assert mail["Message-ID"].endswith("@xn--bcher-kva.example>")


def test_an_address_beyond_ascii_is_given_up_where_the_server_knows_none_such():
    with MailServer(ASCII_ONLY) as server, pytest.raises(sending.Refused, match="no addresses beyond ASCII"):
        send_one(server.url, to="jürgen@example.org")

    assert server.mails == []


def test_a_line_arrives_as_it_was_written_whatever_it_begins_with():
    with MailServer() as server:
        send_one(server.url, text="Came:\nFrom here on.\n.\n..\n>From\nOver.")

        assert "Came:\nFrom here on.\n.\n..\n>From\nOver." in text_of(server.mails[0])


@pytest.mark.parametrize(
    "url",
    ["mail.example.org", "https://mail.example.org", "smtp://", "smtp://user:word/word@mail.example.org", "smtp://h:0"],
)
def test_a_url_that_is_none_is_refused_at_the_start(url):
    with pytest.raises(ValidationError) as refused:
        settings_for(url)

    assert "write it as smtp" in str(refused.value)
    assert "word" not in str(refused.value).replace("password", "")
