"""Asking to follow, and confirming it by mail: nobody is mailed who does not want it, or told who follows."""

import re

import pytest
from sqlmodel import select

from app.follows import gathering
from app.follows.forgetting import forget_unconfirmed
from app.follows.models import Follow
from app.worker import WRITERS
from tests.clients import Client
from tests.databases import on_sqlite
from tests.factories import a_campaign, a_demand, a_draft, a_kind, an_organization
from tests.follows.followers import READER, ask, follow, link_in, post, subjects
from tests.mail.mail_server import html_of, text_of
from tests.mail.posts import a_postman
from tests.webhooks.deliveries import note


def follows(database):
    with database.read() as session:
        return session.exec(select(Follow)).all()


def test_whoever_asks_is_mailed_a_question_and_nothing_before_it_is_answered(app, client, ada, mail_server, time):
    demand = a_demand(ada)
    asked = ask(client, filters={"demand": [demand["ref"]]})
    note(ada, demand["ref"])
    gathering.gather(app.state.database, app.state.vault)
    time.forward(minutes=2)

    [mail] = post(app, mail_server)

    assert asked.status_code == 202
    assert asked.json()["confirm_within_hours"] == 48
    assert mail["To"] == READER
    assert f"demand: {demand['ref']}" in text_of(mail)
    assert "Yes, mail me" in html_of(mail)


def test_an_idempotency_key_is_of_the_one_who_sent_it_though_both_are_nobody(app, ada, portal, database):
    ref, key = a_demand(ada)["ref"], {"Idempotency-Key": "1"}

    def asked(address, client):
        somebody = Client(app, portal, headers=key, address=client)
        return ask(somebody, email=address, filters={"demand": [ref]})

    first = asked("ada@example.org", "192.0.2.1")
    again = asked("ada@example.org", "192.0.2.1")
    another = asked("eve@example.org", "198.51.100.1")

    assert (first.status_code, another.status_code) == (202, 202)
    assert "Idempotency-Replayed" in again.headers
    assert "Idempotency-Replayed" not in another.headers
    assert len(follows(database)) == 2


@pytest.mark.parametrize("address", ["reader@bücher.example.org", "reader@xn--bcher-kva.example.org"])
def test_a_reader_s_domain_beyond_ascii_is_mailed_to_as_name_servers_know_it(app, client, mail_server, address):
    asked = ask(client, email=address)

    [mail] = post(app, mail_server)

    assert asked.status_code == 202
    assert mail["To"] == "reader@xn--bcher-kva.example.org"


def test_opening_the_link_confirms_nothing_and_the_button_does(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    ask(client, filters={"demand": [ref]})
    [mail] = post(app, mail_server)
    mail_server.mails.clear()

    page = client.get(link_in(mail, "confirm"))
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(minutes=2)
    after_opening = list(post(app, mail_server))
    pressed = client.post(link_in(mail, "confirm"))
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(minutes=2)
    post(app, mail_server)

    assert page.status_code == pressed.status_code == 200
    assert '<form method="post">' in page.text
    assert ref in page.text
    assert after_opening == []
    assert "You follow this" in pressed.text
    assert len(mail_server.mails) == 1, "what happened before is not told"


def test_the_page_shows_nobody_s_address_and_may_be_opened_again(app, client, mail_server):
    ask(client)
    [mail] = post(app, mail_server)
    pages = [client.get(link_in(mail, "confirm")), *(client.post(link_in(mail, "confirm")) for _ in range(2))]

    for page in pages:
        assert page.status_code == 200
        assert READER not in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("purpose", ["confirm", "end"])
def test_a_link_that_is_not_whole_leads_nowhere(app, client, mail_server, purpose):
    ask(client)
    [mail] = post(app, mail_server)
    whole = link_in(mail, "confirm").replace("confirm", purpose)

    broken = (
        whole[:-2],
        f"{whole}x",
        whole.replace(".", ""),
        f"/follow/{purpose}/x",
        f"/follow/{purpose}/{'0' * 32}.é",
    )
    for link in (*broken, *((whole,) if purpose == "end" else ())):  # a link to confirm ends nothing
        assert client.get(link).status_code == 404
        assert client.post(link).status_code == 404


def test_the_answer_is_the_same_for_an_address_that_follows_already(app, client, mail_server):
    follow(app, client, mail_server, email="known@example.org")

    first, again = ask(client), ask(client, email="Known@Example.org")

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert "known" not in again.text


def test_following_by_the_same_filter_again_replaces_what_was_followed(app, client, ada, mail_server, database, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, filters={"demand": [ref]})
    note(ada, ref, "Told in the digest.")
    follow(app, client, mail_server, filters={"demand": [ref]}, pace="daily")

    time.forward(days=1)
    [mail] = post(app, mail_server)

    assert len(follows(database)) == 1
    assert "Told in the digest." in text_of(mail)


@pytest.mark.parametrize(
    "again",
    [{"filters": {"group": ["moving", "open"]}}, {"types": ["demand.update_added", "demand.overdue"]}],
)
def test_the_same_filter_in_another_order_or_for_other_types_replaces_what_was_followed(
    app, client, ada, mail_server, time, again
):
    filters = {"group": ["open", "moving"]}
    follow(app, client, mail_server, filters=filters)
    follow(app, client, mail_server, **{"filters": filters, **again})
    note(ada, a_demand(ada)["ref"], "Told once.")
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)

    post(app, mail_server)

    assert ["Told once." in text_of(mail) for mail in mail_server.mails].count(True) == 1


