"""Whether a demand is shown, to whom, and from when."""

import pytest

from app.demands import timekeeping
from tests.factories import API, a_demand, a_draft, change, publish, read, refs
from tests.racing import at_once

ALLOWED = {
    "draft": ["in_review", "published"],
    "in_review": ["draft", "published"],
    "published": ["published", "unpublished"],
    "unpublished": ["draft", "published"],
}
WAY_TO = {
    "draft": [],
    "in_review": ["in_review"],
    "published": ["published"],
    "unpublished": ["published", "unpublished"],
}


def put(client, ref, state, **values):
    reason = {"reason": "It named someone."} if state == "unpublished" else {}
    return client.put(f"{API}/demands/{ref}/publication", json={"state": state, **reason, **values})


def events_about(client, ref):
    """Oldest first: what the feed tells of the demand."""
    return client.get(f"{API}/events", params={"demand": ref, "limit": 200}).json()["items"]


def status_of(client, ref, path=""):
    return client.get(f"{API}/demands/{ref}{path}").status_code


def tag_of(client, ref):
    return client.get(f"{API}/demands/{ref}").headers["ETag"]


@pytest.mark.parametrize("state", ALLOWED)
def test_every_move_of_publication_works_and_every_other_is_refused(ada, client, common, state):
    for to in ALLOWED:
        ref = a_draft(ada, **common)["ref"]
        for step in WAY_TO[state]:
            assert put(ada, ref, step).status_code == 200

        answer = put(ada, ref, to)

        if to in ALLOWED[state] or to == state:
            assert (answer.status_code, answer.json()["publication"]) == (200, to)
        else:
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/forbidden-publication")
            assert (answer.json()["current"], answer.json()["allowed"]) == (state, ALLOWED[state])
        assert status_of(client, ref) == (200 if read(ada, ref)["publication"] == "published" else 404)


def test_staying_where_it_is_changes_nothing(ada, ledger_end):
    draft, shown = a_draft(ada)["ref"], a_demand(ada)["ref"]
    before = ledger_end()

    answers = [put(ada, draft, "draft"), put(ada, shown, "published")]

    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 1), (200, 2)]
    assert ledger_end() == before


def test_campaigners_send_to_review_and_editors_publish(ada, client_for, common):
    campaigner, partner = client_for("campaigner"), client_for("partner")
    ref = a_draft(campaigner, **common)["ref"]

    assert put(partner, ref, "in_review").status_code == 403
    assert put(campaigner, ref, "in_review").status_code == 200
    refused = put(campaigner, ref, "published")
    assert (refused.status_code, refused.json()["needs"]) == (403, "editor")
    assert put(campaigner, ref, "draft").status_code == 200
    assert put(ada, ref, "published").status_code == 200
    refused = put(campaigner, ref, "unpublished")
    assert (refused.status_code, refused.json()["needs"]) == (403, "editor")
    assert read(ada, ref)["publication"] == "published"


def test_what_is_no_state_of_publication_is_refused(ada):
    ref = a_draft(ada)["ref"]

    for body in (
        {},
        {"state": "hidden"},
        {"state": None},
        {"state": "published", "embargoed_until": "2024-01-01T10:00"},
    ):
        assert ada.put(f"{API}/demands/{ref}/publication", json=body).status_code == 422, body

    assert read(ada, ref)["publication"] == "draft"


def test_a_draft_is_for_staff_alone(ada, client, eve):
    ref = a_draft(ada)["ref"]
    change(ada, ref, "in_progress")

    for stranger in (client, eve):
        assert status_of(stranger, ref) == 404
        assert status_of(stranger, ref, "/history") == 404
        assert status_of(stranger, ref, "/status-changes") == 404
        assert refs(stranger) == []
        assert events_about(stranger, ref) == []


def test_publishing_shows_what_had_happened_before_but_not_how_it_was_drafted(ada, client):
    ref = a_draft(ada)["ref"]
    put(ada, ref, "in_review")
    change(ada, ref, "in_progress")
    publish(ada, ref)

    told = [event["type"] for event in events_about(client, ref)]

    assert told == ["demand.status_changed", "demand.published"]
    assert (status_of(client, ref), refs(client)) == (200, [ref])


def test_an_embargo_hides_a_demand_until_its_hour(ada, client, database, set_clock):
    set_clock("2024-03-15T08:00:00")
    ref = a_draft(ada)["ref"]
    embargoed = publish(ada, ref, embargoed_until="2024-03-16T12:00:00+02:00")
    assert (embargoed["publication"], embargoed["embargoed_until"]) == ("published", "2024-03-16T10:00:00Z")

    set_clock("2024-03-16T09:59:59")
    timekeeping.tick(database)
    assert (status_of(client, ref), refs(client), events_about(client, ref)) == (404, [], [])
    assert read(ada, ref)["embargoed_until"] == "2024-03-16T10:00:00Z"

    set_clock("2024-03-16T10:00:00")
    timekeeping.tick(database)
    assert (read(client, ref)["embargoed_until"], refs(client)) == (None, [ref])
    told = [(event["type"], event["actor"]) for event in events_about(client, ref)]
    assert ("demand.published", {"organization": None}) in told
    assert "demand.embargoed" not in {kind for kind, _ in told}


def test_an_embargo_can_be_moved_and_lifted(ada, client, set_clock):
    set_clock("2024-03-15")
    ref = a_draft(ada)["ref"]
    publish(ada, ref, embargoed_until="2024-03-16T00:00:00Z")

    moved = publish(ada, ref, embargoed_until="2024-04-16T00:00:00Z")
    hidden = status_of(client, ref)
    lifted = publish(ada, ref)

    assert (moved["embargoed_until"], hidden) == ("2024-04-16T00:00:00Z", 404)
    assert (lifted["embargoed_until"], status_of(client, ref)) == (None, 200)


