"""How demands stood on a day that has passed, by when what is recorded of them took effect."""

import pytest
from alembic import command
from sqlalchemy import text

from app import models
from app.ledger.verifying import verify
from app.migrating import alembic_config, migrate
from tests.factories import API, a_body, a_draft, a_source, change, change_to, made, publish, read, refs


def on(client, day, **query):
    """The list as of the day: status and since when, by ref."""
    answer = client.get(f"{API}/demands", params={"as_of": day, **query})
    assert answer.status_code == 200, answer.text
    return {item["ref"]: (item["status"], item["status_since"]) for item in answer.json()["items"]}


def revise(client, ref, **revision):
    return client.patch(f"{API}/demands/{ref}", json=revision, headers={"If-Match": "*"})


@pytest.fixture
def demand(ada):
    """Made on 10 June 2023."""
    return a_draft(ada, first_made_on="2023-06-10")["ref"]


@pytest.fixture
def becomes(ada, demand, evidence):
    """`becomes("met", "2023-10")`: the demand's next change, in effect on that day."""

    def becomes(to, day, kind="change"):
        return change(ada, demand, to, effective_on=day, kind=kind, citations=evidence)

    return becomes


def test_each_day_has_the_last_status_that_took_effect_by_its_end(ada, demand, becomes):
    becomes("in_progress", "2023-08-01")
    becomes("met", "2023-10-05")

    stood = {day: on(ada, day).get(demand) for day in ("2023-06-09", "2023-06-10", "2023-07-31", "2023-08-01")}
    stood |= {day: on(ada, day).get(demand) for day in ("2023-10-04", "2023-10-05", "2024-01-01")}

    assert stood == {
        "2023-06-09": None,
        "2023-06-10": ("open", "2023-06-10"),
        "2023-07-31": ("open", "2023-06-10"),
        "2023-08-01": ("in_progress", "2023-08-01"),
        "2023-10-04": ("in_progress", "2023-08-01"),
        "2023-10-05": ("met", "2023-10-05"),
        "2024-01-01": ("met", "2023-10-05"),
    }


def test_a_coarse_date_counts_from_its_first_day(ada, demand, becomes):
    becomes("in_progress", "2023-08")
    becomes("met", "2024")

    stood = [on(ada, day)[demand][0] for day in ("2023-07-31", "2023-08-01", "2023-12-31", "2024-01-01")]

    assert stood == ["open", "in_progress", "in_progress", "met"]


def test_a_change_with_a_coarse_date_does_not_come_before_the_one_that_it_follows(ada, demand, becomes):
    becomes("in_progress", "2023-10-05")
    becomes("met", "2023")
    becomes("partially_met", "2024-01-10")

    days = ("2023-06-09", "2023-06-10", "2023-10-04", "2023-10-05", "2024-01-09", "2024-01-10")
    stood = [on(ada, day).get(demand, ("", ""))[0] for day in days]

    assert stood == ["", "open", "open", "met", "met", "partially_met"]


def test_a_correction_with_a_coarse_date_overrules_all_of_it(ada, demand, becomes):
    becomes("in_progress", "2023-10-05")
    becomes("stalled", "2023", kind="correction")
    becomes("met", "2023")

    stood = [on(ada, day).get(demand, ("", ""))[0] for day in ("2023-06-09", "2023-06-10", "2023-10-05")]

    assert stood == ["", "met", "met"]


def test_no_date_counts_from_before_the_demand_was_made(ada, demand, becomes):
    becomes("in_progress", "2023")
    before = on(ada, "2023-06-09"), on(ada, "2023-06-10")
    revise(ada, demand, first_made_on="2023-09-05")

    assert before == ({}, {demand: ("in_progress", "2023")})
    assert (on(ada, "2023-09-04"), on(ada, "2023-09-05")) == ({}, {demand: ("in_progress", "2023")})


def test_a_database_from_before_learns_from_which_day_each_change_counts(ada, database, demand, becomes):
    for to, day, kind in (
        ("in_progress", "2023-10-05", "change"),
        ("met", "2023", "change"),
        ("stalled", "2023-09", "correction"),
        ("in_progress", "2023", "change"),
        ("met", "2024-01-10", "change"),
        ("stalled", "2023", "correction"),
    ):
        becomes(to, day, kind)
    counted = counting(database)

    command.downgrade(alembic_config(database), "20261122_counting-1")
    migrate(database)

    assert counting(database) == counted
    assert counted == ["2023-06-10", *["2023-10-05"] * 2, *["2023-09-01"] * 2, "2024-01-10", "2023-06-10"]
    assert verify(database, models.ledgered_tables()).problems == []


def counting(database):
    with database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT counts_from FROM status_change ORDER BY number")))


