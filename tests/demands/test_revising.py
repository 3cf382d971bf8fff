"""Making a demand and revising it, by several people at once."""

from tests.factories import API, a_body, a_campaign, a_demand, a_draft, a_kind, a_source, an_organization, made, read
from tests.racing import at_once


def patch(client, ref, change, tag="*"):
    return client.patch(f"{API}/demands/{ref}", json=change, headers={"If-Match": tag} if tag else {})


def tag_of(client, ref):
    return client.get(f"{API}/demands/{ref}").headers["ETag"]


def a_response(client, ref, body):
    citation = {"source": a_source(client)["slug"], "stance": "states"}
    new = {"body": body, "response": "supported", "on": "2024-01-05", "citations": [citation]}
    return made(client, f"demands/{ref}/responses", new)


def test_a_demand_reads_as_it_was_made(ada):
    campaign, kind, body = a_campaign(ada, prefix="NK"), a_kind(ada), a_body(ada, acronym="UN")
    issuer = an_organization(ada)
    new = {
        "campaign": campaign["slug"],
        "kind": kind["slug"],
        "title": "  Send a mission ",
        "asks": "To send a mission.",
        "counts_as_met": "It has arrived.",
        "targets": [{"body": body["slug"], "role": "decides"}],
        "issuers": [issuer["slug"]],
        "first_made_on": "2023-09",
        "deadline": "2024",
        "tags": ["mission", "access"],
        "indicator": {"name": "Visits", "unit": "visits", "target": 3},
        "sensitivity": "high",
        "audience": "partners",
    }

    answer = ada.post(f"{API}/demands", json=new)

    demand = answer.json()
    as_given = ("asks", "campaign", "counts_as_met", "kind", "first_made_on", "deadline", "sensitivity", "audience")
    assert answer.status_code == 201
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/api/v1/demands/NK-1", '"1"')
    assert read(ada, "NK-1") == demand
    assert {name: demand[name] for name in as_given} == {name: new[name] for name in as_given}
    assert (demand["ref"], demand["title"], demand["version"]) == ("NK-1", "Send a mission", 1)
    assert (demand["status"], demand["status_group"], demand["status_since"]) == ("open", "open", "2023-09")
    assert (demand["publication"], demand["verification"], demand["disputed"]) == ("draft", None, False)
    name = {"slug": body["slug"], "name": body["name"], "acronym": "UN"}
    assert demand["targets"] == [{"body": name, "role": "decides", "response": "none", "response_on": None}]
    assert demand["issuers"] == [{"slug": issuer["slug"], "name": issuer["name"]}]
    assert demand["tags"] == ["access", "mission"]
    assert demand["indicator"] == {"name": "Visits", "unit": "visits", "target": 3, "latest": None, "latest_on": None}
    assert demand["url"].endswith("/api/v1/demands/NK-1")


def test_refs_are_counted_in_each_campaign_and_one_that_was_refused_takes_none(ada):
    first, second = a_campaign(ada, prefix="AA"), a_campaign(ada, prefix="BB")
    refs = [a_draft(ada, campaign=campaign["slug"])["ref"] for campaign in (first, second, first)]

    refused = ada.post(
        f"{API}/demands",
        json={
            "campaign": first["slug"],
            "kind": a_kind(ada)["slug"],
            "title": "x",
            "asks": "x",
            "first_made_on": "2023",
            "targets": [{"body": "nobody", "role": "decides"}],
        },
    )

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.targets.0.body")
    assert [*refs, a_draft(ada, campaign=first["slug"])["ref"]] == ["AA-1", "BB-1", "AA-2", "AA-3"]


def test_refs_are_given_once_even_to_those_who_ask_at_once(ada, common):
    common["campaign"] = a_campaign(ada, prefix="NK")["slug"]

    refs = at_once([lambda: a_draft(ada, **common)["ref"]] * 6)

    assert sorted(refs) == [f"NK-{number}" for number in range(1, 7)]


def test_a_ref_never_changes_nor_goes(ada):
    ref = a_draft(ada)["ref"]

    for change in ({"ref": "NK-99"}, {"number": 7}, {"campaign": a_campaign(ada)["slug"]}):
        refused = patch(ada, ref, change)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, f"body.{next(iter(change))}")

    assert ada.delete(f"{API}/demands/{ref}").status_code == 405
    assert read(ada, ref)["ref"] == ref


