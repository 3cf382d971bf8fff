"""What a mail looks like to those who get it."""

import uuid

from pydantic import NameEmail

from app import clock
from app.mail.letters import Letter, Passage, write
from tests.mail.mail_server import html_of, text_of

SENDER = NameEmail(name="Demand Tracker", email="follow@tracker.example")


def written(**values):
    passages = values.pop("passages", [Passage("Something happened.")])
    letter = Letter(**{"to": "reader@example.org", "subject": "A note", "passages": passages, **values})
    return write(letter, SENDER, uuid.uuid4(), clock.now())


def test_it_says_the_same_as_plain_text_and_as_html():
    mail = written(
        passages=[Passage("Became met.", "https://tracker.example/NK-1", "Read on", heading="NK-1: A mission")],
        closing=[Passage("You follow this.")],
    )

    assert text_of(mail) == (
        "NK-1: A mission\n---------------\nBecame met.\nhttps://tracker.example/NK-1\n\n-- \nYou follow this.\n"
    )
    for part in ("NK-1: A mission</h2>", "Became met.", '<a href="https://tracker.example/NK-1">Read on</a>'):
        assert part in html_of(mail)


def test_markup_in_what_is_told_stays_text():
    mail = written(passages=[Passage("<script>alert(1)</script> & more", heading="<b>")])

    assert "<script>alert(1)</script> & more" in text_of(mail)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html_of(mail)
    assert "<b>" not in html_of(mail)


def test_a_title_cannot_add_headers_to_the_mail():
    mail = written(subject="A mission\r\nBcc: everyone@example.org\tnow")

    assert mail["Subject"] == "A mission Bcc: everyone@example.org now"
    assert mail["Bcc"] is None


def test_a_long_title_is_cut_and_letters_of_all_languages_stay():
    mail = written(subject="Հայաստան " * 40)

    assert len(mail["Subject"]) <= 150
    assert mail["Subject"].startswith("Հայաստան Հայաստան")
    assert mail["Subject"].endswith("…")


def test_nobody_s_absence_is_announced_to_it():
    assert written()["Auto-Submitted"] == "auto-generated"


def test_a_long_link_in_a_header_stays_whole_on_its_line():
    """As encoded words, as Python's library would fold it, mail programs find no link to unsubscribe with."""
    link = f"<https://tracker.example/follow/end/{'0' * 80}>"

    mail = written(subject="A long title with no end in sight " * 4, headers={"List-Unsubscribe": link})

    assert f"\r\nList-Unsubscribe: {link}\r\n" in mail.as_bytes().decode()
    assert "\r\nSubject: A long title with" in mail.as_bytes().decode()