def test_new_types_tell_nothing_of_what_happened_before(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, types=["demand.overdue"])
    time.forward(seconds=61)
    post(app, mail_server)
    note(ada, ref, "Before.")
    gathering.gather(app.state.database, app.state.vault)
    follow(app, client, mail_server, types=["demand.update_added"])
    note(ada, ref, "After.")
    time.forward(seconds=61)

    post(app, mail_server)

    assert ["After." in text_of(mail) for mail in mail_server.mails] == [True]


def test_what_the_mail_server_put_off_is_told_after_a_change_of_pace_too(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref, "Put off.")
    gathering.gather(app.state.database, app.state.vault)
    time.forward(minutes=2)
    mail_server.will_answer(("RCPT", "451 Come back later"))
    put_off = list(post(app, mail_server))
    ask(client, pace="daily")
    [mail] = post(app, mail_server)
    client.post(link_in(mail, "confirm"))
    mail_server.mails.clear()

    for _ in range(3):
        time.forward(days=1)
        post(app, mail_server)

    assert put_off == []
    assert ["Put off." in text_of(mail) for mail in mail_server.mails] == [True]


def test_a_mail_that_is_being_written_while_the_pace_changes_is_not_lost(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    ask(client, pace="daily")
    [question] = post(app, mail_server)
    mail_server.mails.clear()
    note(ada, ref, "Nearly lost.")
    gathering.gather(app.state.database, app.state.vault)
    time.forward(minutes=2)
    gathering.gather(app.state.database, app.state.vault)

    def write_too_late(session, vault, mail):
        client.post(link_in(question, "confirm"))
        return WRITERS[mail.kind](session, vault, mail)

    a_postman(app, mail_server.url, {gathering.CHANGES: write_too_late}).post()
    time.forward(days=1)
    post(app, mail_server)

    assert ["Nearly lost." in text_of(mail) for mail in mail_server.mails] == [True]


def test_a_question_that_is_not_answered_in_two_days_is_forgotten_with_the_address(
    app, client, mail_server, database, time
):
    ask(client)
    [mail] = post(app, mail_server)
    time.forward(hours=47)
    kept = forget_unconfirmed(database)
    time.forward(hours=2)
    too_late = client.post(link_in(mail, "confirm"))

    assert kept == 0
    assert too_late.status_code == 404
    assert forget_unconfirmed(database) == 1
    assert follows(database) == []


def test_addresses_are_stored_encrypted(app, client, mail_server, database):
    follow(app, client, mail_server)

    [row] = follows(database)
    with database.read() as session:
        kept = str([*session.connection().exec_driver_sql("SELECT * FROM follow").all()])
        kept += str([*session.connection().exec_driver_sql("SELECT * FROM mail").all()])

    assert app.state.vault.open(row.address_sealed).decode() == READER
    assert "reader" not in kept
    assert row.client_stamp is None


def test_nobody_s_mailbox_is_filled_with_questions(app, client, mail_server, time):
    for _ in range(5):
        assert ask(client).status_code == 202
    post(app, mail_server)
    first_day = len(mail_server.mails)
    time.forward(hours=25)
    ask(client)
    post(app, mail_server)

    assert first_day == 3
    assert len(mail_server.mails) == 4


def test_who_confirms_what_they_ask_for_may_ask_for_more(app, client, ada, mail_server):
    refs = [a_demand(ada)["ref"] for _ in range(5)]

    for ref in refs:
        follow(app, client, mail_server, filters={"demand": [ref]})  # a question is mailed each time


def test_a_client_that_asks_too_often_is_told_to_wait(client, time):
    answers = [ask(client, email=f"reader{number}@example.org") for number in range(21)]
    time.forward(hours=1)
    later = ask(client)

    assert [answer.status_code for answer in answers] == [202] * 20 + [429]
    assert answers[-1].json()["type"] == "/problems/too-many-requests"
    assert answers[-1].headers["Retry-After"] == "3600"
    assert later.status_code == 202


@on_sqlite
def test_the_same_request_again_asks_once(app, client, mail_server):
    for _ in range(2):
        client.post("/api/v1/follows", json={"email": READER, "pace": "daily"}, headers={"Idempotency-Key": "once"})
    post(app, mail_server)

    assert len(mail_server.mails) == 1


@on_sqlite
def test_without_a_mail_server_it_says_so(client, database, monkeypatch):
    monkeypatch.setattr(database.settings, "smtp_url", None)

    answer = ask(client)

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/mail-is-off"
    assert "DEMANDS_SMTP_URL" in answer.json()["detail"]


@on_sqlite
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"email": "no address"}, "body.email"),
        ({"email": "a@b.c\r\nBcc: all@example.org"}, "body.email"),
        ({"email": f"{'a' * 64}@{'b' * 200}.org"}, "body.email"),
        ({"pace": "hourly"}, "body.pace"),
        ({"timezone": "Middle/Earth"}, "body.timezone"),
        ({"timezone": "../../etc/passwd"}, "body.timezone"),
        ({"timezone": "Factory"}, "body.timezone"),
        ({"timezone": "localtime"}, "body.timezone"),
        ({"types": ["demand.vanished"]}, "body.types.0"),
        ({"types": ["demand.embargoed"]}, "body.types"),
        ({"filters": {"mood": ["good"]}}, "body.filters.mood"),
        ({"filters": {"body": ["nowhere"]}}, "body.filters.body"),
        ({"filters": {"demand": ["NO-1"]}}, "body.filters.demand"),
        ({"audience": "staff"}, "body.audience"),
    ],
)
def test_what_cannot_be_is_named(client, wrong, where):
    answer = ask(client, **wrong)

    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [where]