def test_a_revision_says_which_version_it_is_of(ada, ledger_end):
    ref = a_draft(ada)["ref"]
    before = ledger_end()

    without = patch(ada, ref, {"title": "New"}, tag=None)
    other = [
        patch(ada, ref, {"title": "New"}, tag) for tag in ('"2"', '"11"', "1", '"x"', "garbage", '"9' + "9" * 30 + '"')
    ]
    unchanged = ledger_end()
    tagged = patch(ada, ref, {"title": "New"}, tag_of(ada, ref))

    assert (without.status_code, without.json()["type"]) == (428, "/problems/precondition-required")
    assert [(a.status_code, a.json()["type"], a.json()["version"]) for a in other] == [(412, "/problems/stale", 1)] * 6
    assert unchanged == before
    assert (tagged.status_code, tagged.json()["title"], tagged.json()["version"]) == (200, "New", 2)
    assert tagged.headers["ETag"] == '"2"'
    assert patch(ada, ref, {"title": "Newer"}, tagged.headers["ETag"]).status_code == 200


def test_what_two_people_read_one_can_revise(ada, bob):
    ref = a_draft(ada)["ref"]
    read_by_ada, read_by_bob = tag_of(ada, ref), tag_of(bob, ref)

    first = patch(ada, ref, {"title": "Ada's"}, read_by_ada)
    second = patch(bob, ref, {"asks": "Bob's"}, read_by_bob)
    again = patch(bob, ref, {"asks": "Bob's"}, tag_of(bob, ref))

    assert (first.status_code, second.status_code, again.status_code) == (200, 412, 200)
    assert (again.json()["title"], again.json()["asks"]) == ("Ada's", "Bob's")


def test_of_two_who_revise_at_once_one_succeeds(ada):
    ref = a_draft(ada)["ref"]
    tag = tag_of(ada, ref)

    answers = at_once([lambda: patch(ada, ref, {"title": "New"}, tag)] * 4)

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert read(ada, ref)["version"] == 2


def test_what_is_recorded_in_between_makes_a_revision_stale(ada):
    ref = a_draft(ada)["ref"]
    tag = tag_of(ada, ref)
    made(ada, f"demands/{ref}/updates", {"text": "Something moved.", "on": "2024-01-01"})

    assert patch(ada, ref, {"title": "New"}, tag).status_code == 412


def test_null_empties_and_absent_stays(ada):
    indicator = {"name": "Visits", "unit": "visits"}
    full = a_draft(ada, counts_as_met="It arrived.", deadline="2024-05", indicator=indicator, tags=["one"])
    ref = full["ref"]

    same = patch(ada, ref, {"title": "New"}).json()
    emptied = patch(ada, ref, {"counts_as_met": None, "deadline": None, "indicator": None}).json()

    changing = ("title", "version", "updated_at")
    assert {**full, **{name: same[name] for name in changing}} == same
    assert same["title"] == "New"
    assert (emptied["counts_as_met"], emptied["deadline"], emptied["indicator"]) == (None, None, None)
    assert (emptied["title"], emptied["tags"]) == ("New", ["one"])


def test_what_a_demand_must_have_cannot_be_emptied(ada):
    ref = a_draft(ada)["ref"]
    needed = ("kind", "title", "asks", "targets", "issuers", "first_made_on", "tags", "sensitivity", "audience")

    for member in (*needed, "last_checked_on"):
        refused = patch(ada, ref, {member: None})
        assert refused.status_code == 422, member
        assert refused.json()["errors"][0]["where"].startswith(f"body.{member}")

    assert read(ada, ref)["version"] == 1


def test_what_is_changed_by_other_means_is_not_revised(ada):
    ref = a_draft(ada)["ref"]

    for member in ("status", "verification", "disputed", "publication", "version", "overdue", "status_since"):
        refused = patch(ada, ref, {member: "met"})
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, f"body.{member}")

    assert read(ada, ref)["version"] == 1


def test_an_empty_revision_changes_nothing(ada, ledger_end):
    ref = a_draft(ada)["ref"]
    before = ledger_end()

    answer = patch(ada, ref, {})

    assert (answer.status_code, answer.json()["version"], ledger_end()) == (200, 1, before)


def test_lists_are_replaced_as_a_whole_and_keep_their_order(ada):
    bodies = [a_body(ada)["slug"] for _ in range(3)]
    issuers = [an_organization(ada)["slug"] for _ in range(3)]
    ref = a_draft(ada, tags=["a", "b"], issuers=issuers[:2], targets=[{"body": bodies[0], "role": "decides"}])["ref"]

    change = {
        "tags": ["b", "c"],
        "issuers": [issuers[2], issuers[0]],
        "targets": [{"body": body, "role": "supports"} for body in reversed(bodies)],
    }
    revised = patch(ada, ref, change).json()

    assert revised["tags"] == ["b", "c"]
    assert [issuer["slug"] for issuer in revised["issuers"]] == [issuers[2], issuers[0]]
    assert [(t["body"]["slug"], t["role"]) for t in revised["targets"]] == [(b, "supports") for b in reversed(bodies)]
    assert read(ada, ref) == revised