def test_when_it_was_recorded_does_not_matter(ada, demand, becomes, set_clock):
    set_clock("2024-03-15")
    becomes("in_progress", "2023-08-01")

    assert on(ada, "2023-08-01")[demand] == ("in_progress", "2023-08-01")


def test_a_correction_overrules_what_was_recorded_before_it_from_its_day_on(ada, demand, becomes):
    becomes("in_progress", "2023-08-01")
    becomes("met", "2023-10-05")
    becomes("stalled", "2023-09-01", kind="correction")
    becomes("in_progress", "2023-12-01")

    stood = [on(ada, day)[demand][0] for day in ("2023-08-31", "2023-09-01", "2023-10-05", "2023-12-01")]

    assert stood == ["in_progress", "stalled", "stalled", "in_progress"]


def test_filters_ask_how_things_stood_then(ada, demand, becomes):
    other = a_draft(ada, first_made_on="2023-01", deadline="2023-07")["ref"]
    against = [{"source": a_source(ada)["slug"], "stance": stance} for stance in ("contradicts", "supports")]
    change(ada, other, "in_progress", effective_on="2023-03", citations=against, confidence="low")
    becomes("met", "2023-10-05")

    expected = {
        "status=open": ([demand], []),
        "status=met": ([], [demand]),
        "group=moving": ([other], [other]),
        "disputed=true": ([other], [other]),
        "overdue=true": ([], [other]),
        "no_response=true": ([other], [other]),
    }
    found = {}
    for query in expected:
        word, value = query.split("=")
        found[query] = tuple(refs(ada, as_of=day, **{word: value}) for day in ("2023-07-31", "2023-12-31"))

    assert found == expected


def test_flags_and_claims_are_those_of_the_day(ada, demand, becomes):
    becomes("met", "2023-10-05")
    late = a_draft(ada, first_made_on="2023-01", deadline="2023-07-15")["ref"]

    def shown(day):
        items = ada.get(f"{API}/demands", params={"as_of": day}).json()["items"]
        return {item["ref"]: item for item in items}

    assert (shown("2023-10-04")[demand]["verification"], shown("2023-10-05")[demand]["verification"]) == (
        None,
        "claimed",
    )
    assert shown("2023-10-04")[demand]["status_group"] == "open"
    assert [(shown(day)[late]["due_soon"], shown(day)[late]["overdue"]) for day in ("2023-07-15", "2023-07-16")] == [
        (True, False),
        (False, True),
    ]


def test_responses_and_readings_are_the_latest_of_the_day(ada, common, evidence):
    indicator = {"name": "Released", "unit": "people", "target": 55}
    ref = a_draft(ada, first_made_on="2023-01", indicator=indicator, **common)["ref"]
    body = common["targets"][0]["body"]
    for response, day in (("supported", "2023-10"), ("acknowledged", "2023-05"), ("none", "2023-12-01")):
        new = {"body": body, "response": response, "on": day, "citations": evidence}
        made(ada, f"demands/{ref}/responses", new)
    for value, day in ((36, "2023-11-01"), (4, "2023-05-02"), (5, "2023-05-02")):
        made(ada, f"demands/{ref}/readings", {"value": value, "on": day})

    def shown(day):
        (demand,) = ada.get(f"{API}/demands", params={"as_of": day}).json()["items"]
        (target,) = demand["targets"]
        latest = demand["indicator"]["latest"], demand["indicator"]["latest_on"]
        return (target["response"], target["response_on"]), latest, demand["no_response"]

    nothing = (None, None)
    assert shown("2023-04-30") == (("none", None), nothing, True)
    assert shown("2023-05-01") == (("acknowledged", "2023-05"), nothing, False)
    assert shown("2023-05-02") == (("acknowledged", "2023-05"), (5, "2023-05-02"), False)
    assert shown("2023-11-30") == (("supported", "2023-10"), (36, "2023-11-01"), False)
    assert shown("2024-01-01") == (("none", "2023-12-01"), (36, "2023-11-01"), True)
    unanswered = {
        day: [refs(ada, as_of=day, no_response=wanted) for wanted in (True, False)]
        for day in ("2023-04-30", "2023-05-01", "2024-01-01")
    }
    assert unanswered == {"2023-04-30": [[ref], []], "2023-05-01": [[], [ref]], "2024-01-01": [[ref], []]}
    assert (refs(ada, no_response=True), read(ada, ref)["no_response"]) == ([ref], True)


def test_the_history_of_a_draft_begins_with_the_day_that_the_demand_was_first_made(ada, demand):
    for made_on, before in (("2023-09-05", "2023-09-04"), ("2023-02", "2023-01-31")):
        revise(ada, demand, first_made_on=made_on)

        assert on(ada, before) == {}
        assert on(ada, made_on if len(made_on) > 7 else f"{made_on}-01") == {demand: ("open", made_on)}

    assert read(ada, demand)["status_since"] == "2023-02"


