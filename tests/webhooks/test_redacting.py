"""Whoever was sent words that are redacted is told, wherever the words stood and whatever has changed since."""

import json

import pytest

from tests.factories import API, a_body, a_campaign, a_demand, a_kind, a_source, an_organization, made
from tests.webhooks.deliveries import a_webhook, delivering

NAME = "Name Of A Detained Person"


def revise(client, path, **values):
    answer = client.patch(f"{API}/{path}", json=values, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def redact(client):
    return made(client, "redactions", {"text": NAME, "reason": "A person asked."})


def delivered(app, receiver):
    with delivering(app):
        pass
    return [request.body.decode() for request in receiver.requests]


def types(messages):
    return [json.loads(message)["type"] for message in messages]


def test_though_no_text_has_the_words_any_more_and_the_demand_has_left_the_filter(app, ada, eve, receiver):
    body, another = a_body(ada)["slug"], a_body(ada)["slug"]
    ref = a_demand(ada, title=f"Release of {NAME}", targets=[{"body": body, "role": "decides"}])["ref"]
    a_webhook(eve, receiver.url("/204"), filters={"body": [body]})
    revise(ada, f"demands/{ref}", asks="She is to be released.")
    revise(ada, f"demands/{ref}", title="Her release", targets=[{"body": another, "role": "decides"}])
    sent = delivered(app, receiver)

    redacted = redact(ada)

    assert NAME in sent[0]
    assert redacted["demands"] == [ref]
    assert types(delivered(app, receiver)[len(sent) :]) == ["demand.redacted"]


def test_by_the_demand_that_cites_the_source_with_the_words(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], filters={"demand": [ref]})
    evidence = {"source": a_source(ada, title=f"Trial of {NAME}")["slug"], "stance": "supports"}
    made(ada, f"demands/{ref}/updates", {"text": "The trial began.", "on": "2024-03-01", "citations": [evidence]})
    sent = delivered(app, receiver)

    redacted = redact(ada)

    assert NAME in sent[0]
    assert redacted["demands"] == [ref]
    assert "demand.redacted" in types(delivered(app, receiver)[len(sent) :])


def test_by_the_source_that_had_the_words_when_it_was_told(app, ada, eve, receiver):
    a_webhook(eve, receiver.url("/204"), types=["source.created"])
    source = a_source(ada, title=f"Trial of {NAME}")
    revise(ada, f"sources/{source['slug']}", title="A trial")
    sent = delivered(app, receiver)

    redact(ada)

    assert NAME in sent[0]
    assert types(delivered(app, receiver)[len(sent) :]) == ["source.redacted"]


@pytest.mark.parametrize("thing", [a_source, a_body, an_organization, a_campaign, a_kind])
def test_whatever_the_types_of_the_webhook_and_whatever_thing_had_the_words(app, ada, eve, receiver, thing):
    a_webhook(eve, receiver.url("/204"), types=[f"{thing.__name__.split('_')[1]}.created"])
    thing(ada, **{"title" if thing is a_source else "about" if thing is a_kind else "name": f"The {NAME} case"})
    sent = delivered(app, receiver)

    redact(ada)

    assert NAME in sent[-1]
    assert types(delivered(app, receiver)[len(sent) :]) == [types(sent)[-1].replace("created", "redacted")]


def test_but_nobody_of_words_that_only_staff_were_told(app, ada, eve, client, receiver):
    ref = a_demand(ada, title="A release")["ref"]
    hidden = {"state": "unpublished", "reason": "To be reworded."}
    assert ada.put(f"{API}/demands/{ref}/publication", json=hidden).status_code == 200
    revise(ada, f"demands/{ref}", title=f"Release of {NAME}")
    revise(ada, f"demands/{ref}", title="A release")
    assert ada.put(f"{API}/demands/{ref}/publication", json={"state": "published"}).status_code == 200
    a_webhook(eve, receiver.url("/204"))

    redact(ada)

    assert delivered(app, receiver) == []
    assert "demand.redacted" in ada.get(f"{API}/events", params={"demand": ref}).text
    assert "demand.redacted" not in client.get(f"{API}/events", params={"demand": ref}).text


def test_and_what_an_endpoint_said_after_it_leaves_the_log(app, ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/echo-whole"))
    a_demand(ada, title=f"Release of {NAME}")
    a_kind(ada, label={"en": "Another thing"})
    delivered(app, receiver)
    said = attempts(eve, webhook)

    redact(ada)
    left = attempts(eve, webhook)

    of_others = [attempt for attempt in said if NAME not in attempt["response_body"]]
    assert len(said) > len(of_others) > 0
    assert NAME not in json.dumps(left)
    assert [attempt for attempt in left if attempt["response_body"]] == of_others
    assert {attempt["outcome"] for attempt in left} == {"delivered"}


def attempts(client, webhook):
    return client.get(f"{API}/webhooks/{webhook['id']}/attempts?limit=200").json()["items"]
