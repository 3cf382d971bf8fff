"""A demand's title is somebody's words: in a mail's subject they stay words."""

from tests.factories import a_demand
from tests.follows.followers import READER, follow, post
from tests.webhooks.deliveries import note


def test_a_title_cannot_add_headers_or_a_body_to_a_mail(app, client, ada, mail_server, time):
    title = "A mission =?utf-8?q?=0D=0ABcc:_eve@example.org=0D=0AReply-To:_eve@example.org=0D=0A=0D=0AClick_here?="
    demand = a_demand(ada, title=title)
    follow(app, client, mail_server)
    mail_server.raw.clear()
    note(ada, demand["ref"], "They sent a team.")
    time.forward(minutes=2)

    [mail] = post(app, mail_server)

    [raw] = mail_server.raw
    head, _, body = raw.partition(b"\r\n\r\n")
    assert [line for line in head.splitlines() if line.startswith((b"Bcc", b"Reply-To"))] == []
    assert body.startswith(b"--"), "its parts follow at once"
    assert mail["To"] == READER
    assert mail["Subject"] == f"{demand['ref']}: {title}"
