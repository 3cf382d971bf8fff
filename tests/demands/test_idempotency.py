"""The same request again, with its `Idempotency-Key`, is done once and answered twice."""

import json

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.main import create_app
from tests.clients import Client
from tests.factories import API, a_draft, a_kind, refs
from tests.racing import at_once


@pytest.fixture
def new(common):
    return {**common, "title": "A mission", "asks": "To see for itself.", "first_made_on": "2023"}


def post(client, new, key="one", path="demands"):
    return client.post(f"{API}/{path}", json=new, headers={"Idempotency-Key": key} if key else {})


def test_the_same_request_again_gets_the_first_answer_again(ada, new, ledger_end):
    first = post(ada, new)
    before = ledger_end()

    again = post(ada, new)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert refs(ada) == [first.json()["ref"]]
    assert ledger_end() == before


def test_it_is_the_first_answer_even_when_things_have_changed(ada, new):
    first = post(ada, new)
    ada.patch(f"{API}/demands/{first.json()['ref']}", json={"title": "Another title"}, headers={"If-Match": "*"})

    assert post(ada, new).content == first.content


def test_another_request_with_the_same_key_is_refused(ada, new, ledger_end):
    ref = post(ada, new).json()["ref"]
    kind = {"slug": "another", "label": {"en": "Another"}}
    before = ledger_end()

    refused = [post(ada, {**new, "title": "Another"}), post(ada, kind, path="kinds")]
    refused.append(post(ada, {"text": "x", "on": "2024"}, path=f"demands/{ref}/updates"))
    as_json = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    reworded = ada.post(f"{API}/demands", content=json.dumps(new, indent=1), headers=as_json)

    assert [answer.status_code for answer in (*refused, reworded)] == [422] * 4
    assert refused[0].json()["type"] == "/problems/invalid"
    assert "Idempotency-Key" in refused[0].json()["detail"]
    assert ledger_end() == before


def test_without_a_key_or_with_another_each_request_is_new(ada, new):
    made = [post(ada, new, key).json()["ref"] for key in (None, None, "one", "two")]

    assert sorted(refs(ada)) == sorted(set(made))
    assert len(set(made)) == 4


def test_each_has_keys_of_their_own(ada, bob, new):
    made = [post(client, new).json()["ref"] for client in (ada, bob, ada, bob)]

    assert made[0] != made[1]
    assert made[2:] == made[:2]


def test_a_request_that_failed_keeps_nothing(ada, new, database):
    failed = [post(ada, {**new, "kind": "nothing"}), post(ada, {**new, "colour": "red"})]
    as_json = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    failed.append(ada.post(f"{API}/demands", content="{", headers=as_json))

    mended = post(ada, new)

    assert [answer.status_code for answer in failed] == [422, 422, 400]
    assert (mended.status_code, "Idempotency-Replayed" in mended.headers) == (201, False)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM idempotent_answer")).scalar_one() == 1


def test_a_refused_change_can_be_sent_again_with_its_key(ada, common):
    ref = a_draft(ada, **common)["ref"]
    reopened = {"to": "open", "effective_on": "2024", "reason": "x"}
    withdrawn = {"to": "withdrawn", "effective_on": "2024", "reason": "x"}

    refused = post(ada, reopened, path=f"demands/{ref}/status-changes")
    post(ada, withdrawn, key="two", path=f"demands/{ref}/status-changes")
    accepted = post(ada, reopened, path=f"demands/{ref}/status-changes")

    assert (refused.status_code, accepted.status_code) == (409, 201)


def test_of_the_same_request_many_times_at_once_one_is_done(ada, new):
    answers = at_once([lambda: post(ada, new)] * 5)

    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.content for answer in answers}) == 1
    assert sorted("Idempotency-Replayed" in answer.headers for answer in answers) == [False] + [True] * 4
    assert len(refs(ada)) == 1


def test_a_key_is_printable_and_not_too_long(ada, new):
    for key in ("", "x" * 201, "two words", "\t"):
        refused = ada.post(f"{API}/demands", json=new, headers={"Idempotency-Key": key})
        assert refused.status_code == 422, repr(key)
        assert refused.json()["errors"][0]["where"].lower() == "header.idempotency-key"
    beyond_ascii = ada.post(f"{API}/demands", json=new, headers={"Idempotency-Key": "é".encode()})
    assert beyond_ascii.status_code == 422
    assert refs(ada) == []


def test_a_stored_answer_keeps_no_secret_in_clear(client_for, database):
    admin = client_for("admin")
    new = {"role": "viewer", "organization": "ada-org"}

    first, again = post(admin, new, path="keys"), post(admin, new, path="keys")

    secret = first.json()["key"]
    assert again.json()["key"] == secret
    with database.engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM idempotent_answer")).all()
    stored = b" ".join(part if isinstance(part, bytes) else str(part).encode() for part in row)
    for part in (secret, secret.rpartition("_")[2], first.json()["prefix"], "ada-org"):
        assert part.encode() not in stored


def test_a_reader_cannot_use_anothers_key_to_read(ada, client, client_for, new):
    post(ada, new)

    assert post(client, new).status_code == 401
    assert post(client_for("partner"), new).status_code == 403
    assert a_kind(ada)  # and nothing is left locked


def test_what_was_done_is_not_done_again_after_its_answer_was_erased(ada, new, ledger_end):
    made = post(ada, {**new, "asks": "To free Jane Roe."}).json()["ref"]
    redacted = post(ada, {"text": "Jane Roe", "reason": "She asked."}, key="two", path="redactions")
    before = ledger_end()

    again = post(ada, {**new, "asks": "To free Jane Roe."})
    another = post(ada, new)
    redacted_again = post(ada, {"text": "Jane Roe", "reason": "She asked."}, key="two", path="redactions")

    assert (again.status_code, again.json()["type"]) == (409, "/problems/answer-gone")
    assert "was erased" in again.json()["detail"]
    assert another.status_code == 422
    assert (redacted.status_code, redacted_again.content) == (201, redacted.content)
    assert refs(ada) == [made]
    assert ledger_end() == before


def test_what_was_done_is_not_done_again_after_the_secret_key_was_changed(ada, new, settings, portal):
    made = post(ada, new).json()["ref"]
    app = create_app(settings.model_copy(update={"secret_key": SecretStr("another secret key than before")}))
    ada_later = Client(app, portal, headers=ada.headers)

    again = post(ada_later, new)
    app.state.database.dispose()

    assert (again.status_code, again.json()["type"]) == (409, "/problems/answer-gone")
    assert "secret key" in again.json()["detail"]
    assert refs(ada) == [made]
