"""Moves from one status to another: which there are, and what each needs."""

import pytest

from tests.factories import API, a_demand, a_draft, change, change_to, read
from tests.racing import at_once

CLOSED = ["withdrawn", "superseded", "overtaken"]
ALLOWED = {
    "open": ["in_progress", "partially_met", "met", "reversed", *CLOSED],
    "in_progress": ["partially_met", "met", "stalled", "reversed", *CLOSED],
    "partially_met": ["in_progress", "met", "stalled", "reversed", *CLOSED],
    "stalled": ["in_progress", "partially_met", "met", "reversed", *CLOSED],
    "reversed": ["in_progress", "partially_met", "met", "stalled", *CLOSED],
    "met": ["reversed", "partially_met"],
    "withdrawn": ["open"],
    "superseded": ["open"],
    "overtaken": ["open"],
}
GROUPS = {
    "open": "open",
    "in_progress": "moving",
    "partially_met": "moving",
    "stalled": "blocked",
    "reversed": "blocked",
    "met": "met",
    "withdrawn": "closed",
    "superseded": "closed",
    "overtaken": "closed",
}
WITH_EVIDENCE = ["in_progress", "partially_met", "met", "stalled", "reversed"]


@pytest.fixture
def needs(ada, common, evidence):
    """What goes with a change to each status, besides date and reason."""
    successor = a_draft(ada, **common)["ref"]
    return {
        to: {
            "citations": evidence if to in WITH_EVIDENCE else [],
            "successor": successor if to == "superseded" else None,
        }
        for to in ALLOWED
    }


def move(client, ref, to, **values):
    new = change_to(client, to, **{"citations": [], **values})
    return client.post(f"{API}/demands/{ref}/status-changes", json=new)


def correct(client, ref, to, **values):
    return move(client, ref, to, kind="correction", **values)


def changes_of(client, ref):
    return client.get(f"{API}/demands/{ref}/status-changes").json()["items"]


@pytest.mark.parametrize("status", ALLOWED)
def test_every_move_of_the_graph_can_be_made(ada, common, needs, status):
    ref = a_draft(ada, **common)["ref"]

    for to in ALLOWED[status]:
        assert correct(ada, ref, status, **needs[status]).status_code == 201
        moved = move(ada, ref, to, **needs[to])

        assert (moved.status_code, moved.json()["from"], moved.json()["to"]) == (201, status, to)
        demand = read(ada, ref)
        assert (demand["status"], demand["status_group"]) == (to, GROUPS[to])
        assert demand["allowed_moves"] == ALLOWED[to]


def test_every_other_move_is_refused_with_those_that_there_are(ada, common, needs):
    ref = a_draft(ada, **common)["ref"]

    for status, allowed in ALLOWED.items():
        correct(ada, ref, status, **needs[status])
        before = (read(ada, ref), changes_of(ada, ref))
        for to in ALLOWED.keys() - set(allowed):
            refused = move(ada, ref, to, **needs[to])

            assert refused.status_code == 409, f"{status} → {to}: {refused.text}"
            problem = refused.json()
            assert (problem["type"], problem["current"]) == ("/problems/forbidden-move", status)
            assert problem["allowed_moves"] == allowed
        assert (read(ada, ref), changes_of(ada, ref)) == before


def test_a_status_of_action_needs_a_citation_that_does_not_contradict_it(ada, evidence, ledger_end):
    ref = a_draft(ada)["ref"]
    against = [{**evidence[0], "stance": "contradicts"}]
    before = ledger_end()

    for to in WITH_EVIDENCE:
        for citations in ([], against):
            refused = correct(ada, ref, to, citations=citations)
            assert (refused.status_code, refused.json()["type"]) == (422, "/problems/missing-evidence"), to
            assert refused.json()["errors"][0]["where"] == "body.citations"

    assert ledger_end() == before
    assert move(ada, ref, "met", citations=against + evidence).status_code == 201


def test_closing_and_reopening_need_a_reason_but_no_evidence(ada, common, needs):
    ref = a_draft(ada, **common)["ref"]

    for to in CLOSED:
        for status in (to, "open"):
            for reason in (None, "", "  "):
                refused = move(ada, ref, status, **needs[status], reason=reason)
                assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.reason")
            assert move(ada, ref, status, **needs[status]).status_code == 201


def test_superseded_needs_another_demand_that_takes_its_place(ada):
    ref = a_draft(ada)["ref"]

    for successor, what in (
        (None, "name the demand"),
        ("NOWHERE-1", "there is no demand"),
        (ref, "cannot supersede itself"),
    ):
        refused = move(ada, ref, "superseded", successor=successor)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.successor")
        assert what in refused.json()["detail"]

    assert read(ada, ref)["status"] == "open"


def test_only_superseded_has_a_successor(ada, common, evidence):
    ref, other = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]

    refused = move(ada, ref, "met", citations=evidence, successor=other)

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.successor")


def test_superseding_ties_the_two_demands(ada, common):
    old, new = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]

    made = change(ada, old, "superseded", successor=new)

    assert made["successor"] == new
    assert read(ada, old)["related"] == [{"ref": new, "type": "superseded_by"}]
    assert read(ada, new)["related"] == [{"ref": old, "type": "supersedes"}]


