"""What followers are mailed: what they asked for, as anyone may see it, in time, and never a flood of it."""

import re
import threading
from functools import partial

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.follows import gathering
from app.follows.models import Follow
from app.mail import outbox
from app.vault import Vault
from tests.databases import on_postgresql
from tests.factories import API, a_body, a_demand, a_source, an_organization, change, made, publish
from tests.follows.followers import READER, follow, link_in, post, subjects
from tests.mail.mail_server import html_of, text_of
from tests.webhooks import storms
from tests.webhooks.deliveries import note, wait_until


def post_later(app, mail_server, time, **by):
    """What is in the mailbox some time later; a worker was there when it happened, too."""
    gathering.gather(app.state.database, app.state.vault)
    time.forward(**by or {"seconds": 61})
    return post(app, mail_server)


def test_a_change_is_mailed_at_once_with_what_happened_and_where_to_read_on(app, client, ada, mail_server, time):
    body = a_body(ada)["slug"]
    demand = a_demand(ada, title="A mission", targets=[{"body": body, "role": "decides"}])
    follow(app, client, mail_server, filters={"body": [body]})
    change(ada, demand["ref"], "in_progress", reason="They sent a team.")

    [mail] = post_later(app, mail_server, time)

    assert mail["To"] == READER
    assert mail["Subject"] == f"{demand['ref']}: A mission"
    for told in (text_of(mail), html_of(mail)):
        assert "Became in progress on 2024-02-01: They sent a team." in told
        assert f"/demands/{demand['ref']}" in told
        assert f"body: {body}" in told


def test_what_was_not_asked_for_is_not_mailed(app, client, ada, mail_server, time):
    followed, other = a_demand(ada)["ref"], a_demand(ada)["ref"]
    follow(app, client, mail_server, filters={"demand": [followed]}, types=["demand.status_changed"])
    note(ada, followed)
    change(ada, other, "in_progress")
    change(ada, followed, "in_progress")

    post_later(app, mail_server, time)

    assert [followed in subject for subject in subjects(mail_server)] == [True]


def test_mere_edits_of_the_record_are_told_only_to_who_asks_for_them(app, client, ada, mail_server, time):
    demand = a_demand(ada)
    follow(app, client, mail_server, filters={"demand": [demand["ref"]]})
    edited = {"If-Match": f'"{demand["version"]}"'}
    assert ada.patch(f"/api/v1/demands/{demand['ref']}", json={"title": "B"}, headers=edited).status_code == 200

    assert post_later(app, mail_server, time) == []


