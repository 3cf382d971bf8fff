"""What nobody is sent afterwards, so that the README sends its readers to where they find it."""

import pytest

from tests.factories import API, a_body, a_demand, a_draft, a_kind, an_organization, change, publish, refs
from tests.webhooks.deliveries import a_webhook

HOOK = "http://127.0.0.1:9999/"
HIDDEN = {"state": "unpublished", "reason": "It named someone."}


@pytest.fixture
def polling(eve):
    """Sets a webhook up that nothing is sent to; then fetches what came since it last did."""

    def start(**values):
        door, cursor = f"{API}/webhooks/{a_webhook(eve, HOOK, paused=True, **values)['id']}/events", "now"

        def fetch():
            nonlocal cursor
            page = eve.get(door, params={"after": cursor}).json()
            cursor = page["next_cursor"]
            return page["items"]

        fetch()
        return fetch

    return start


def types(messages):
    return [message["type"] for message in messages]


def unpublish(ada, ref):
    assert ada.put(f"{API}/demands/{ref}/publication", json=HIDDEN).status_code == 200


def may_see(admin, circle):
    answer = admin.patch(f"{API}/organizations/eve-org", json={"reads": circle}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def test_what_happened_while_a_demand_was_hidden_is_told_by_how_it_stands_when_it_is_shown(ada, client, polling):
    ref, fetch = a_demand(ada)["ref"], polling(types=["demand.status_changed", "demand.published"])
    unpublish(ada, ref)
    change(ada, ref, "in_progress")
    while_hidden = types(fetch())

    publish(ada, ref)
    shown = fetch()

    assert while_hidden == ["demand.unpublished"]
    assert types(shown) == ["demand.published"]
    assert shown[0]["data"]["demand"]["status"] == "in_progress"
    everything = types(client.get(f"{API}/events", params={"demand": ref}).json()["items"])
    assert everything[-3:] == ["demand.unpublished", "demand.status_changed", "demand.published"]


def test_what_happened_to_a_draft_is_told_by_its_publication_alone(ada, polling):
    fetch = polling(types=["demand.status_changed", "demand.published"])
    ref = a_draft(ada)["ref"]
    change(ada, ref, "in_progress")
    before = fetch()

    publish(ada, ref)

    assert before == []
    assert types(fetch()) == ["demand.published"]


def test_what_happens_while_a_demand_is_hidden_is_found_by_what_it_says_of_itself_by_staff_alone(
    ada, eve, client_for, client
):
    body, issuer, kind = a_body(ada), an_organization(ada), a_kind(ada)
    may_see(client_for("admin"), "staff")
    says = {"targets": [{"body": body["slug"], "role": "decides"}], "issuers": [issuer["slug"]], "kind": kind["slug"]}
    filters = {"body": [body["slug"]], "issuer": [issuer["slug"]], "kind": [kind["slug"]], "tag": ["health"]}
    overdue, in_time = (a_webhook(eve, HOOK, filters={**filters, "overdue": flag}) for flag in (True, False))
    ref = a_draft(ada, tags=["health"], deadline="2024-05", **says)["ref"]
    change(ada, ref, "in_progress")
    publish(ada, ref)

    of_staff = [eve.get(f"{API}/webhooks/{hook['id']}/events").json()["items"] for hook in (overdue, in_time)]
    of_others = [client.get(f"{API}/events", params={word: filters[word]}).json()["items"] for word in filters]
    by_demand = client.get(f"{API}/events", params={"demand": ref}).json()["items"]

    assert list(map(types, of_staff)) == [["demand.created", "demand.status_changed", "demand.published"], []]
    assert [types(items)[-1:] for items in of_others] == [["demand.published"]] * len(filters)
    assert "demand.status_changed" not in {name for items in of_others for name in types(items)}
    assert types(by_demand) == ["demand.status_changed", "demand.published"]


def test_a_body_that_moves_is_told_of_and_not_each_demand_that_it_brings_along(ada, client, polling):
    above, body = a_body(ada)["slug"], a_body(ada)["slug"]
    ref, fetch = a_demand(ada, targets=[{"body": body, "role": "decides"}])["ref"], polling(filters={"body": [above]})

    for parent, found in ((above, [ref]), (None, [])):
        ada.patch(f"{API}/bodies/{body}", json={"parent": parent}).raise_for_status()

        assert types(fetch()) == ["body.revised"]
        assert refs(client, body=above) == found


def test_what_was_taken_from_view_while_an_organization_saw_less_is_not_told_when_it_sees_more(
    ada, client_for, polling
):
    admin, fetch = client_for("admin"), polling(types=["demand.published"])
    ref = a_demand(ada, audience="partners")["ref"]
    sent = types(fetch())
    may_see(admin, "public")
    unpublish(ada, ref)
    meanwhile = fetch()

    may_see(admin, "partners")

    assert sent == ["demand.published"]
    assert (meanwhile, fetch()) == ([], [])
