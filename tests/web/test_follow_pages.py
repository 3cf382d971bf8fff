"""The form to follow by e-mail."""

import re
from urllib.parse import parse_qsl

import pytest
from fastapi.testclient import TestClient

from tests.databases import on_sqlite
from tests.factories import a_body, a_campaign
from tests.follows.followers import READER, link_in, post
from tests.mail.mail_server import text_of


def fields(page: str) -> dict[str, str]:
    """Of the form, as a browser sends them without script."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)"[^>]* value="([^"]*)">', page)
    chosen = re.findall(r'<input type="radio" name="(\w+)" value="(\w+)" checked>', page)
    return dict([*hidden, *chosen])


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
        ("email=a@example.org&pace=daily&mood=good", 422, "filters.mood: "),
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
def test_without_a_mail_server_the_page_leads_to_other_ways(client: TestClient, database, monkeypatch) -> None:
    monkeypatch.setattr(database.settings, "smtp_url", None)

    page = client.get("/follow").text

    assert "sends no e-mail" in page
    assert "/api/v1/feed.atom" in page
    assert "<form" not in page
