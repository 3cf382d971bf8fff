"""`demands keys`: a key is printed once, bare, and works until it is revoked."""

import re

import pytest

from app.cli.keys import COLUMNS
from tests.databases import on_sqlite

BARE_KEY = re.compile(r"dt_[0-9a-f]{10}_[0-9a-f]{40}\n")


def create(demands, role="editor", organization="ada-org", *words):
    return demands("keys", "create", "--role", role, "--organization", organization, *words)


def listed(demands):
    head, *rows = demands("keys", "list").stdout.splitlines()
    assert head.split("\t") == list(COLUMNS)
    return [dict(zip(COLUMNS, row.split("\t"), strict=True)) for row in rows]


def me(client, key):
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {key.strip()}"})


def test_standard_output_is_the_key_and_nothing_else(demands, client):
    made = create(demands)

    assert made.exit_code == 0
    assert BARE_KEY.fullmatch(made.stdout)
    assert "shown only now" in made.stderr
    assert me(client, made.stdout).json() == {"role": "editor", "organization": "ada-org", "audience": "staff"}


def test_a_key_can_be_a_person_s(demands, ada, client_for):
    given = ("--email", "ada@example.org", "--name", "Ada", "--organization", "ada-org", "--role", "editor")
    demands("people", "create", *given, "--password-stdin", stdin="correct horse battery\n")

    made = create(demands, "editor", "ada-org", "--person", "Ada@example.org")
    unknown = create(demands, "editor", "ada-org", "--person", "eve@example.org")
    too_much = create(demands, "admin", "ada-org", "--person", "ada@example.org")

    assert made.exit_code == 0
    assert client_for("admin").get("/api/v1/keys").json()["items"][1]["person"] == "ada@example.org"
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "eve@example.org is not in ada-org; add them first" in unknown.stderr
    assert (too_much.exit_code, too_much.stdout) == (1, "")


def test_a_new_organization_shows_itself_if_it_assesses_in_public(demands, ada):
    create(demands, "campaigner", "assessors")
    create(demands, "partner", "quiet-partners")

    audiences = {
        slug: ada.get(f"/api/v1/organizations/{slug}").json()["audience"] for slug in ("assessors", "quiet-partners")
    }
    assert audiences == {"assessors": "public", "quiet-partners": "staff"}


def test_an_organization_that_is_there_stays_as_it_is(demands, ada):
    before = ada.get("/api/v1/organizations/ada-org").json()

    create(demands, "partner", "ada-org")

    assert ada.get("/api/v1/organizations/ada-org").json() == before


def test_the_list_shows_every_key_newest_first_without_its_secret(demands):
    first = create(demands, "viewer", "ada-org", "--label", "for the wall", "--expires-in-days", "2").stdout
    second = create(demands).stdout

    newest, oldest = listed(demands)

    assert (newest["prefix"], oldest["prefix"]) == (second.split("_")[1], first.split("_")[1])
    assert (oldest["role"], oldest["organization"], oldest["label"]) == ("viewer", "ada-org", "for the wall")
    assert oldest["expires_at"] != "-"
    assert newest["expires_at"] == newest["revoked_at"] == "-"
    assert first.split("_")[2].strip() not in demands("keys", "list").stdout


@on_sqlite
@pytest.mark.parametrize("named", ["by its prefix", "by its id", "by all of it"])
def test_a_revoked_key_opens_nothing(demands, client, ada, named):
    key = create(demands, "admin").stdout.strip()
    keys = client.get("/api/v1/keys", headers={"Authorization": f"Bearer {key}"}).json()["items"]
    prefix = key.split("_")[1]
    key_id = next(item["id"] for item in keys if item["prefix"] == prefix)

    revoked = demands("keys", "revoke", {"by its prefix": prefix, "by its id": key_id}.get(named, key))

    assert revoked.exit_code == 0
    assert me(client, key).status_code == 401
    assert next(row for row in listed(demands) if row["prefix"] == prefix)["revoked_at"] != "-"


@on_sqlite
def test_what_cannot_be_is_refused_and_makes_nothing(demands, database):
    unknown_role = create(demands, "emperor")
    bad_slug = create(demands, "viewer", "Ada Org")
    no_time = create(demands, "viewer", "ada-org", "--expires-in-days", "0")
    no_key = demands("keys", "revoke", "0123456789")

    assert [r.exit_code for r in (unknown_role, bad_slug, no_time, no_key)] == [2, 2, 2, 1]
    assert "'viewer', 'partner', 'campaigner', 'editor', 'admin'" in unknown_role.stderr
    assert "organization" in bad_slug.stderr
    assert no_key.stderr == "demands: There is no key 0123456789; `demands keys list` shows them.\n"
    assert listed(demands) == []
