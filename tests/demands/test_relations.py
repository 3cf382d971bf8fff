"""Ties between demands: stored once, told at both ends, and never to whoever may not see the other end."""

import pytest

from app import models
from app.ledger.verifying import verify
from tests.factories import API, a_demand, a_draft, change, publish, read
from tests.racing import at_once

INVERSES = {
    "duplicates": "duplicates",
    "supersedes": "superseded_by",
    "part_of": "has_part",
    "related": "related",
}


def tie(client, ref, other, type):
    return client.post(f"{API}/demands/{ref}/relations", json={"to": other, "type": type})


def untie(client, ref, tie_id):
    return client.delete(f"{API}/demands/{ref}/relations/{tie_id}")


def ties(client, ref):
    return client.get(f"{API}/demands/{ref}/relations").json()["items"]


def newest(client, ref):
    """What was told of the demand last, in a sentence and in data."""
    entry = client.get(f"{API}/demands/{ref}/history").json()["items"][0]
    return entry["type"], entry["summary"], entry["data"].get("relation")


def wrong(answer):
    """Where the first wrong value of a refused request stood."""
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"][0]["where"]


@pytest.fixture
def pair(ada, common):
    """Two demands that everyone sees."""
    return a_demand(ada, **common)["ref"], a_demand(ada, **common)["ref"]


def test_a_tie_is_told_from_both_ends_and_stored_once(ada, common):
    mine, other = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]

    for kind, inverse in INVERSES.items():
        assert tie(ada, mine, other, kind).status_code == 201
        for one, another in ((mine, other), (other, mine)):
            again = tie(ada, one, another, kind)
            assert (again.status_code, again.json()["type"]) == (409, "/problems/relation-exists"), (kind, one)
        assert (ties(ada, mine)[-1]["type"], ties(ada, other)[-1]["type"]) == (kind, inverse)

    assert [each["ref"] for each in ties(ada, mine)] == [other] * 4
    told = {(each["ref"], each["type"]) for each in read(ada, other)["related"]}
    assert told == {(mine, inverse) for inverse in INVERSES.values()}


def test_ties_lead_in_no_circle_and_not_to_the_demand_itself(ada, common):
    first, second, third = (a_draft(ada, **common)["ref"] for _ in range(3))

    for kind in ("part_of", "supersedes"):
        tie(ada, first, second, kind)
        tie(ada, second, third, kind)
        circle = tie(ada, third, first, kind)
        assert (circle.status_code, circle.json()["type"]) == (409, "/problems/circular-relation")
    for kind in ("related", "duplicates"):
        tie(ada, first, second, kind)
        tie(ada, second, third, kind)
        assert tie(ada, third, first, kind).status_code == 201

    assert wrong(tie(ada, first, first, "related")) == "body.to"
    assert wrong(tie(ada, first, "NOWHERE-1", "related")) == "body.to"
    assert wrong(tie(ada, first, second, "superseded_by")) == "body.type"


def test_two_ties_at_once_close_no_circle_and_are_no_two(ada, common):
    first, second = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]

    def tied_both_ways(type):
        answers = at_once([lambda: tie(ada, first, second, type), lambda: tie(ada, second, first, type)])
        return sorted(answer.status_code for answer in answers)

    assert tied_both_ways("part_of") == [201, 409]
    assert tied_both_ways("related") == [201, 409]
    assert sorted(each["type"] for each in ties(ada, first)) in (
        ["has_part", "related"],
        ["part_of", "related"],
    )


def test_a_tie_to_what_is_not_shown_is_not_shown(ada, client, common):
    shown, hidden = a_demand(ada, **common)["ref"], a_draft(ada, **common)["ref"]
    tie(ada, shown, hidden, "related")
    change(ada, shown, "superseded", successor=hidden)

    assert [each["ref"] for each in read(ada, shown)["related"]] == [hidden, hidden]
    assert (read(client, shown)["related"], ties(client, shown)) == ([], [])
    assert client.get(f"{API}/demands/{shown}/status-changes").json()["items"][0]["successor"] is None
    assert f'"{hidden}"' not in client.get(f"{API}/events").text


def test_both_ends_change_and_tell_of_it_in_their_own_words(ada, client, pair):
    mine, other = pair
    versions = [read(client, ref)["version"] for ref in pair]
    told = {
        "supersedes": (f"Supersedes {other}.", f"Superseded by {mine}."),
        "part_of": (f"Part of {other}.", f"The whole of which {mine} is a part."),
        "duplicates": (f"A duplicate of {other}.", f"A duplicate of {mine}."),
        "related": (f"Related to {other}.", f"Related to {mine}."),
    }

    for number, (kind, sentences) in enumerate(told.items(), start=1):
        tie(ada, mine, other, kind)

        assert newest(client, mine) == ("demand.related", sentences[0], {"ref": other, "type": kind})
        assert newest(client, other) == ("demand.related", sentences[1], {"ref": mine, "type": INVERSES[kind]})
        assert [read(client, ref)["version"] for ref in pair] == [version + number for version in versions]


