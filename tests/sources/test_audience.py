"""Who may see a source: in the list, by its address, in the feed, and when another names it."""

import pytest

from app.accounts.actor import ANONYMOUS, system
from app.bodies.queries import bodies_named
from app.problems import Invalid
from app.sources.queries import issuing_bodies, sources_named
from tests.sources.test_sources import SOURCES, URL, a_source, events


@pytest.fixture
def staff(client_for):
    return client_for("campaigner")


def slugs(client, **words):
    return [source["slug"] for source in client.get(SOURCES, params=words).json()["items"]]


def told_of(client, slug):
    return [event["type"] for event in events(client) if f"'slug': '{slug}'" in str(event["data"])]


def test_each_circle_sees_its_sources_and_those_of_wider_circles(staff, eve, client):
    for audience in ("public", "partners", "staff"):
        a_source(staff, slug=audience, audience=audience)

    assert slugs(client) == ["public"]
    assert slugs(eve) == ["partners", "public"]
    assert slugs(staff) == ["partners", "public", "staff"]


def test_a_source_for_staff_is_nowhere_for_others(staff, eve, client):
    a_source(staff, slug="secret-report", title="Secret report", audience="staff", url=URL)

    for outsider in (eve, client):
        assert outsider.get(f"{SOURCES}/secret-report").status_code == 404
        assert slugs(outsider, q="secret") == []
        assert slugs(outsider, kind="news") == []
        assert told_of(outsider, "secret-report") == []
    assert told_of(staff, "secret-report") == ["source.created"]


def test_a_source_taken_from_view_goes_with_its_old_entries_and_leaves_a_notice(staff, ada, eve, client):
    a_source(staff, slug="report", title="Public at first")
    staff.patch(f"{SOURCES}/report", json={"note": "Still public"})
    assert told_of(client, "report") == ["source.created", "source.revised"]

    ada.patch(f"{SOURCES}/report", json={"audience": "staff", "note": "A secret"})

    for outsider in (eve, client):
        assert outsider.get(f"{SOURCES}/report").status_code == 404
        assert slugs(outsider) == []
        assert told_of(outsider, "report") == ["source.withdrawn"]
        assert "A secret" not in str(events(outsider))
        assert "Public at first" not in str(events(outsider))
    assert events(client)[-1]["data"] == {"source": {"slug": "report"}}
    assert told_of(staff, "report") == ["source.created", "source.revised", "source.revised", "source.withdrawn"]


def test_a_source_kept_for_partners_is_gone_for_the_public_only(staff, ada, eve, client):
    a_source(staff, slug="report")

    ada.patch(f"{SOURCES}/report", json={"audience": "partners"})

    assert (slugs(client), told_of(client, "report")) == ([], ["source.withdrawn"])
    assert (slugs(eve), told_of(eve, "report")) == (["report"], ["source.created", "source.revised"])


def test_widening_is_for_editors(staff, ada, client):
    a_source(staff, slug="report", audience="staff")

    refused = staff.patch(f"{SOURCES}/report", json={"audience": "public", "note": "x"})
    assert (refused.status_code, refused.json()["needs"]) == (403, "editor")
    assert staff.get(f"{SOURCES}/report").json()["note"] is None

    assert ada.patch(f"{SOURCES}/report", json={"audience": "public"}).status_code == 200
    assert slugs(client) == ["report"]
    assert told_of(client, "report") == ["source.revised"]


def test_narrowing_is_for_editors_too(staff, client):
    a_source(staff, slug="report")

    refused = [staff.patch(f"{SOURCES}/report", json={"audience": circle}) for circle in ("partners", "staff")]
    kept = staff.patch(f"{SOURCES}/report", json={"audience": "public", "note": "x"})

    assert [(answer.status_code, answer.json()["needs"]) for answer in refused] == [(403, "editor")] * 2
    assert kept.status_code == 200
    assert slugs(client) == ["report"]


def test_a_url_that_more_people_see_already_is_not_taken_for_a_private_one(staff):
    a_source(staff, slug="report", url=URL, audience="partners")
    before = events(staff)

    def record(**values):
        return staff.post(SOURCES, json={"title": "Again", "kind": "news", "url": URL, **values})

    refused = record(audience="staff")
    found = [record(), record(audience="partners"), record(audience="public")]

    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (409, "/problems/seen-by-more")
    assert (problem["source"], problem["audience"]) == ("report", "partners")
    assert "the source report, which more people may see" in problem["detail"]
    assert [(answer.status_code, answer.json()["slug"]) for answer in found] == [(200, "report")] * 3
    assert events(staff) == before


def test_a_source_that_one_may_not_see_cannot_be_named(staff, database):
    a_source(staff, slug="open")
    a_source(staff, slug="secret", audience="staff")

    with database.read() as session:
        named = sources_named(session, system("tests"), ["secret", "open"], "x")
        assert [source.slug for source in named] == ["secret", "open"]
        for slug in ("secret", "nowhere"):
            with pytest.raises(Invalid, match=rf"body\.citations\.1\.source: there is no source {slug}"):
                sources_named(session, ANONYMOUS, ["open", slug], lambda n: f"body.citations.{n}.source")


def test_the_bodies_that_issued_sources_are_known(staff, database):
    for slug in ("ocha", "un"):
        staff.post("/api/v1/bodies", json={"slug": slug, "name": slug})
    a_source(staff, slug="theirs", issued_by=["un", "ocha"])
    a_source(staff, slug="nobodys")

    with database.read() as session:
        theirs, nobodys = sources_named(session, ANONYMOUS, ["theirs", "nobodys"], "x")
        bodies = {body.id for body in bodies_named(session, ["un", "ocha"], "x")}

        assert issuing_bodies(session, [theirs.id, nobodys.id]) == {theirs.id: bodies}
