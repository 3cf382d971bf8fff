"""`demands follows`: for who asks the operator to be forgotten."""

import pytest

from tests.follows.followers import READER, ask, follow
from tests.mail.posts import mails


def test_an_address_is_erased_with_all_that_it_follows(app, database, client, mail_server, demands):
    follow(app, client, mail_server)
    ask(client, pace="weekly")  # not confirmed yet
    ask(client, email="another@example.org")

    ended = demands("follows", "erase", "Reader@Example.org")
    again = demands("follows", "erase", READER)

    assert (ended.exit_code, again.exit_code) == (0, 0)
    assert ended.stderr == "2 follows were ended.\n"
    assert again.stderr == "Nothing is followed by this address.\n"
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM follow").scalar_one() == 1
    assert len(mails(database)) == 1, "what waits for the other"


@pytest.mark.parametrize("typed", ["reader@bücher.example.org", "reader@xn--bcher-kva.example.org"])
def test_an_address_is_erased_however_its_domain_is_typed(app, client, demands, typed):
    ask(client, email="reader@bücher.example.org")

    assert demands("follows", "erase", typed).stderr == "1 follows were ended.\n"


def test_what_is_no_address_is_not_taken_for_one_that_follows_nothing(demands):
    refused = demands("follows", "erase", "reader.example.org")

    assert refused.exit_code == 2
    assert "must have an @-sign" in refused.stderr