def test_a_target_that_has_answered_stays(ada):
    bodies = [a_body(ada)["slug"] for _ in range(2)]
    ref = a_draft(ada, targets=[{"body": body, "role": "decides"} for body in bodies])["ref"]
    a_response(ada, ref, bodies[0])

    dropped = patch(ada, ref, {"targets": [{"body": bodies[1], "role": "decides"}]})
    kept = patch(ada, ref, {"targets": [{"body": bodies[0], "role": "advises"}]})

    assert (dropped.status_code, dropped.json()["type"]) == (409, "/problems/conflict")
    (target,) = kept.json()["targets"]
    assert (target["role"], target["response"], target["response_on"]) == ("advises", "supported", "2024-01-05")


def test_nobody_has_checked_on_a_day_to_come(ada, set_clock):
    set_clock("2024-03-15")
    ref = a_draft(ada)["ref"]

    refused = patch(ada, ref, {"last_checked_on": "2024-03-16"})
    checked = patch(ada, ref, {"last_checked_on": "2024-03-15"})

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.last_checked_on")
    assert (checked.json()["last_checked_on"], checked.json()["next_review_on"]) == ("2024-03-15", "2024-06-13")


def test_names_that_do_not_exist_are_named_with_their_place(ada):
    ref = a_draft(ada)["ref"]
    body = a_body(ada)["slug"]

    for change, where in (
        ({"kind": "nothing"}, "body.kind"),
        ({"issuers": ["nobody"]}, "body.issuers.0"),
        (
            {"targets": [{"body": body, "role": "decides"}, {"body": "nobody", "role": "decides"}]},
            "body.targets.1.body",
        ),
    ):
        refused = patch(ada, ref, change)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, where)

    assert read(ada, ref)["version"] == 1


def test_revising_is_for_campaigners(ada, client, client_for):
    ref = a_demand(ada)["ref"]
    clients = [client, *map(client_for, ("viewer", "partner", "campaigner"))]

    answers = [patch(one, ref, {"title": "New"}).status_code for one in clients]

    assert answers == [401, 403, 403, 200]


def test_a_revision_is_told_to_those_who_follow(ada, client):
    ref = a_demand(ada)["ref"]

    patch(ada, ref, {"title": "New"})

    event = client.get(f"{API}/events", params={"demand": ref}).json()["items"][-1]
    assert (event["type"], event["data"]["demand"]["title"]) == ("demand.revised", "New")


def test_what_has_not_changed_is_not_sent_again(ada, client):
    ref = a_demand(ada)["ref"]
    tag = tag_of(client, ref)

    same = client.get(f"{API}/demands/{ref}", headers={"If-None-Match": tag})
    patch(ada, ref, {"title": "New"})
    changed = client.get(f"{API}/demands/{ref}", headers={"If-None-Match": tag})

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert (changed.status_code, changed.json()["title"]) == (200, "New")


def test_of_issuers_those_are_told_who_may_see_them(ada, eve, client):
    first, second = (an_organization(ada)["slug"] for _ in range(2))
    hidden, known = (an_organization(ada, audience=audience)["slug"] for audience in ("staff", "partners"))
    ref = a_demand(ada, issuers=[first])["ref"]

    def told(reader):
        query = {"types": "demand.revised", "demand": ref}
        return len(reader.get(f"{API}/events", params=query).json()["items"])

    counts = []
    for issuers in ([first, hidden], [first, hidden, known], [first, hidden, known, second], [second, first, known]):
        assert patch(ada, ref, {"issuers": issuers}).status_code == 200
        counts.append([told(reader) for reader in (ada, eve, client)])

    assert counts == [[1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2]]


def test_another_change_beside_a_hidden_issuer_is_told_to_all(ada, client):
    ref = a_demand(ada)["ref"]
    hidden = an_organization(ada, audience="staff")["slug"]

    patch(ada, ref, {"issuers": [hidden], "title": "Another title"})

    told = client.get(f"{API}/events", params={"types": "demand.revised", "demand": ref}).json()["items"]
    assert [(event["data"]["demand"]["title"], event["data"]["demand"]["issuers"]) for event in told] == [
        ("Another title", [])
    ]
