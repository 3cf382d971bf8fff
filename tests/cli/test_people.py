"""`demands people`"""

import uuid

import pytest
from sqlmodel import select

from app.accounts.actions import create_key
from app.accounts.actor import system
from app.accounts.models import Person
from app.accounts.roles import Role
from app.accounts.schemas import KeyNew
from app.cli.people import COLUMNS
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


def test_a_person_needs_no_password(demands, database):
    made = create(demands, stdin=None)

    (person,) = people(database)
    assert (made.exit_code, made.stderr) == (0, "ada@example.org is now editor of ada-org.\n")
    assert made.stdout.strip() == str(person.id)
    assert person.password_hash is None


def test_one_who_is_known_can_join_another_organization_but_not_the_same_twice(demands, database):
    create(demands, "--password-stdin")
    joined = create(demands, "--password-stdin", organization="bob-org")
    again = create(demands, "--password-stdin", organization="bob-org")

    assert (joined.exit_code, again.exit_code) == (0, 1)
    assert again.stderr == "demands: ada@example.org has a role in bob-org already.\n"
    assert len(people(database)) == 1


def test_a_new_organization_shows_itself_if_it_assesses_in_public(demands, ada):
    create(demands, "--password-stdin", organization="assessors")
    create(demands, "--password-stdin", "--role", "partner", organization="quiet-partners")

    audiences = {
        slug: ada.get(f"/api/v1/organizations/{slug}").json()["audience"] for slug in ("assessors", "quiet-partners")
    }
    assert audiences == {"assessors": "public", "quiet-partners": "staff"}


@on_sqlite
@pytest.mark.parametrize(
    ("words", "given", "named"),
    [
        (("--password-stdin",), {"stdin": "short\n"}, "--password-stdin: "),
        (("--password-stdin",), {"email": "nobody"}, "--email: "),
    ],
)
def test_wrong_usage_adds_nobody(demands, database, words, given, named):
    refused = create(demands, *words, **given)

    assert refused.exit_code == 2
    assert named in refused.stderr
    assert people(database) == []


@on_sqlite
def test_wrong_usage_is_told_in_words(demands):
    refused = create(demands, organization="Ada & Bob")

    assert refused.exit_code == 2
    told = " ".join(refused.stderr.split())
    assert "organization: a slug has small letters and digits" in told


def test_the_list_shows_everyone_newest_first_with_their_roles(demands):
    create(demands, "--password-stdin")
    create(demands, "--password-stdin", organization="bob-org")
    create(demands, "--password-stdin", email="bob@example.org")

    head, *rows = [line.split("\t") for line in demands("people", "list").stdout.splitlines()]

    assert head == list(COLUMNS)
    assert [row[:3] for row in rows] == [
        ["bob@example.org", "Ada", "ada-org:editor"],
        ["ada@example.org", "Ada", "ada-org:editor, bob-org:editor"],
    ]


def test_access_is_ended_and_given_back_by_e_mail_or_id(demands, client, database):
    created = create(demands, "--password-stdin").stdout.strip()
    new = KeyNew(role=Role.EDITOR, organization="ada-org", person="ada@example.org")
    with database.write() as session:
        key = create_key(session, system("tests"), new).key

    def opens():
        return client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code

    ended = demands("people", "disable", "ADA@example.org")
    while_ended = opens()
    given_back = demands("people", "enable", created)

    assert (ended.exit_code, ended.stderr) == (0, "The access of ada@example.org has ended.\n")
    assert (while_ended, opens()) == (401, 200)
    assert (given_back.exit_code, given_back.stderr) == (0, "ada@example.org has access.\n")


@on_sqlite
def test_somebody_who_is_not_there_is_said(demands):
    refused = demands("people", "disable", "nobody@example.org")

    assert refused.exit_code == 1
    assert refused.stderr == "demands: There is no person nobody@example.org; `demands people list` shows them.\n"