def test_an_embargo_that_has_passed_is_none(ada, client):
    ref = a_draft(ada)["ref"]

    shown = publish(ada, ref, embargoed_until="2024-01-01T00:00:00Z")

    assert (shown["embargoed_until"], status_of(client, ref)) == (None, 200)


def test_an_embargo_goes_with_publishing_only(ada):
    ref = a_draft(ada)["ref"]

    refused = put(ada, ref, "in_review", embargoed_until="2199-01-01T00:00:00Z")

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.embargoed_until")


def test_a_demand_that_is_shown_already_can_be_embargoed_after_all(ada, client):
    ref = a_demand(ada)["ref"]

    publish(ada, ref, embargoed_until="2199-01-01T00:00:00Z")

    assert status_of(client, ref) == 404
    assert [(e["type"], e["data"]) for e in events_about(client, ref)] == [
        ("demand.unpublished", {"demand": {"ref": ref}})
    ]


def test_taking_a_demand_from_view_needs_a_reason(ada, client):
    ref = a_demand(ada)["ref"]

    for reason in (None, "", "  "):
        refused = put(ada, ref, "unpublished", reason=reason)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.reason")

    assert status_of(client, ref) == 200


def test_what_is_taken_from_view_goes_from_everywhere_and_the_feed_tells_nothing_but_its_ref(ada, bob, client, eve):
    ref = a_demand(ada, "met", tags=["secret"])["ref"]
    shown = [(stranger, [event["type"] for event in events_about(stranger, ref)]) for stranger in (client, eve)]
    kept = tag_of(client, ref)

    put(bob, ref, "unpublished")

    for stranger, before in shown:
        assert before == ["demand.published", "demand.status_changed"]
        assert status_of(stranger, ref) == 404
        assert status_of(stranger, ref, "/history") == 404
        assert status_of(stranger, ref, "/citations") == 404
        assert refs(stranger) == []
        assert stranger.get(f"{API}/demands/{ref}", headers={"If-None-Match": kept}).status_code == 404
        (notice,) = events_about(stranger, ref)
        assert (notice["type"], notice["data"]) == ("demand.unpublished", {"demand": {"ref": ref}})
        assert notice["actor"] == {"organization": "ada-org"}
        everything = stranger.get(f"{API}/events").text
        assert "It named someone." not in everything
        assert "secret" not in everything
    assert "It named someone." in read_history(ada, ref)


def test_what_is_shown_again_has_its_story_again(ada, client):
    ref = a_demand(ada, "in_progress")["ref"]
    put(ada, ref, "unpublished")

    publish(ada, ref)

    told = [event["type"] for event in events_about(client, ref)]
    assert told == ["demand.published", "demand.status_changed", "demand.unpublished", "demand.published"]


def test_narrowing_the_audience_takes_a_demand_from_the_view_of_those_outside(ada, client, eve):
    ref = a_demand(ada, "in_progress")["ref"]

    narrowed = ada.patch(f"{API}/demands/{ref}", json={"audience": "partners"}, headers={"If-Match": tag_of(ada, ref)})

    assert narrowed.status_code == 200
    assert (status_of(client, ref), status_of(eve, ref)) == (404, 200)
    assert [(e["type"], e["data"]) for e in events_about(client, ref)] == [
        ("demand.unpublished", {"demand": {"ref": ref}})
    ]
    assert [e["type"] for e in events_about(eve, ref)][-1] == "demand.revised"


def test_the_audience_of_what_is_shown_is_for_editors(ada, client_for, common):
    ref = a_demand(ada, **common)["ref"]
    campaigner = client_for("campaigner")

    for audience in ({"audience": "partners"}, {"sensitivity": "high"}):
        refused = campaigner.patch(f"{API}/demands/{ref}", json=audience, headers={"If-Match": "*"})
        assert (refused.status_code, refused.json()["needs"]) == (403, "editor")

    draft = a_draft(campaigner, **common)["ref"]
    free = campaigner.patch(f"{API}/demands/{draft}", json={"audience": "staff"}, headers={"If-Match": "*"})
    assert (free.status_code, free.json()["audience"]) == (200, "staff")


def test_a_demand_is_shown_to_its_audience_only(ada, client, eve):
    partners, staff = a_demand(ada, audience="partners")["ref"], a_demand(ada, audience="staff")["ref"]

    assert [status_of(reader, partners) for reader in (client, eve, ada)] == [404, 200, 200]
    assert [status_of(reader, staff) for reader in (client, eve, ada)] == [404, 404, 200]
    assert [refs(reader) for reader in (client, eve)] == [[], [partners]]


def test_of_those_who_publish_at_once_one_is_recorded(ada, client):
    ref = a_draft(ada)["ref"]

    answers = at_once([lambda: put(ada, ref, "published")] * 4)

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [event["type"] for event in events_about(client, ref)] == ["demand.published"]


def read_history(client, ref):
    return client.get(f"{API}/demands/{ref}/history").text


def test_nobody_publishes_what_they_have_not_read(ada, client_for):
    ref = a_draft(ada)["ref"]
    seen = tag_of(ada, ref)
    client_for("campaigner").patch(f"{API}/demands/{ref}", json={"asks": "Worse."}, headers={"If-Match": "*"})

    late = ada.put(f"{API}/demands/{ref}/publication", json={"state": "published"}, headers={"If-Match": seen})

    assert (late.status_code, late.json()["type"]) == (412, "/problems/stale")
    assert read(ada, ref)["publication"] == "draft"
    now = {"If-Match": tag_of(ada, ref)}
    assert ada.put(f"{API}/demands/{ref}/publication", json={"state": "published"}, headers=now).status_code == 200
