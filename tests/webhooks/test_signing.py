"""Signatures are checked by the official client libraries and by `cryptography`, never by our own code."""

import time
from base64 import b64decode

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.webhooks import signing

BODY = '{"type":"demand.status_changed","data":{"title":"Արցախ"}}'.encode()

# the vectors of the specification's own test suites
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_TIME = 1614265330
VECTOR_BODY = b'{"test": 2432232314}'
VECTORS = {
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==": (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    ),
}


@pytest.mark.parametrize(("secret", "signature"), VECTORS.items())
def test_the_vectors_of_the_specification_come_out(secret, signature):
    assert signing.sign([secret], VECTOR_ID, VECTOR_TIME, VECTOR_BODY) == signature


def test_the_public_key_is_the_second_half_of_the_secret_as_svix_writes_it():
    (_, secret) = VECTORS

    assert signing.public_key(secret) == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.webhooks.Webhook])
def test_the_client_libraries_accept_a_message_with_a_new_secret(library):
    secret = signing.new_secret()

    headers = signing.headers([secret], "msg_1", int(time.time()), BODY)

    library(secret).verify(BODY, headers)


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.webhooks.Webhook])
def test_while_secrets_rotate_the_old_and_the_new_one_verify_and_a_strange_one_does_not(library):
    old, new, strange = signing.new_secret(), signing.new_secret(), signing.new_secret()
    asymmetric = signing.new_key_pair().secret

    headers = signing.headers([new, old, asymmetric], "msg_1", int(time.time()), BODY)

    library(old).verify(BODY, headers)
    library(new).verify(BODY, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library(strange).verify(BODY, headers)


def test_a_changed_id_time_or_body_is_noticed():
    secret, now = signing.new_secret(), int(time.time())
    headers = signing.headers([secret], "msg_1", now, BODY)

    for changed, body in [
        (headers | {"webhook-id": "msg_2"}, BODY),
        (headers | {"webhook-timestamp": str(now + 7)}, BODY),
        (headers, BODY + b" "),
    ]:
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(body, changed)


def test_an_ed25519_signature_verifies_with_the_public_key():
    keys = signing.new_key_pair()

    version, signature = signing.sign([keys.secret], "msg_1", 1, BODY).split(",")

    public = Ed25519PublicKey.from_public_bytes(b64decode(keys.public.removeprefix("whpk_")))
    public.verify(b64decode(signature), b"msg_1.1." + BODY)
    assert version == "v1a"
    assert signing.public_key(keys.secret) == keys.public
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(signature), b"msg_1.2." + BODY)


def test_secrets_are_long_enough_need_no_padding_and_differ():
    made = {signing.new_secret() for _ in range(50)}

    assert len(made) == 50
    assert all(len(b64decode(secret.removeprefix("whsec_"))) == 24 and not secret.endswith("=") for secret in made)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2Lo"])
def test_what_is_no_secret_signs_nothing_and_is_not_shown(secret):
    with pytest.raises(ValueError, match="whsec_") as error:
        signing.sign([secret], "msg_1", 1, BODY)

    assert secret.removeprefix("whsec_") == "" or secret not in str(error.value)


def test_a_message_without_secrets_or_with_an_ambiguous_id_is_refused():
    with pytest.raises(ValueError, match="secret"):
        signing.sign([], "msg_1", 1, BODY)
    with pytest.raises(ValueError, match="full stop"):
        signing.sign([signing.new_secret()], "msg.1", 1, BODY)
    assert "whsk_" not in repr(signing.new_key_pair())