@on_sqlite
def test_what_is_not_public_cannot_be_followed_or_guessed(client, ada):
    draft = a_draft(ada, campaign=a_campaign(ada)["slug"], kind=a_kind(ada)["slug"])["ref"]
    hidden = an_organization(ada, audience="staff")["slug"]

    for filters in ({"demand": [draft]}, {"issuer": [hidden]}):
        for asker in (client, ada):
            assert ask(asker, filters=filters).status_code == 422


@on_sqlite
def test_filters_and_pace_are_told_in_words(app, client, ada, mail_server):
    campaign = a_campaign(ada)["slug"]
    ask(client, filters={"campaign": [campaign], "disputed": True}, pace="weekly", timezone="America/New_York")
    post(app, mail_server)

    told = re.sub(r"\s+", " ", text_of(mail_server.mails[0]))

    assert f"campaign: {campaign}; disputed: yes; mailed on Mondays, at seven in the morning (America/New York)" in told
    assert subjects(mail_server) == ["Do you want to follow this?"]


@on_sqlite
def test_types_that_were_chosen_are_told_wherever_it_is_said_what_is_followed(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    ask(client, types=["demand.update_added", "source.created"])
    [question] = post(app, mail_server)
    asking = client.get(link_in(question, "confirm"))
    confirmed = client.post(link_in(question, "confirm"))
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    mail = post(app, mail_server)[-1]
    ending = client.get(link_in(mail, "end"))

    for told in (text_of(question), asking.text, confirmed.text, text_of(mail), ending.text):
        assert "all demands; types: demand update added, source created; mailed at once" in re.sub(r"\s+", " ", told)


def test_a_tag_that_no_demand_shows_is_refused_so_that_no_mail_says_it(app, client, ada, mail_server):
    a_demand(ada, tags=["health"])
    a_draft(ada, tags=["unseen"])

    for made_up in ("you-owe-us-money", "unseen"):
        refused = ask(client, filters={"tag": ["health", made_up]})
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            f"body.filters.tag: no demand has the tag {made_up}",
        )
    assert post(app, mail_server) == []
    assert ask(client, filters={"tag": ["health"]}).status_code == 202
