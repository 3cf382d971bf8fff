"""The calendar of a list of demands, read with another library than it is written with."""

import datetime

import icalendar
import pytest
import vobject  # type: ignore[import-untyped]

from app.demands import calendar
from tests.factories import API, a_campaign, a_demand, a_draft, change, made, read

CALENDAR = f"{API}/demands.ics"


def entries(client, **query):
    answer = client.get(CALENDAR, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    calendar = vobject.readOne(answer.text, validate=True)
    return {entry.summary.value: entry for entry in calendar.contents.get("vevent", [])}


def revise(client, demand, **values):
    version = read(client, demand["ref"])["version"]
    answer = client.patch(f"{API}/demands/{demand['ref']}", json=values, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


def test_a_deadline_lasts_the_whole_day_and_leads_to_the_demand(ada, client, settings):
    demand = a_demand(ada, deadline="2027-03-05", title="A mission; with, commas\\ and a very long title " + "é" * 60)

    [entry] = entries(client).values()

    assert entry.summary.value == f"{demand['ref']}: deadline"
    assert entry.dtstart.value == datetime.date(2027, 3, 5)
    assert "dtend" not in entry.contents, "a day, where nothing else is said (RFC 5545, section 3.6.1)"
    assert entry.description.value.startswith(demand["title"])
    assert entry.url.value == demand["url"]
    assert entry.sequence.value == str(demand["version"])
    assert entry.dtstamp.value == datetime.datetime.fromisoformat(demand["updated_at"]).replace(microsecond=0)


@pytest.mark.parametrize(
    ("deadline", "day"), [("2028-02", datetime.date(2028, 2, 29)), ("2027", datetime.date(2027, 12, 31))]
)
def test_a_coarse_deadline_falls_on_its_last_day_and_says_so(ada, client, deadline, day):
    demand = a_demand(ada, deadline=deadline)

    assert entries(client)[f"{demand['ref']}: deadline (some time in {deadline})"].dtstart.value == day


def test_the_last_day_there_is_can_be_a_deadline(ada, client):
    demand = a_demand(ada, deadline="9999")

    assert f"{demand['ref']}: deadline (some time in 9999)" in entries(client)


def test_reviews_and_steps_stand_in_it_too(ada, client):
    demand = a_demand(ada, status="in_progress")
    ref = demand["ref"]
    planned = made(ada, f"demands/{ref}/milestones", {"title": "Send a team", "planned_on": "2027-05"})
    done = made(ada, f"demands/{ref}/milestones", {"title": "Ask", "planned_on": "2024-01-02", "done_on": "2024-01-03"})
    made(ada, f"demands/{ref}/milestones", {"title": "No date"})
    review = read(client, ref)["next_review_on"]

    found = entries(client)

    assert {summary: entry.dtstart.value.isoformat() for summary, entry in found.items()} == {
        f"{ref}: to be checked again": review,
        f"{ref}: planned step, Send a team (some time in 2027-05)": "2027-05-31",
        f"{ref}: step done, Ask": "2024-01-03",
    }
    assert {entry.uid.value.partition("@")[0] for entry in found.values()} == {
        f"{ref}-review",
        planned["id"],
        done["id"],
    }


def test_an_entry_that_moves_stays_the_same_entry_and_counts_up(ada, client):
    demand = a_demand(ada, deadline="2027-03-05")
    [before] = entries(client).values()

    revise(ada, demand, deadline="2027-04-05")

    [after] = entries(client).values()
    assert after.uid.value == before.uid.value
    assert after.dtstart.value == datetime.date(2027, 4, 5)
    assert int(after.sequence.value) > int(before.sequence.value)


def test_a_review_that_the_campaign_s_interval_moves_counts_up_too(ada, client, set_clock):
    set_clock("2024-03-01")
    campaign = a_campaign(ada, review_interval_days=180)["slug"]
    a_demand(ada, campaign=campaign, status="in_progress")
    [before] = entries(client).values()
    set_clock("2024-03-02")

    answer = ada.patch(f"{API}/campaigns/{campaign}", json={"review_interval_days": 300}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text

    [after] = entries(client).values()
    assert after.uid.value == before.uid.value
    assert after.dtstart.value == before.dtstart.value + datetime.timedelta(days=120)
    assert int(after.sequence.value) > int(before.sequence.value)
    changed = datetime.datetime(2024, 3, 2, tzinfo=datetime.UTC)
    assert (after.dtstamp.value, after.contents["last-modified"][0].value) == (changed, changed)


def test_what_is_closed_is_cancelled_and_not_checked_again(ada, client):
    demand = a_demand(ada, deadline="2027-03-05", status="in_progress")
    change(ada, demand["ref"], "withdrawn")

    [entry] = entries(client).values()

    assert (entry.summary.value, entry.status.value) == (f"{demand['ref']}: deadline", "CANCELLED")


def test_a_step_that_was_done_stays_so_when_the_demand_is_closed(ada, client):
    ref = a_demand(ada, status="in_progress")["ref"]
    made(ada, f"demands/{ref}/milestones", {"title": "Ask", "done_on": "2024-01-03"})
    made(ada, f"demands/{ref}/milestones", {"title": "Send a team", "planned_on": "2027-05-06"})
    change(ada, ref, "withdrawn")

    assert {summary: entry.status.value for summary, entry in entries(client).items()} == {
        f"{ref}: step done, Ask": "CONFIRMED",
        f"{ref}: planned step, Send a team": "CANCELLED",
    }


def test_control_characters_of_titles_stay_out_of_it(ada, client):
    """No text may have them (RFC 5545, section 3.3.11)."""
    controls = "".join(map(chr, (*range(1, 32), 127)))
    ref = a_demand(ada, deadline="2027-03-05", title=f"A {controls}mission")["ref"]
    made(ada, f"demands/{ref}/milestones", {"title": f"Send{controls} a team", "planned_on": "2027-05-06"})

    text = client.get(CALENDAR).content

    assert {byte for byte in text if byte < 32 or byte == 127} == set(b"\t\r\n")
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert b"\r" not in text.replace(b"\r\n", b"")
    assert entries(client)[f"{ref}: deadline"].description.value.startswith("A \t\nmission\n")


def test_one_without_entries_is_a_valid_calendar_too(client):
    """It has a component, as each must (RFC 5545, section 3.6)."""
    text = client.get(CALENDAR).text

    assert entries(client) == {}
    [component] = vobject.readOne(text).components()
    assert (component.name, component.tzid.value) == ("VTIMEZONE", "UTC")
    assert [found.name for found in icalendar.Calendar.from_ical(text).subcomponents] == ["VTIMEZONE"]


def test_it_is_of_any_filtered_list_however_long(ada, client, monkeypatch):
    monkeypatch.setattr(calendar, "MAX_LIMIT", 2)
    demands = [a_demand(ada, deadline="2027-03-05") for _ in range(5)]

    assert len(entries(client)) == 5
    assert list(entries(client, campaign=demands[3]["campaign"])) == [f"{demands[3]['ref']}: deadline"]
    assert entries(client, status="met") == {}
    refused = client.get(CALENDAR, params={"campaign": "no-such"})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid")


@pytest.mark.parametrize(
    ("query", "narrowed_to"),
    [
        ({}, ""),
        ({"status": ["open", "met"], "no_response": "true"}, " – status: open, met; no response: yes"),
        ({"q": "a, b;\nc\\", "overdue": "false"}, " – q: a, b; c\\; overdue: no"),
        ({"updated_since": "2024-01-01"}, " – updated since: 2024-01-01T00:00:00Z"),
    ],
)
def test_it_is_called_by_what_it_is_narrowed_to_and_says_where_it_is(client, settings, query, narrowed_to):
    text = client.get(CALENDAR, params=query).text

    found = vobject.readOne(text, validate=True).contents
    name, known_before, source = (found[word][0].value for word in ("name", "x-wr-calname", "source"))
    assert name == known_before == f"Demand Tracker{narrowed_to}"
    assert source.startswith(f"{settings.base_url}{CALENDAR}")
    assert client.get(source.removeprefix(settings.base_url)).text == text


def test_it_goes_through_the_gate(ada, client):
    hidden = a_draft(ada, deadline="2027-03-05")["ref"]

    assert entries(client) == {}
    assert list(entries(ada)) == [f"{hidden}: deadline"]


def test_where_nothing_happened_nothing_is_sent_again(ada, client):
    a_demand(ada, deadline="2027-03-05")
    tag = {"If-None-Match": client.get(CALENDAR).headers["etag"]}

    assert (client.get(CALENDAR, headers=tag).status_code, client.get(CALENDAR, headers=tag).content) == (304, b"")
    assert client.get(CALENDAR, headers=tag, params={"status": "met"}).status_code == 200
    assert ada.get(CALENDAR, headers=tag).status_code == 200
    a_demand(ada)
    assert client.get(CALENDAR, headers=tag).status_code == 200