def test_each_change_is_told_once(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    for text in ("First.", "Second."):
        note(ada, ref, text)
        post_later(app, mail_server, time)
        post_later(app, mail_server, time)

    told = [text_of(mail) for mail in mail_server.mails]
    assert ["First." in text for text in told] == [True, False]
    assert ["Second." in text for text in told] == [False, True]


def test_mails_about_one_demand_stand_together(app, client, ada, mail_server, time):
    first, second = a_demand(ada)["ref"], a_demand(ada)["ref"]
    follow(app, client, mail_server)
    for ref in (first, second, first):
        note(ada, ref)

    mails = post_later(app, mail_server, time)

    threads = [mail["References"] for mail in mails]
    assert threads[0] == threads[2] != threads[1]
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert {mail["In-Reply-To"] for mail in mails} == set(threads)


def test_twenty_changes_are_twenty_mails_and_one_more_is_a_digest(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    for number in range(20):
        note(ada, ref, f"Note {number}.")
    twenty = len(post_later(app, mail_server, time))
    mail_server.mails.clear()
    time.forward(hours=2)
    for number in range(21):
        note(ada, ref, f"Note {number}.")
    [digest] = post_later(app, mail_server, time)

    assert twenty == 20
    assert digest["Subject"] == "21 changes to what you follow"
    for number in range(21):
        assert f"Note {number}." in text_of(digest)


def test_a_burst_that_goes_on_is_told_hourly(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    for _ in range(8):
        for _ in range(5):
            note(ada, ref)
        post_later(app, mail_server, time, minutes=6)
    within_the_hour = subjects(mail_server)
    post_later(app, mail_server, time, hours=1)

    digests = [int(subject.split()[0]) for subject in subjects(mail_server) if "changes" in subject]
    assert len(within_the_hour) <= 20 + 1
    assert len(digests) == 2
    assert sum(digests) + len(mail_server.mails) - len(digests) == 40


def test_a_digest_tells_of_many_by_demand_and_says_what_it_leaves_out(app, client, ada, mail_server, time):
    first, second = a_demand(ada, title="First"), a_demand(ada, title="Second")
    follow(app, client, mail_server, pace="daily")
    for demand in (first, second, first):
        for _ in range(20):
            note(ada, demand["ref"])

    [digest] = post_later(app, mail_server, time, days=1)

    assert digest["Subject"] == "60 changes to what you follow"
    assert text_of(digest).count("Talks went on.") == 50
    assert text_of(digest).count(f"{first['ref']}: First\n") == 1
    assert "And 10 earlier changes" in text_of(digest)


def test_what_a_digest_leaves_out_is_in_a_feed_of_what_is_followed(app, client, ada, mail_server, time):
    followed, other = a_demand(ada)["ref"], a_demand(ada)["ref"]
    types = ["demand.update_added", "demand.overdue"]
    filters = {"demand": [followed], "disputed": False}
    follow(app, client, mail_server, pace="daily", filters=filters, types=types)
    for _ in range(51):
        note(ada, followed)
    note(ada, other)
    change(ada, followed, "in_progress")

    [digest] = post_later(app, mail_server, time, days=1)

    [feed] = re.findall(r"/api/v1/feed\.atom\S+", text_of(digest))
    entries = client.get(feed).text.split("<entry")[1:]
    assert "And 1 earlier change," in text_of(digest)
    assert len(entries) == 50
    assert all(followed in entry and "Talks went on." in entry for entry in entries)


def test_of_what_was_just_taken_from_view_no_mail_has_a_link(app, client, ada, mail_server, time):
    demand, source = a_demand(ada)["ref"], a_source(ada)["slug"]
    follow(app, client, mail_server)
    publish(ada, demand, state="unpublished", reason="A mistake")
    hidden = ada.patch(f"{API}/sources/{source}", json={"audience": "staff"}, headers={"If-Match": "*"})
    assert hidden.status_code == 200, hidden.text

    mails = post_later(app, mail_server, time)

    assert len(mails) == 2
    for mail in mails:
        assert "aken from view" in text_of(mail)
        assert "/api/v1/" not in text_of(mail) + html_of(mail)


def test_a_long_note_is_told_in_part(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref, "word " * 1_990 + "end.")

    [mail] = post_later(app, mail_server, time)

    assert "word word…" in text_of(mail).replace("\n", " ")
    assert "end." not in text_of(mail)
    assert len(text_of(mail)) < 2_000


@pytest.mark.parametrize(("pace", "days"), [("daily", 1), ("weekly", 7)])
def test_a_digest_comes_at_its_hour_and_not_where_nothing_happened(app, client, ada, mail_server, time, pace, days):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, pace=pace)
    note(ada, ref)
    at_once = list(post_later(app, mail_server, time))
    post_later(app, mail_server, time, days=days)
    first = len(mail_server.mails)
    post_later(app, mail_server, time, days=days)

    assert at_once == []
    assert first == len(mail_server.mails) == 1


def test_nobody_is_told_of_what_they_did_themselves(app, client, client_for, mail_server, time):
    ada, bob = client_for("editor"), client_for("editor")
    admin = client_for("admin")
    made(admin, "people", {"email": "ada@example.org", "name": "Ada", "organization": "ada-org", "role": "editor"})
    key = admin.post("/api/v1/keys", json={"role": "editor", "organization": "ada-org", "person": "ada@example.org"})
    ada.headers["Authorization"] = f"Bearer {key.json()['key']}"
    ref = a_demand(bob)["ref"]
    follow(app, client, mail_server, email="Ada@Example.org")
    note(ada, ref, "By Ada.")
    note(bob, ref, "By Bob.")

    [mail] = post_later(app, mail_server, time)

    assert "By Bob." in text_of(mail)


def test_what_is_taken_from_view_before_it_is_sent_is_not_told(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, types=["demand.update_added"])
    note(ada, ref, "Nobody may read this now.")
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    gathering.gather(app.state.database, app.state.vault)  # the mail waits in the outbox
    publish(ada, ref, state="unpublished", reason="A mistake")

    post_later(app, mail_server, time)

    assert ["Nobody may read" in text_of(mail) for mail in mail_server.mails] == [False], "but that it was is told"
    assert "Taken from view." in text_of(mail_server.mails[0])
    assert "A mistake" not in text_of(mail_server.mails[0])


def test_what_only_partners_or_staff_may_see_is_never_told(app, client, ada, mail_server, time):
    follow(app, client, mail_server)
    for audience in ("partners", "staff"):
        note(ada, a_demand(ada, audience=audience)["ref"])

    assert post_later(app, mail_server, time) == []


def test_one_click_ends_it_without_cookies_or_questions(app, client, ada, mail_server, time):
    """RFC 8058: the mail program posts to the address in the header, and that is all."""
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref)
    [mail] = post_later(app, mail_server, time)
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    gathering.gather(app.state.database, app.state.vault)  # another waits in the outbox

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [link] = re.findall(rb"^List-Unsubscribe: <(http\S+)>\r$", mail_server.raw[-1], re.MULTILINE)
    address = link.decode().removeprefix("http://127.0.0.1:8000")
    ended = client.post(
        address,
        content="List-Unsubscribe=One-Click",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    again = client.post(address)
    note(ada, ref)
    post_later(app, mail_server, time)

    assert ended.status_code == again.status_code == 200
    assert not ended.cookies
    assert len(mail_server.mails) == 1
    with app.state.database.read() as session:
        for table in ("follow", "follow_key", "mail"):
            assert session.connection().exec_driver_sql(f"SELECT * FROM {table}").all() == []  # noqa: S608


def test_opening_the_link_to_end_it_ends_nothing(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref)
    [mail] = post_later(app, mail_server, time)

    page = client.get(link_in(mail, "end"))
    note(ada, ref)
    post_later(app, mail_server, time)

    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert len(mail_server.mails) == 2


def test_a_crash_while_gathering_neither_loses_nor_repeats_a_change(app, client, ada, mail_server, time, monkeypatch):
    ref = a_demand(ada)["ref"]
    for reader in ("a@example.org", "b@example.org"):
        follow(app, client, mail_server, email=reader)
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    put, puts = outbox.put, []

    def put_and_die(*args, **values):
        put(*args, **values)
        puts.append(1)
        if len(puts) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "put", put_and_die)
    with pytest.raises(KeyboardInterrupt):
        gathering.gather(app.state.database, app.state.vault)
    monkeypatch.setattr(outbox, "put", put)
    post_later(app, mail_server, time)

    assert sorted(str(mail["To"]) for mail in mail_server.mails) == ["a@example.org", "b@example.org"]


@on_postgresql
def test_several_workers_tell_each_follower_once(app, client, ada, mail_server, time):
    ref = a_demand(ada)["ref"]
    for number in range(15):
        follow(app, client, mail_server, email=f"reader{number}@example.org")
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    workers = [threading.Thread(target=post, args=(app, mail_server)) for _ in range(4)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(str(mail["To"]) for mail in mail_server.mails) == sorted(
        f"reader{number}@example.org" for number in range(15)
    )


def test_somebody_whose_address_cannot_be_read_holds_up_nobody(app, client, ada, mail_server, time, database):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, email="lost@example.org")
    follow(app, client, mail_server)
    with database.write() as session:
        sealed_elsewhere = Vault("another secret key").seal(b"lost@example.org")
        stamp = app.state.vault.stamp("address", "lost@example.org")
        session.execute(
            update(Follow).where(col(Follow.address_stamp) == stamp).values(address_sealed=sealed_elsewhere)
        )
    note(ada, ref)

    post_later(app, mail_server, time)

    assert [str(mail["To"]) for mail in mail_server.mails] == [READER]


def test_killing_workers_at_any_moment_loses_no_change(
    kind, app, settings, client, ada, mail_server, time, monkeypatch
):
    """With real processes. What is mailed twice has the same Message-ID, and a kill repeats one mail at most."""
    monkeypatch.setattr(settings, "follow_gather_seconds", 0)
    ref = a_demand(ada)["ref"]
    readers = [f"reader{number}@example.org" for number in range(5)]
    for reader in readers:
        follow(app, client, mail_server, email=reader)
    written = [f"Note {number}." for number in range(15)]
    for text in written:
        note(ada, ref, text)
    mail_server.takes_seconds = 0.005
    kills = [9, 40]  # after so many mails

    mailing = {"smtp_url": mail_server.url, "mail_from": str(settings.mail_from), "follow_gather_seconds": 0}
    with storms.running(settings, *[["work"]] * (1 if kind == "sqlite" else 2), **mailing) as workers:
        for number, count in enumerate(kills):
            wait_until(partial(mail_server.has, count), seconds=60)
            worker = workers[number % len(workers)]
            worker.kill()
            worker.start()
    post_later(app, mail_server, time, hours=1)  # what the killed had claimed

    told: dict[str, dict[str, str]] = {reader: {} for reader in readers}
    for mail in mail_server.mails:
        [text] = [text for text in written if text in text_of(mail)]
        assert told[str(mail["To"])].setdefault(text, mail["Message-ID"]) == mail["Message-ID"]
    assert {reader: sorted(texts) for reader, texts in told.items()} == dict.fromkeys(readers, sorted(written))
    assert len(mail_server.mails) <= len(readers) * len(written) + len(kills) + len(workers)


def test_that_a_source_was_taken_from_view_is_mailed_only_to_who_follows_everything(
    app, client, ada, mail_server, time
):
    source, organization = a_source(ada)["slug"], an_organization(ada)["slug"]
    follow(app, client, mail_server, email="narrow@example.org", filters={"demand": [a_demand(ada)["ref"]]})
    follow(app, client, mail_server, email="all@example.org")
    for path in (f"sources/{source}", f"organizations/{organization}"):
        hidden = ada.patch(f"{API}/{path}", json={"audience": "staff"}, headers={"If-Match": "*"})
        assert hidden.status_code == 200, hidden.text

    post_later(app, mail_server, time)

    assert {mail["To"] for mail in mail_server.mails} == {"all@example.org"}
    assert subjects(mail_server) == [
        f"Source taken from view: {source}",
        f"Organization taken from view: {organization}",
    ]
