"""Met and reversed are claimed until a second person, with a source that no target issued, confirms them."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.accounts.actor import system
from app.demands.schemas import StatusChangeNew
from app.demands.status_changes import change_status
from tests.clients import Client
from tests.factories import API, a_body, a_demand, a_draft, a_source, change, change_to, made, read
from tests.racing import at_once


def verify(client, change_id):
    return client.put(f"{API}/status-changes/{change_id}/verification", json={"verification": "verified"})


def changes_of(client, ref):
    """Newest first."""
    return client.get(f"{API}/demands/{ref}/status-changes").json()["items"]


def events(client, type):
    return client.get(f"{API}/events", params={"types": type}).json()["items"]


@pytest.fixture
def a_person(app, portal, client_for):
    """Makes clients that act for one person, each with a key of its own."""
    admin = client_for("admin")

    def client(email):
        key = made(admin, "keys", {"role": "editor", "organization": "ada-org", "person": email})
        return Client(app, portal, headers={"Authorization": f"Bearer {key['key']}"})

    def a_person(email, keys=1):
        made(admin, "people", {"email": email, "name": "A. Person", "organization": "ada-org", "role": "editor"})
        return [client(email) for _ in range(keys)]

    return a_person


@pytest.mark.parametrize("status", ["met", "reversed"])
def test_what_is_met_or_reversed_is_claimed_until_a_second_person_confirms_it(ada, bob, client, status):
    ref = a_demand(ada, status)["ref"]
    claimed = changes_of(client, ref)[0]
    assert (claimed["verification"], claimed["verified_at"], claimed["verified_by"]) == ("claimed", None, None)
    assert read(client, ref)["verification"] == "claimed"

    verified = verify(bob, claimed["id"])

    assert (verified.status_code, verified.json()["verification"]) == (200, "verified")
    assert verified.json()["verified_by"] == "ada-org"
    assert verified.json()["verified_at"] > claimed["recorded_at"]
    assert read(client, ref)["verification"] == "verified"
    assert changes_of(client, ref)[0] == verified.json()
    (event,) = events(client, "demand.status_verified")
    assert (event["demand"], event["data"]["change"]["id"]) == (ref, claimed["id"])


def test_other_statuses_have_nothing_to_verify(ada, bob):
    ref = a_draft(ada)["ref"]
    moved = change(ada, ref, "in_progress")

    refused = verify(bob, moved["id"])

    assert (moved["verification"], read(ada, ref)["verification"]) == (None, None)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verifiable")


def test_whoever_recorded_a_change_cannot_verify_it(ada, bob):
    ref = a_draft(ada)["ref"]
    met = change(ada, ref, "met")

    refused = verify(ada, met["id"])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verifiable")
    assert changes_of(ada, ref)[0] == met
    assert verify(bob, met["id"]).status_code == 200


def test_a_second_key_of_the_same_person_is_no_second_person(a_person):
    ada, ada_elsewhere = a_person("ada@example.org", keys=2)
    (bob,) = a_person("bob@example.org")
    met = change(ada, a_draft(ada)["ref"], "met")

    refused = verify(ada_elsewhere, met["id"])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verifiable")
    assert verify(bob, met["id"]).status_code == 200


def test_a_key_that_belongs_to_nobody_may_be_in_the_hands_of_the_person(ada, bob, a_person):
    (carol,) = a_person("carol@example.org")
    of_a_person, of_nobody = (change(author, a_draft(author)["ref"], "met") for author in (carol, ada))

    refused = [verify(bob, of_a_person["id"]), verify(carol, of_nobody["id"])]

    assert [(answer.status_code, answer.json()["type"]) for answer in refused] == [
        (409, "/problems/not-verifiable")
    ] * 2
    assert all("may be in the same hands" in answer.json()["detail"] for answer in refused)
    assert verify(bob, of_nobody["id"]).status_code == 200


def test_what_the_tracker_itself_recorded_anyone_may_verify(ada, bob, a_person, database, evidence):
    (carol,) = a_person("carol@example.org")
    new = StatusChangeNew.model_validate(change_to(ada, "met", citations=evidence))
    refs = [a_draft(ada)["ref"] for _ in range(2)]
    with database.write() as session:
        ids = [change_status(session, system("seed"), ref, new).id for ref in refs]

    answers = [verify(editor, change_id) for editor, change_id in zip((bob, carol), ids, strict=True)]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.fixture
def verified(ada, bob):
    """A demand on ocha that is met, as a second person confirmed, by what wfp says."""
    for slug in ("ocha", "wfp"):
        a_body(ada, slug=slug)
    a_source(ada, slug="of-wfp", issued_by=["wfp"])
    ref = a_demand(ada, targets=[{"body": "ocha", "role": "decides"}])["ref"]
    support = {"source": "of-wfp", "stance": "supports"}
    met = change(ada, ref, "met", citations=[support])
    assert verify(bob, met["id"]).status_code == 200
    return ref


def revise(client, ref, **changes):
    headers = {"If-Match": f'"{read(client, ref)["version"]}"'}
    return client.patch(f"{API}/demands/{ref}", json=changes, headers=headers)


def test_when_others_are_asked_what_only_they_support_is_claimed_again(ada, client, verified):
    both = [{"body": "ocha", "role": "decides"}, {"body": "un-sc", "role": "decides"}]
    a_body(ada, slug="un-sc")
    assert revise(ada, verified, targets=both).json()["verification"] == "verified"

    revised = revise(ada, verified, targets=[{"body": "wfp", "role": "implements"}])

    assert (revised.status_code, revised.json()["verification"]) == (200, "claimed")
    newest = changes_of(client, verified)[0]
    assert (newest["verification"], newest["verified_at"], newest["verified_by"]) == ("claimed", None, None)
    assert events(client, "demand.revised")[-1]["data"]["demand"]["verification"] == "claimed"


def test_when_others_may_read_it_what_they_cannot_see_the_support_of_is_claimed_again(ada, bob):
    a_source(ada, slug="private", audience="staff")
    ref = a_demand(ada, audience="staff")["ref"]
    met = change(ada, ref, "met", citations=[{"source": "private", "stance": "supports"}])
    assert verify(bob, met["id"]).status_code == 200

    assert revise(ada, ref, audience="public").json()["verification"] == "claimed"


@pytest.mark.parametrize("word", ["asks", "counts_as_met", "targets"])
def test_what_was_verified_is_for_editors_to_revise(ada, client_for, verified, word):
    new = [{"body": "wfp", "role": "implements"}] if word == "targets" else "Something else."

    assert revise(client_for("campaigner"), verified, **{word: new}).status_code == 403
    assert revise(client_for("campaigner"), verified, title="The same, said better").status_code == 200
    assert revise(ada, verified, **{word: new}).status_code == 200


def test_verifying_is_for_editors(ada, client, client_for):
    met = change(ada, a_demand(ada)["ref"], "met")
    clients = [client, *map(client_for, ("viewer", "partner", "campaigner"))]

    answers = [verify(one, met["id"]).status_code for one in clients]

    assert answers == [401, 403, 403, 403]
    assert verify(client_for("editor", "other-org"), met["id"]).json()["verified_by"] == "other-org"


def test_sources_that_a_target_issued_do_not_suffice_until_another_supports(ada, bob):
    targets = [a_body(ada)["slug"], a_body(ada)["slug"]]
    ref = a_draft(ada, targets=[{"body": body, "role": "decides"} for body in targets])["ref"]
    own = [a_source(ada, issued_by=[body])["slug"] for body in targets]
    met = change(ada, ref, "met", citations=[{"source": source, "stance": "supports"} for source in own])

    def add(stance, **values):
        citation = {"source": a_source(ada, issued_by=[a_body(ada)["slug"]])["slug"], "stance": stance, **values}
        made(ada, f"demands/{ref}/citations", citation)

    refused = [verify(bob, met["id"])]
    add("supports")  # of the demand, not of the change
    add("context", status_change=met["id"])
    add("states", status_change=met["id"])
    refused.append(verify(bob, met["id"]))
    add("supports", status_change=met["id"])
    verified = verify(bob, met["id"])

    assert [(r.status_code, r.json()["type"]) for r in refused] == [(409, "/problems/not-verifiable")] * 2
    assert "not be issued by a target" in refused[0].json()["detail"]
    assert (verified.status_code, read(ada, ref)["verification"]) == (200, "verified")


def test_a_source_of_a_body_above_a_target_is_not_independent(ada, bob):
    top = a_body(ada)["slug"]
    middle = a_body(ada, parent=top)["slug"]
    target, sibling = (a_body(ada, parent=middle)["slug"] for _ in range(2))
    ref = a_draft(ada, targets=[{"body": target, "role": "decides"}])["ref"]

    def claim(issuer):
        source = a_source(ada, issued_by=[issuer])["slug"]
        return change(ada, ref, "met", kind="correction", citations=[{"source": source, "stance": "supports"}])["id"]

    answers = {issuer: verify(bob, claim(issuer)).status_code for issuer in (top, middle, target, sibling)}

    assert answers == {top: 409, middle: 409, target: 409, sibling: 200}


def test_verifying_an_earlier_change_leaves_the_standing_one_claimed(ada, bob):
    ref = a_draft(ada)["ref"]
    met = change(ada, ref, "met")
    change(ada, ref, "reversed")

    verify(bob, met["id"])

    assert [c["verification"] for c in changes_of(ada, ref)] == ["claimed", "verified", None]
    assert read(ada, ref)["verification"] == "claimed"


def test_a_verified_status_that_is_left_says_nothing_of_the_next(ada, bob):
    ref = a_draft(ada)["ref"]
    verify(bob, change(ada, ref, "met")["id"])

    change(ada, ref, "partially_met", kind="correction")
    corrected = read(ada, ref)["verification"]
    change(ada, ref, "met", kind="correction")

    assert (corrected, read(ada, ref)["verification"]) == (None, "claimed")


def test_verifying_again_changes_nothing(ada, bob, client_for, ledger_end):
    met = change(ada, a_draft(ada)["ref"], "met")
    other = client_for("editor", "other-org")
    first = verify(bob, met["id"])
    before = ledger_end()

    again = [verify(editor, met["id"]) for editor in (bob, other, ada)]

    assert [(answer.status_code, answer.json()) for answer in again] == [(200, first.json())] * 3
    assert ledger_end() == before


def test_of_two_who_verify_at_once_one_is_named(ada, bob, client_for):
    met = change(ada, a_draft(ada)["ref"], "met")
    other = client_for("editor", "other-org")

    answers = at_once([lambda: verify(bob, met["id"]), lambda: verify(other, met["id"])])

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len(events(ada, "demand.status_verified")) == 1


def test_a_change_that_is_not_there_is_not_found(ada):
    unknown = verify(ada, "019aa1b2-0000-7000-8000-000000000000")
    malformed = verify(ada, "1")

    assert (unknown.status_code, malformed.status_code) == (404, 422)


def test_the_word_goes_without_saying(ada, bob):
    met = change(ada, a_draft(ada)["ref"], "met")

    verified = bob.put(f"{API}/status-changes/{met['id']}/verification")

    assert (verified.status_code, verified.json()["verification"]) == (200, "verified")


def test_there_is_no_other_word_than_verified(ada, bob):
    met = change(ada, a_draft(ada)["ref"], "met")

    refused = bob.put(f"{API}/status-changes/{met['id']}/verification", json={"verification": "claimed"})

    assert refused.status_code == 422


def test_the_database_itself_refuses_what_cannot_be(ada, bob, database):
    verify(bob, change(ada, a_draft(ada)["ref"], "met")["id"])

    for statement in (
        "UPDATE status_change SET verified_by = author WHERE to_status = 'met'",
        "UPDATE status_change SET verification = NULL, verified_at = NULL WHERE to_status = 'met'",
        "UPDATE status_change SET verified_at = NULL WHERE to_status = 'met'",
        "UPDATE status_change SET verification = 'claimed' WHERE to_status = 'open'",
        "UPDATE demand SET verification = NULL",
    ):
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(text(statement))


def test_what_its_readers_may_not_see_verifies_nothing_for_them(ada, bob):
    ref = a_demand(ada)["ref"]
    secret = {"source": a_source(ada, audience="staff")["slug"], "stance": "supports"}
    met = change(ada, ref, "met", citations=[secret])

    refused = verify(bob, met["id"])
    made(
        ada,
        f"demands/{ref}/citations",
        {"source": a_source(ada)["slug"], "stance": "supports", "status_change": met["id"]},
    )

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-verifiable")
    assert f"everyone who may see {ref} may see too (audience public)" in refused.json()["detail"]
    assert verify(bob, met["id"]).status_code == 200


def test_what_staff_alone_see_is_verified_on_what_they_see(ada, bob):
    ref = a_demand(ada, audience="staff")["ref"]
    secret = {"source": a_source(ada, audience="staff")["slug"], "stance": "supports"}

    assert verify(bob, change(ada, ref, "met", citations=[secret])["id"]).status_code == 200
