"""The form to follow by e-mail."""

import re
from urllib.parse import parse_qsl

import pytest
from fastapi.testclient import TestClient

from tests.databases import on_sqlite
from tests.factories import a_body, a_campaign, a_demand
from tests.follows.followers import READER, link_in, post
from tests.mail.mail_server import text_of
from tests.statements import asked


def fields(page: str) -> dict[str, str]:
    """Of the form, as a browser sends them without script."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)"[^>]* value="([^"]*)">', page)
    chosen = re.findall(r'<input type="radio" name="(\w+)" value="(\w+)" checked>', page)
    selected = re.findall(r'<option value="([^"]+)" selected>', page)
    return dict([*hidden, *chosen, *(("timezone", zone) for zone in selected)])


@on_sqlite
def test_the_form_asks_for_what_its_address_says(app, client: TestClient, ada: TestClient, mail_server) -> None:
    body, campaign = a_body(ada)["slug"], a_campaign(ada)["slug"]
    form = client.get(f"/follow?body={body}&campaign={campaign}&disputed=true").text

    answer = client.post("/follow", data={**fields(form), "email": READER})
    [mail] = post(app, mail_server)

    assert f"What happens to campaign: {campaign}; body: {body}; disputed: yes." in form
    assert answer.status_code == 200
    assert "Look into your mailbox" in answer.text
    told = re.sub(r"\s+", " ", text_of(mail))
    assert (
        f"campaign: {campaign}; body: {body}; disputed: yes; mailed once a day, at seven in the morning (UTC)" in told
    )
    assert client.get(link_in(mail, "confirm")).status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        ("email=nobody&pace=daily", 422, "email: "),
        ("email=a@example.org&pace=hourly", 422, "pace: "),
        ("email=a@example.org", 422, "pace: "),
        ("email=a@example.org&pace=daily&body=nowhere", 422, "body.filters.body: there is no body nowhere"),
        ("email=%FF%00&pace=daily", 422, "email: "),
        ("", 422, "email: "),
    ],
)
def test_what_is_wrong_is_said_above_the_form(client: TestClient, sent: str, status: int, why: str) -> None:
    answer = client.post("/follow", content=sent)

    assert answer.status_code == status
    assert f'<p class="problem" role="alert">{why}' in answer.text
    typed = dict(parse_qsl(sent)).get("email", "")
    assert "\x00" in typed or f'required value="{typed}"' in answer.text


@on_sqlite
def test_markup_in_what_was_typed_stays_text(client: TestClient) -> None:
    answer = client.post("/follow", data={"email": '"><script>', "pace": "daily", "body": '"><b>'})

    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text


@on_sqlite
@pytest.mark.parametrize("foreign", ["fbclid=x", "utm_source=mail&utm_medium=x", "foo=1", "limit=5&q=ocha"])
def test_words_that_others_add_to_links_are_let_be(client: TestClient, ada: TestClient, foreign: str) -> None:
    body = a_body(ada)["slug"]

    plain, page = client.get(f"/follow?body={body}"), client.get(f"/follow?{foreign}&body={body}")

    assert page.status_code == 200
    assert page.text == plain.text


@on_sqlite
def test_many_tags_are_looked_up_as_one_is(client: TestClient, ada: TestClient) -> None:
    tags = [f"tag-{number}" for number in range(10)]
    a_demand(ada, tags=tags)
    counts = []

    for several in (tags[:1], tags):
        with asked() as statements:
            assert client.get("/follow", params={"tag": several}).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1]


@on_sqlite
def test_fields_that_are_none_of_the_form_are_let_be(app, client: TestClient, mail_server) -> None:
    answer = client.post("/follow", data={"email": READER, "pace": "daily", "foo": "ocha", "types": "x"})

    assert answer.status_code == 200
    assert "ocha" not in text_of(post(app, mail_server)[0])


@on_sqlite
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("body=UN%20X", "body.0: a slug has small letters"),
        ("body=nowhere", "body: there is no body nowhere"),
        ("demand=NO-1", "demand: there is no demand NO-1"),
        ("tag=you-owe-us", "tag: no demand has the tag you-owe-us"),
        ("disputed=perhaps", "disputed: "),
        ("group=up", "group.0: "),
    ],
)
def test_what_cannot_be_followed_is_said_on_a_page_before_an_address_is_typed(
    client: TestClient, words: str, why: str
) -> None:
    answer = client.get(f"/follow?{words}")

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert why in answer.text
    assert "<form" not in answer.text
    assert words not in answer.text, "a feed reader is not led to what is not there"


@on_sqlite
def test_who_has_no_script_chooses_a_time_zone(app, client: TestClient, mail_server) -> None:
    form = client.get("/follow").text
    typed = {**fields(form), "email": READER, "timezone": "Asia/Yerevan"}

    answer = client.post("/follow", data=typed)
    again = client.post("/follow", data={**typed, "email": "no address"})

    assert fields(form)["timezone"] == "UTC"
    assert answer.status_code == 200
    assert "(Asia/Yerevan)" in text_of(post(app, mail_server)[0])
    assert fields(again.text)["timezone"] == "Asia/Yerevan"
    assert "follow.js" not in again.text, "what was chosen stays"


@on_sqlite
@pytest.mark.parametrize("zone", ["Etc/Unknown", "Europe/New", "Factory", "localtime", ""])
def test_a_browser_in_a_time_zone_that_is_none_gets_digests_by_utc(
    app, client: TestClient, mail_server, zone: str
) -> None:
    answer = client.post("/follow", data={"email": READER, "pace": "daily", "timezone": zone})

    assert answer.status_code == 200
    assert "(UTC)" in text_of(post(app, mail_server)[0])


@on_sqlite
def test_what_is_followed_is_offered_as_a_feed_and_a_calendar_too(client: TestClient, ada: TestClient) -> None:
    body, demand = a_body(ada)["slug"], a_demand(ada)["ref"]

    by_body, by_demand = client.get(f"/follow?body={body}").text, client.get(f"/follow?demand={demand}").text

    assert f'href="/api/v1/feed.atom?body={body}"' in by_body
    assert f'href="webcal://127.0.0.1:8000/api/v1/demands.ics?body={body}"' in by_body
    assert f'href="/api/v1/feed.atom?demand={demand}"' in by_demand
    assert "demands.ics" not in by_demand, "a calendar knows no single demand"


def test_the_address_is_said_to_be_erased_only_with_the_last_that_it_follows(
    app, client: TestClient, mail_server, database
) -> None:
    links = []
    for group in ("open", "moving", "met"):
        client.post("/follow", data={"email": READER, "pace": "daily", "group": group})
        mail = post(app, mail_server)[-1]
        links.append(client.post(link_in(mail, "confirm")).text.partition('href="/follow/end/')[2].partition('"')[0])

    first = client.post(f"/follow/end/{links[0]}").text
    again = client.post(f"/follow/end/{links[0]}").text
    [rest] = re.findall(r'<form method="post" action="([^"]+)">', first)
    last = client.post(rest, data={"all": "yes"}).text

    assert "stays here for 2 other things" in first
    assert "erased" not in first + again
    assert "Your address was erased here." in last
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT * FROM follow").all() == []


@on_sqlite
def test_without_a_mail_server_the_page_leads_to_other_ways(client: TestClient, database, monkeypatch) -> None:
    monkeypatch.setattr(database.settings, "smtp_url", None)

    page = client.get("/follow").text

    assert "sends no e-mail" in page
    assert "/api/v1/feed.atom" in page
    assert "/api/v1/demands.ics" in page
    assert "<form" not in page