def test_an_opening_of_its_own_stays_where_it_is(ada, common):
    opening = {"effective_on": "2023-09-28", "reason": "A letter asks for it."}
    ref = a_draft(ada, first_made_on="2023-09-01", opening=opening, **common)["ref"]

    earlier = revise(ada, ref, first_made_on="2023-08")
    later = revise(ada, ref, first_made_on="2023-09-29")

    assert earlier.json()["first_made_on"] == "2023-08"
    assert (later.status_code, later.json()["errors"][0]["where"]) == (422, "body.first_made_on")
    assert (on(ada, "2023-09-27"), on(ada, "2023-09-28")) == ({}, {ref: ("open", "2023-09-28")})


def test_a_history_that_was_told_stays_as_it_was_told(ada, demand, becomes):
    publish(ada, demand)
    ada.put(f"{API}/demands/{demand}/publication", json={"state": "unpublished", "reason": "To be checked."})
    ada.put(f"{API}/demands/{demand}/publication", json={"state": "draft"})

    later = revise(ada, demand, first_made_on="2023-07")
    earlier = revise(ada, demand, first_made_on="2023-02")

    assert (later.status_code, later.json()["errors"][0]["where"]) == (422, "body.first_made_on")
    assert f"{demand} is recorded as open since 2023-06-10" in later.json()["detail"]
    assert (earlier.status_code, earlier.json()["first_made_on"]) == (200, "2023-02")
    assert (on(ada, "2023-06-09"), on(ada, "2023-06-10")) == ({}, {demand: ("open", "2023-06-10")})


def test_nothing_has_become_of_a_demand_before_it_was_made(ada, demand, becomes, common):
    becomes("in_progress", "2023-08-01")
    opening = {"effective_on": "2023-05-31", "reason": "A letter asks for it."}
    new = {**common, "title": "x", "asks": "x", "first_made_on": "2023-06", "opening": opening}

    refused = revise(ada, demand, first_made_on="2023-09")
    never_made = ada.post(f"{API}/demands", json=new)
    revised = revise(ada, demand, first_made_on="2023-08")

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.first_made_on")
    assert (never_made.status_code, never_made.json()["errors"][0]["where"]) == (422, "body.opening.effective_on")
    assert (revised.status_code, revised.json()["status_since"]) == (200, "2023-08-01")
    assert on(ada, "2023-07-31") == {}


def test_a_correction_does_not_reach_back_before_the_demand_was_made(ada, demand, becomes, evidence):
    for day in ("1900-01-01", "2022", "2023-05", "2023-06-09"):
        new = change_to(ada, "met", kind="correction", effective_on=day, citations=evidence)
        refused = ada.post(f"{API}/demands/{demand}/status-changes", json=new)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.effective_on"), day

    becomes("met", "2023-06", kind="correction")

    assert (on(ada, "2023-06-09"), on(ada, "2023-06-10")) == ({}, {demand: ("met", "2023-06")})


def test_as_of_today_is_as_of_now(ada, demand, becomes, set_clock):
    set_clock("2024-03-15")
    becomes("met", "2024-03-15")
    body = a_body(ada)["slug"]
    other = a_draft(ada, targets=[{"body": body, "role": "decides"}])["ref"]
    made(ada, f"demands/{other}/updates", {"text": "Something moved.", "on": "2024-03-14"})

    then = ada.get(f"{API}/demands", params={"as_of": "2024-03-15", "sort": "ref"}).json()["items"]

    assert then == [read(ada, ref) for ref in refs(ada, sort="ref")]


def test_pages_of_a_day_that_has_passed_lead_on(ada, common):
    made_refs = [a_draft(ada, first_made_on=f"2023-0{n}", **common)["ref"] for n in (5, 3, 4, 9)]
    for ref in made_refs:
        change(ada, ref, "withdrawn", citations=[])

    query = {"as_of": "2023-06-30", "sort": "-status_since", "limit": 1, "include": "total"}
    answers = [ada.get(f"{API}/demands", params=query)]
    for _ in range(2):
        answers.append(ada.get(answers[-1].links["next"]["url"]))

    assert [[item["ref"] for item in answer.json()["items"]] for answer in answers] == [
        [made_refs[0]],
        [made_refs[2]],
        [made_refs[1]],
    ]
    assert [answer.json()["total"] for answer in answers] == [3, 3, 3]
    assert answers[-1].json()["next_cursor"] is None


def test_the_public_sees_of_the_past_what_it_may_see_now(ada, client, demand, becomes):
    becomes("in_progress", "2023-08-01")

    assert on(client, "2023-08-01") == {}
    assert client.get(f"{API}/demands", params={"as_of": "2023-08-01", "include": "total"}).json()["total"] == 0
