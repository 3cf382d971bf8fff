"""The tree of bodies and their succession: no circles, and what is counted and told along them."""

from functools import partial

import pytest

from app.bodies.queries import ancestry, bodies_named, with_descendants
from app.ledger.models import Event
from app.problems import Invalid
from tests.bodies.test_bodies import BODIES, NO_DEMANDS, a_body
from tests.racing import at_once


@pytest.fixture
def staff(client_for):
    return client_for("campaigner")


@pytest.fixture
def tree(staff):
    """un ⊃ un-sg ⊃ ocha, and eu beside them."""
    a_body(staff, "un")
    a_body(staff, "un-sg", parent="un")
    a_body(staff, "ocha", parent="un-sg")
    a_body(staff, "eu")


@pytest.mark.parametrize(
    ("body", "parent", "path"),
    [
        ("un", "un", ["un", "un"]),
        ("un", "un-sg", ["un", "un-sg", "un"]),
        ("un", "ocha", ["un", "ocha", "un-sg", "un"]),
        ("un-sg", "ocha", ["un-sg", "ocha", "un-sg"]),
    ],
)
def test_a_body_cannot_stand_above_itself(staff, tree, body, parent, path):
    before = staff.get(f"{BODIES}/{body}").json()

    response = staff.patch(f"{BODIES}/{body}", json={"parent": parent})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/cycle")
    assert response.json()["path"] == path
    assert " → ".join(path) in response.json()["detail"]
    assert staff.get(f"{BODIES}/{body}").json() == before


def test_a_body_cannot_come_after_itself(staff, tree):
    staff.patch(f"{BODIES}/eu", json={"successor": "un"})
    staff.patch(f"{BODIES}/un", json={"successor": "ocha"})

    response = staff.patch(f"{BODIES}/ocha", json={"successor": "eu"})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/cycle")
    assert response.json()["path"] == ["ocha", "eu", "un", "ocha"]
    assert staff.get(f"{BODIES}/eu").json()["successor"] == "un"


def test_a_body_can_be_succeeded_by_its_own_parent(staff, tree):
    assert staff.patch(f"{BODIES}/ocha", json={"successor": "un-sg"}).status_code == 200


def test_two_moves_at_once_cannot_close_a_circle_together(staff):
    for turn in range(5):
        a, b = f"a{turn}", f"b{turn}"
        a_body(staff, a)
        a_body(staff, b)

        answers = at_once(
            [
                partial(staff.patch, f"{BODIES}/{a}", json={"parent": b}),
                partial(staff.patch, f"{BODIES}/{b}", json={"parent": a}),
            ]
        )

        assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_a_branch_moves_with_everything_below_it(staff, client, tree):
    staff.patch(f"{BODIES}/un-sg", json={"parent": "eu"})

    assert client.get(f"{BODIES}/ocha").json()["ancestors"] == ["un-sg", "eu"]


def test_those_who_follow_a_body_hear_of_those_below_it(staff, tree, database):
    staff.patch(f"{BODIES}/un-sg", json={"parent": "eu"})

    events = staff.get("/api/v1/events").json()["items"]

    moved = events[-1]
    assert (moved["type"], moved["audience"], moved["data"]["body"]["parent"]) == ("body.revised", "public", "eu")
    assert "demands" not in moved["data"]["body"]
    assert keys_of(database, moved["seq"]) == {"type:body.revised", "body:un-sg", "body:un", "body:eu"}


def test_a_demand_is_counted_once_for_its_targets_and_those_above_them(ada, client, tree):
    a_demand(ada, targets=["ocha", "un-sg"])
    a_demand(ada, targets=["un"])
    a_demand(ada, targets=["ocha"], published=False)

    listed = {body["slug"]: body["demands"] for body in client.get(BODIES).json()["items"]}
    for_staff = {body["slug"]: body["demands"] for body in ada.get(BODIES).json()["items"]}

    assert {slug: demands["open"] for slug, demands in listed.items()} == {"eu": 0, "ocha": 1, "un": 2, "un-sg": 1}
    assert {slug: demands["open"] for slug, demands in for_staff.items()} == {"eu": 0, "ocha": 2, "un": 3, "un-sg": 2}
    assert client.get(f"{BODIES}/un").json()["demands"] == {**NO_DEMANDS, "open": 2}


def test_the_bodies_below_are_found_each_once(tree, database):
    with database.read() as session:
        slugs = ["un", "un-sg"]
        found = with_descendants(session, slugs, "query.body")

        assert sorted(found) == sorted(body.id for body in bodies_named(session, ["un", "un-sg", "ocha"], "x"))
        with pytest.raises(Invalid, match=r"query\.body: there is no body nowhere"):
            with_descendants(session, ["un", "nowhere"], "query.body")


def test_ancestry_goes_from_the_body_up(tree, database):
    with database.read() as session:
        ocha, eu = bodies_named(session, ["ocha", "eu"], "x")

        assert ancestry(session, [ocha.id, eu.id]) == {ocha.id: ["ocha", "un-sg", "un"], eu.id: ["eu"]}
        assert ancestry(session, []) == {}


def test_bodies_are_named_in_order_and_the_unknown_one_by_its_place(tree, database):
    with database.read() as session:
        named = bodies_named(session, ["eu", "un", "eu"], "x")

        assert [body.slug for body in named] == ["eu", "un", "eu"]
        with pytest.raises(Invalid, match=r"body\.targets\.1\.body: there is no body nowhere"):
            bodies_named(session, ["un", "nowhere"], lambda n: f"body.targets.{n}.body")


def keys_of(database, seq):
    with database.read() as session:
        return set(session.get_one(Event, seq).keys)


def a_demand(client, targets, published=True):
    campaign = {"slug": "nk", "prefix": "NK", "name": "NK", "languages": ["en"]}
    assert client.post("/api/v1/campaigns", json=campaign).status_code in (201, 409)
    assert client.post("/api/v1/kinds", json={"slug": "x", "label": {"en": "X"}}).status_code in (201, 409)
    made = client.post(
        "/api/v1/demands",
        json={
            "campaign": "nk",
            "kind": "x",
            "title": "A demand",
            "asks": "Something is asked.",
            "targets": [{"body": slug, "role": "decides"} for slug in targets],
            "first_made_on": "2023",
        },
    )
    assert made.status_code == 201, made.text
    if published:
        shown = client.put(f"/api/v1/demands/{made.json()['ref']}/publication", json={"state": "published"})
        assert shown.status_code == 200, shown.text