def test_a_tie_that_is_taken_back_is_gone_from_both_ends_and_told_at_both(ada, client, database, pair):
    mine, other = pair
    tie_id = tie(ada, mine, other, "part_of").json()["id"]
    versions = [read(client, ref)["version"] for ref in pair]

    taken_back = untie(ada, other, tie_id)

    assert (taken_back.status_code, taken_back.content) == (204, b"")
    assert [read(client, ref)["related"] for ref in pair] == [[], []]
    assert newest(client, mine) == (
        "demand.unrelated",
        f"No longer part of {other}.",
        {"ref": other, "type": "part_of"},
    )
    assert newest(client, other)[1] == f"No longer the whole of which {mine} is a part."
    assert [read(client, ref)["version"] for ref in pair] == [version + 1 for version in versions]
    assert untie(ada, other, tie_id).status_code == 404
    assert tie(ada, other, mine, "part_of").status_code == 201  # the other way round leads in no circle any more
    assert verify(database, models.ledgered_tables()).problems == []


def test_a_tie_is_taken_back_once_by_those_who_try_at_once(ada, pair):
    mine, other = pair
    tie_id = tie(ada, mine, other, "related").json()["id"]

    answers = at_once([lambda: untie(ada, mine, tie_id), lambda: untie(ada, other, tie_id)] * 2)

    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]


def test_the_tie_that_a_status_makes_is_told_at_the_successor_too(ada, client, pair):
    old, new = pair
    version = read(client, new)["version"]

    change(ada, old, "superseded", successor=new)

    assert read(client, old)["related"] == [{"ref": new, "type": "superseded_by"}]
    assert newest(client, old)[0] == "demand.status_changed"
    assert newest(client, new) == ("demand.related", f"Supersedes {old}.", {"ref": old, "type": "supersedes"})
    assert read(client, new)["version"] == version + 1


def test_a_tie_that_is_there_already_is_not_told_again(ada, client, pair):
    old, new = pair
    tie(ada, new, old, "supersedes")
    version = read(client, new)["version"]

    change(ada, old, "superseded", successor=new)

    assert (read(client, new)["version"], len(ties(client, new))) == (version, 1)


def test_a_tie_stays_while_a_demand_stands_superseded_by_it(ada, pair):
    old, new = pair
    change(ada, old, "superseded", successor=new)
    (found,) = ties(ada, old)

    refused = untie(ada, new, found["id"])
    change(ada, old, "open", citations=[])
    reopened = untie(ada, new, found["id"])

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/relation-needed")
    assert f"{old} stands superseded by {new}" in refused.json()["detail"]
    assert reopened.status_code == 204


def test_a_tie_to_what_is_hidden_is_announced_to_nobody_who_may_not_see_both(ada, eve, client, common):
    shown, hidden = a_demand(ada, **common)["ref"], a_draft(ada, **common)["ref"]
    for_partners = a_demand(ada, **common, audience="partners")["ref"]
    before = read(client, shown, include="history")

    tie_id = tie(ada, shown, hidden, "part_of").json()["id"]
    tie(ada, shown, for_partners, "related")
    untie(ada, hidden, tie_id)
    change(ada, hidden, "superseded", successor=shown)

    assert read(client, shown, include="history") == before
    assert newest(eve, shown) == (
        "demand.related",
        f"Related to {for_partners}.",
        {"ref": for_partners, "type": "related"},
    )
    assert newest(ada, shown)[1] == f"Supersedes {hidden}."
    assert newest(eve, for_partners)[1] == f"Related to {shown}."


def test_a_tie_is_read_at_the_demand_once_both_ends_are_shown_and_no_longer(ada, client, common):
    shown, hidden = a_demand(ada, **common)["ref"], a_draft(ada, **common)["ref"]
    tie(ada, shown, hidden, "part_of")

    publish(ada, hidden)
    related = read(client, shown)["related"]
    told_of_the_draft = client.get(f"{API}/demands/{hidden}/history").json()["items"]
    publish(ada, hidden, state="unpublished", reason="It named someone.")

    assert related == [{"ref": hidden, "type": "part_of"}]
    assert [entry["type"] for entry in told_of_the_draft] == ["demand.published"]
    assert read(client, shown)["related"] == []
    assert newest(ada, shown) == ("demand.related", f"Part of {hidden}.", related[0])


def test_a_tie_that_was_told_is_not_named_any_more_once_the_other_end_is_taken_from_view(ada, client, pair):
    mine, other = pair
    tie(ada, mine, other, "part_of")

    publish(ada, other, state="unpublished", reason="It named someone.")

    assert newest(client, mine) == ("demand.related", "Tied to another demand.", None)
    assert newest(ada, mine) == ("demand.related", f"Part of {other}.", {"ref": other, "type": "part_of"})


def test_a_tie_is_taken_back_by_campaigners_and_only_where_it_is(ada, client, client_for, common, pair):
    mine, other = pair
    tie_id = tie(ada, mine, other, "related").json()["id"]
    elsewhere = a_demand(ada, **common)["ref"]

    assert [untie(ada, ref, tie_id).status_code for ref in (elsewhere, "NOWHERE-1")] == [404, 404]
    clients = [client, *map(client_for, ("viewer", "partner", "campaigner"))]
    assert [untie(one, mine, tie_id).status_code for one in clients] == [401, 403, 403, 204]
