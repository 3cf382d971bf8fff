"""What a mail looks like to those who get it."""

import email
import email.policy
import re
import uuid
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import NameEmail

from app import clock
from app.mail.letters import Letter, Passage, write
from tests.mail.mail_server import html_of, text_of

SENDER = NameEmail(name="Demand Tracker", email="follow@tracker.example")


TITLE = "A mission =?utf-8?q?=0D=0ABcc:_eve@example.org=0D=0A=0D=0AClick?= here"  # with lines' ends, if it is decoded


def sent(sender=SENDER, **values):
    """The bytes of a mail."""
    passages = values.pop("passages", [Passage("Something happened.")])
    letter = Letter(**{"to": "reader@example.org", "subject": "A note", "passages": passages, **values})
    return write(letter, sender, uuid.uuid4(), clock.now()).as_bytes()


def written(**values):
    """The mail as it is read."""
    return email.message_from_bytes(sent(**values), policy=email.policy.SMTP)


def head(mail):
    """The lines of its headers."""
    return mail.partition(b"\r\n\r\n")[0].split(b"\r\n")


def decoded(header):
    """As mail programs do it."""
    return str(make_header(decode_header(header)))


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


def test_programs_that_drop_styles_show_each_item_and_line_for_itself():
    mail = written(
        subject="2 changes",
        passages=[Passage("Two\r\nlines."), Passage(heading="NK-1", items=["<b>Met.\nRecorded.", "Reversed."])],
    )

    assert "<h1" in html_of(mail).partition("2 changes</h1>")[0]
    assert "<p>Two<br>lines.</p>" in html_of(mail)
    assert re.findall("<li>(.*)</li>", html_of(mail)) == ["&lt;b&gt;Met.<br>Recorded.", "Reversed."]
    assert "\n<b>Met.\nRecorded.\n\nReversed.\n" in text_of(mail)


def test_a_heading_that_is_the_subject_stands_once_in_the_html():
    mail = written(subject="NK-1: A mission", passages=[Passage(heading="NK-1: A mission", items=["Became met."])])

    assert re.findall(r"<h\d[^>]*>(.*)</h(\d)>", html_of(mail)) == [("NK-1: A mission", "1")]


def test_markup_in_what_is_told_stays_text():
    mail = written(passages=[Passage("<script>alert(1)</script> & more", heading="<b>")])

    assert "<script>alert(1)</script> & more" in text_of(mail)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html_of(mail)
    assert "<b>" not in html_of(mail)


def test_a_title_cannot_add_headers_to_the_mail():
    mail = written(subject="A mission\r\nBcc: everyone@example.org\tnow")

    assert mail["Subject"] == "A mission Bcc: everyone@example.org now"
    assert mail["Bcc"] is None


def test_what_looks_like_an_encoded_word_in_a_title_is_no_more_than_that():
    mail = sent(subject=TITLE)

    names = [line.partition(b":")[0] for line in head(mail) if not line.startswith(b" ")]
    assert names == [line.partition(b":")[0] for line in head(sent())]
    assert b"Click" not in b"".join(head(mail))
    assert written(subject=TITLE)["Subject"] == TITLE


@pytest.mark.parametrize("name", [TITLE, 'Die "Ämter"', 'The "Office", Geneva', "Հայաստան " * 20])
def test_the_sender_s_name_is_shown_as_it_was_set(name):
    sender = NameEmail(name=name.strip(), email=SENDER.email)

    shown, address = parseaddr(email.message_from_bytes(sent(sender=sender))["From"])

    assert (decoded(shown), address) == (name.strip(), SENDER.email)
    assert b"Bcc" not in b"".join(head(sent(sender=sender)))


@pytest.mark.parametrize("address", ["=?utf-8?q?=0D=0ABcc?=@example.org", "=?utf-8?q?=0D=0ABcc?=ü@example.org"])
def test_an_address_that_looks_like_an_encoded_word_is_written_as_it_is(address):
    assert f"To: {address}".encode() in head(sent(to=address))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\r\n"])
def test_a_header_of_more_than_one_line_is_not_written(end):
    with pytest.raises(ValueError, match="List-Id has more than one line"):
        written(headers={"List-Id": f"<a>{end}Bcc: eve@example.org"})


LINES = st.lists(st.text(st.characters(categories=("L", "M", "N", "P", "S")), min_size=1), min_size=1).map(" ".join)


@settings(deadline=None)
@given(LINES.map(lambda line: line[:150].rstrip()))
@example("Ազատ արձակել բոլոր հայ ռազմագերիներին և քաղաքացիական անձանց, որոնք պահվում են Ադրբեջանում")
@example("NK-4: Освобождение всех армянских военнопленных и гражданских лиц, удерживаемых Азербайджаном")
@example("NK-4: Libération de tous les détenus arméniens et respect intégral du droit international")
def test_a_subject_is_read_as_it_was_written_in_every_language(subject):
    lines = head(sent(subject=subject))

    assert decoded(email.message_from_bytes(b"\r\n".join(lines))["Subject"]) == subject
    assert written(subject=subject)["Subject"] == subject
    assert all(len(line) <= 76 for line in lines if b"=?" in line)


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

    mail = sent(subject="A long title with no end in sight " * 4, headers={"List-Unsubscribe": link}).decode()

    assert f"\r\nList-Unsubscribe: {link}\r\n" in mail
    assert "\r\nSubject: A long title with" in mail