def test_demands_do_not_supersede_each_other_in_a_circle(ada, common, ledger_end):
    first, second, third = (a_draft(ada, **common)["ref"] for _ in range(3))
    change(ada, first, "superseded", successor=second, citations=[])
    change(ada, second, "superseded", successor=third, citations=[])
    before = ledger_end()

    refused = move(ada, third, "superseded", successor=first)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/circular-relation")
    assert ledger_end() == before
    assert read(ada, third)["status"] == "open"


def test_a_correction_goes_anywhere_but_only_for_an_editor_and_with_a_reason(ada, client_for, evidence):
    ref = a_draft(ada)["ref"]
    change(ada, ref, "withdrawn")

    by_campaigner = correct(client_for("campaigner"), ref, "met", citations=evidence)
    without_reason = correct(ada, ref, "met", citations=evidence, reason="")
    made = correct(ada, ref, "met", citations=evidence, reason="It was never withdrawn.")

    assert (by_campaigner.status_code, by_campaigner.json()["needs"]) == (403, "editor")
    assert without_reason.status_code == 422
    assert (made.status_code, made.json()["kind"]) == (201, "correction")
    assert [c["kind"] for c in changes_of(ada, ref)] == ["correction", "change", "change"]


def test_nothing_takes_effect_in_the_future(ada, evidence, set_clock):
    set_clock("2024-03-15")
    ref = a_draft(ada)["ref"]

    for day in ("2024-03-16", "2024-04", "2025"):
        for kind in ("change", "correction"):
            refused = move(ada, ref, "in_progress", citations=evidence, effective_on=day, kind=kind)
            assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.effective_on"), day

    for day in ("2024-03-15", "2024-03", "2024"):
        assert correct(ada, ref, "in_progress", citations=evidence, effective_on=day).status_code == 201


def test_a_change_cannot_come_before_the_status_that_it_ends(ada, evidence):
    ref = a_draft(ada)["ref"]
    change(ada, ref, "in_progress", effective_on="2023-10-05", citations=evidence)

    for day in ("2023-10-04", "2023-09", "2022"):
        refused = move(ada, ref, "met", citations=evidence, effective_on=day)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.effective_on"), day

    assert correct(ada, ref, "met", citations=evidence, effective_on="2023-09").status_code == 201
    assert read(ada, ref)["status_since"] == "2023-09"


def test_a_coarse_date_lets_nothing_come_before_what_it_followed(ada, evidence):
    ref = a_draft(ada)["ref"]
    change(ada, ref, "in_progress", effective_on="2023-10-05", citations=evidence)
    change(ada, ref, "met", effective_on="2023", citations=evidence)

    refused = move(ada, ref, "reversed", effective_on="2023-10-04", citations=evidence)

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.effective_on")
    assert "since 2023-10-05" in refused.json()["detail"]
    assert move(ada, ref, "reversed", effective_on="2023-10-05", citations=evidence).status_code == 201


def test_a_date_as_coarse_as_its_source_may_reach_back_over_the_standing_status(ada, evidence):
    ref = a_draft(ada)["ref"]

    for day in ("2023-10-05", "2023-10", "2023"):
        correct(ada, ref, "in_progress", effective_on="2023-10-05", citations=evidence)
        assert move(ada, ref, "met", effective_on=day, citations=evidence).status_code == 201
        assert read(ada, ref)["status_since"] == day


def test_a_change_is_told_with_its_author_and_its_evidence_and_the_note_only_to_staff(ada, client, evidence):
    ref = a_demand(ada)["ref"]
    told = {"reason": "A mission arrived.", "internal_note": "Ask K. again.", "confidence": "high"}

    made = change(ada, ref, "in_progress", effective_on="2023-10", citations=evidence, **told)

    assert {name: made[name] for name in told} == told
    assert (made["number"], made["organization"], made["effective_on"]) == (2, "ada-org", "2023-10")
    assert [c["source"]["slug"] for c in made["citations"]] == [evidence[0]["source"]]
    seen = changes_of(client, ref)[0]
    assert seen == {**made, "internal_note": None}
    assert read(client, ref)["confidence"] == "high"
    assert "Ask K. again." not in client.get(f"{API}/events").text


def test_changing_a_status_is_for_campaigners(ada, client, client_for, evidence):
    ref = a_demand(ada)["ref"]

    clients = [client, *map(client_for, ("viewer", "partner", "campaigner"))]

    answers = [move(one, ref, "in_progress", citations=evidence).status_code for one in clients]

    assert answers == [401, 403, 403, 201]


def test_of_those_who_make_the_same_move_at_once_one_does(ada, evidence):
    ref = a_draft(ada)["ref"]

    answers = at_once([lambda: move(ada, ref, "in_progress", citations=evidence)] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert [c["number"] for c in changes_of(ada, ref)] == [2, 1]


def test_of_two_who_read_the_same_status_only_the_first_moves_it(ada, bob):
    ref = a_demand(ada)["ref"]
    seen = {"If-Match": f'"{read(ada, ref)["version"]}"'}

    answers = [
        client.post(f"{API}/demands/{ref}/status-changes", json=change_to(client, to), headers=seen)
        for client, to in ((ada, "in_progress"), (bob, "stalled"))
    ]

    assert [answer.status_code for answer in answers] == [201, 412]
    assert read(ada, ref)["status"] == "in_progress"
