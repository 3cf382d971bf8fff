"""`demands people`"""

import uuid

import pytest
from sqlmodel import select

from app.accounts.models import Person
from tests.databases import on_sqlite

PASSWORD = "correct horse battery"


def create(demands, *words, email="ada@example.org", organization="ada-org", stdin=f"{PASSWORD}\n"):
    given = ("--email", email, "--name", "Ada", "--organization", organization, "--role", "editor")
    return demands("people", "create", *given, *words, stdin=stdin)


def people(database):
    with database.read() as session:
        return session.exec(select(Person)).all()


def test_a_person_is_added_and_the_password_is_kept_only_as_a_hash(demands, database):
    made = create(demands, "--password-stdin")

    (person,) = people(database)
    assert made.exit_code == 0
    assert uuid.UUID(made.stdout.strip()) == person.id
    assert person.password_hash.startswith("$argon2id$")


def test_one_who_is_known_can_join_another_organization_but_not_the_same_twice(demands, database):
    create(demands, "--password-stdin")
    joined = create(demands, "--password-stdin", organization="bob-org")
    again = create(demands, "--password-stdin", organization="bob-org")

    assert (joined.exit_code, again.exit_code) == (0, 1)
    assert again.stderr == "demands: ada@example.org has a role in bob-org already.\n"
    assert len(people(database)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("words", "given", "named"),
    [
        ((), {}, "--password-stdin"),  # there is no terminal to ask on
        (("--password-stdin",), {"stdin": "short\n"}, "password"),
        (("--password-stdin",), {"email": "nobody"}, "email"),
    ],
)
def test_wrong_usage_adds_nobody(demands, database, words, given, named):
    refused = create(demands, *words, **given)

    assert refused.exit_code == 2
    assert named in refused.stderr
    assert people(database) == []
