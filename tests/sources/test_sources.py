"""Sources: staff record them, one URL is one source."""

import datetime

import pytest

from app import clock
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.fields import Audience
from app.problems import Conflict
from app.sources import actions
from app.sources.schemas import SourceNew
from tests.racing import at_once

SOURCES = "/api/v1/sources"
URL = "https://p.dw.com/p/4Wk42"


@pytest.fixture
def staff(client_for):
    return client_for("campaigner")


def a_source(client, **values):
    response = client.post(SOURCES, json={"title": "Armenia urges UN to monitor", "kind": "news", **values})
    assert response.status_code == 201, response.text
    return response.json()


def events(client):
    return client.get("/api/v1/events").json()["items"]


def test_a_source_reads_as_it_was_created(staff, client):
    staff.post("/api/v1/bodies", json={"slug": "ocha", "name": "OCHA"})
    values = {
        "slug": "dw-2023-09-24",
        "title": "Armenia urges UN to monitor human rights",
        "publisher": "Deutsche Welle",
        "kind": "news",
        "language": "en",
        "published_on": "2023-09",
        "date_note": "The copy bears no day.",
        "accessed_on": "2024-02-29",
        "url": URL,
        "archive_url": "https://web.archive.org/web/2023/https://p.dw.com/p/4Wk42",
        "sha256": "0" * 64,
        "issued_by": ["ocha"],
        "note": "Reports a letter.",
        "audience": "public",
    }

    made = a_source(staff, **values)

    assert made == {**values, "version": 1, "created_at": made["created_at"], "updated_at": made["updated_at"]}
    read = client.get(f"{SOURCES}/dw-2023-09-24")
    assert read.json() == made
    assert read.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("values", "slug"),
    [
        ({"title": "Armenia urges UN", "published_on": "2023-09-24"}, "armenia-urges-un-2023"),
        ({"title": "Armenia urges UN"}, "armenia-urges-un"),
        (
            {"title": "Helsinki Citizens’ Assembly – Vanadzor", "published_on": "2022"},
            "helsinki-citizens-assembly-vanadzor-2022",
        ),
        (
            {"title": "Président Václav Bálek à Bak\N{LATIN SMALL LETTER DOTLESS I}: Ələt & Łódź"},
            "president-vaclav-balek-a-baki-elet-lodz",
        ),
        ({"title": "Հայաստանը դիմում է", "publisher": "Ազատություն (RFE/RL)", "published_on": "2023"}, "rfe-rl-2023"),
        ({"title": "Հայաստանը դիմում է", "published_on": "2023-01"}, "source-2023"),
        ({"title": "word " * 50}, "-".join(["word"] * 12)),
    ],
)
def test_a_slug_is_made_of_the_first_words_and_the_year(staff, values, slug):
    assert a_source(staff, note="Not for the slug", **values)["slug"] == slug


def test_made_slugs_are_numbered_where_they_would_be_the_same(staff):
    slugs = [a_source(staff, title="Report", published_on="2023")["slug"] for _ in range(3)]

    assert slugs == ["report-2023", "report-2023-2", "report-2023-3"]


def test_a_source_that_is_there_is_found_and_nothing_changes(staff, ada):
    made = a_source(staff, url=URL)
    before = events(ada)

    again = ada.post(SOURCES, json={"title": "Another title", "kind": "letter", "slug": "other", "url": URL})

    assert again.status_code == 200
    assert again.json() == made
    assert events(ada) == before
    assert [source["slug"] for source in ada.get(SOURCES).json()["items"]] == [made["slug"]]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://example.org/a", "HTTPS://EXAMPLE.org:443/a", True),
        ("https://example.org", "https://example.org/", True),
        ("https://hy.wikipedia.org/wiki/Հայ", "https://hy.wikipedia.org/wiki/%D5%80%D5%A1%D5%B5", True),
        ("https://example.org/a", "https://example.org/A", False),
        ("https://example.org/a", "https://example.org/a/", False),
        ("https://example.org/a?id=1", "https://example.org/a?id=2", False),
        ("https://example.org/a", "https://example.org/a#b", False),
        ("http://example.org/a", "https://example.org/a", False),
    ],
)
def test_spellings_of_one_url_are_one_and_nothing_that_it_says_is_lost(staff, first, second, same):
    a_source(staff, url=first)

    again = staff.post(SOURCES, json={"title": "Again", "kind": "news", "url": second})

    assert again.status_code == (200 if same else 201)


def test_of_those_who_record_the_same_url_at_once_one_creates_and_the_others_find(staff, client):
    def record():
        return staff.post(SOURCES, json={"title": "Report", "kind": "news", "url": URL})

    answers = at_once([record] * 6)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 200, 201]
    assert {answer.json()["slug"] for answer in answers} == {"report"}
    assert len(client.get(SOURCES).json()["items"]) == 1


def test_those_who_make_the_same_slug_at_once_get_their_own(staff):
    answers = at_once([lambda: staff.post(SOURCES, json={"title": "Report", "kind": "news"})] * 4)

    assert sorted(answer.json()["slug"] for answer in answers) == ["report", "report-2", "report-3", "report-4"]


def test_the_url_of_a_source_that_one_may_not_see_is_only_said_to_be_taken(staff, database):
    a_source(staff, slug="secret-report", url=URL, audience="staff")
    outsider = Actor(role=Role.CAMPAIGNER, audience=Audience.PUBLIC, name="an outsider")

    with pytest.raises(Conflict) as refusal, database.write() as session:
        actions.create_source(session, outsider, SourceNew(title="Again", kind="news", url=URL))

    assert refusal.value.document()["detail"] == "This URL is taken."


def test_a_slug_is_given_once(staff):
    a_source(staff, slug="report")

    response = staff.post(SOURCES, json={"title": "Again", "kind": "news", "slug": "report"})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")


def test_a_url_is_not_moved_to_a_second_source(staff):
    a_source(staff, slug="first", url=URL)
    a_source(staff, slug="second")

    response = staff.patch(f"{SOURCES}/second", json={"url": URL.upper().replace("P/4WK42", "p/4Wk42")})

    assert response.status_code == 409
    assert "first" in response.json()["detail"]
    assert staff.patch(f"{SOURCES}/first", json={"url": URL}).status_code == 200


@pytest.mark.parametrize("url", [None, URL])
def test_repeating_a_creation_with_its_key_answers_the_same(staff, url):
    new = {"title": "Report", "kind": "news", "url": url}
    found = [staff.post(SOURCES, json=new, headers={"Idempotency-Key": "one"}) for _ in range(2)]

    assert [answer.status_code for answer in found] == [201, 201]
    assert found[0].content == found[1].content
    assert len(staff.get(SOURCES).json()["items"]) == 1


def test_repeating_a_request_that_found_a_source_finds_it_as_it_was(staff):
    a_source(staff, slug="report", url=URL)
    new = {"title": "Again", "kind": "news", "url": URL}

    first = staff.post(SOURCES, json=new, headers={"Idempotency-Key": "one"})
    staff.patch(f"{SOURCES}/report", json={"title": "Changed"})
    second = staff.post(SOURCES, json=new, headers={"Idempotency-Key": "one"})

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert second.headers["Idempotency-Replayed"] == "true"


def test_creating_and_revising_is_for_staff(client, client_for, staff):
    new = {"title": "X", "kind": "news"}
    a_source(staff, slug="report")

    for someone, status in [(client, 401), (client_for("viewer"), 403), (client_for("partner"), 403)]:
        assert someone.post(SOURCES, json=new).status_code == status
        assert someone.patch(f"{SOURCES}/report", json=new).status_code == status

    assert [source["title"] for source in client.get(SOURCES).json()["items"]] == ["Armenia urges UN to monitor"]


def test_a_revision_changes_what_it_names_and_empties_what_is_null(staff):
    for slug in ("ocha", "unhcr", "un"):
        staff.post("/api/v1/bodies", json={"slug": slug, "name": slug})
    a_source(staff, slug="report", publisher="DW", issued_by=["ocha", "unhcr"], url=URL)

    kept = staff.patch(f"{SOURCES}/report", json={"title": "Renamed", "issued_by": ["un", "ocha"]}).json()
    emptied = staff.patch(f"{SOURCES}/report", json={"publisher": None, "issued_by": None, "url": None})

    assert (kept["title"], kept["publisher"], kept["issued_by"], kept["url"]) == ("Renamed", "DW", ["ocha", "un"], URL)
    assert (emptied.json()["publisher"], emptied.json()["issued_by"], emptied.json()["url"]) == (None, [], None)
    assert (emptied.json()["version"], emptied.headers["ETag"]) == (3, '"3"')


def test_a_revision_of_an_older_version_is_refused(staff):
    a_source(staff, slug="report")
    address = f"{SOURCES}/report"

    answers = at_once(
        [lambda: staff.patch(address, json={"title": "Mine"}, headers={"If-Match": '"1"'})] * 3,
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


@pytest.mark.parametrize("change", [{"slug": "other"}, {"title": None}, {"kind": None}, {"audience": None}, {"a": 1}])
def test_what_cannot_be_revised_is_refused_and_named(staff, change):
    a_source(staff, slug="report")

    response = staff.patch(f"{SOURCES}/report", json=change)

    assert response.status_code == 422
    assert f"body.{next(iter(change))}" in response.json()["detail"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("title", ""),
        ("title", "x" * 301),
        ("title", "nul\x00"),
        ("kind", "Press release"),
        ("language", "not a language"),
        ("published_on", "2023-02-30"),
        ("published_on", "2023-2"),
        ("accessed_on", "2023-02-30"),
        ("accessed_on", "2023-02"),
        ("accessed_on", 1690000000),
        ("url", "ftp://example.org"),
        ("url", "https://user:password@example.org"),
        ("url", "https://example.org/\x00"),
        ("url", "https://example.org/" + "é" * 500),
        ("sha256", "abc"),
        ("issued_by", ["nowhere"]),
        ("issued_by", ["ocha", "ocha"]),
        ("audience", "everyone"),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_refused_and_named(staff, member, value):
    response = staff.post(SOURCES, json={"title": "X", "kind": "news", member: value})

    assert response.status_code == 422
    assert f"body.{member}" in response.json()["detail"]
    assert staff.get(SOURCES).json()["items"] == []


def test_nobody_has_read_a_source_tomorrow(staff):
    today = clock.today()
    tomorrow = today + datetime.timedelta(days=1)

    refused = staff.post(SOURCES, json={"title": "X", "kind": "news", "accessed_on": tomorrow.isoformat()})

    assert (refused.status_code, "body.accessed_on" in refused.json()["detail"]) == (422, True)
    assert a_source(staff, accessed_on=today.isoformat())["accessed_on"] == today.isoformat()


def test_sources_are_listed_page_by_page(staff, client):
    for slug in ("b", "a", "c"):
        a_source(staff, slug=slug)

    first = client.get(SOURCES, params={"limit": 2})
    second = client.get(first.links["next"]["url"])

    assert [source["slug"] for source in first.json()["items"]] == ["a", "b"]
    assert [source["slug"] for source in second.json()["items"]] == ["c"]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ({"q": "WELLE"}, ["day"]),
        ({"q": "mission"}, ["month", "year"]),
        ({"q": "100%"}, ["year"]),
        ({"kind": "news"}, ["day", "month"]),
        ({"kind": ["news", "report"]}, ["day", "month", "year"]),
        ({"language": "ro"}, ["month"]),
        ({"publisher": "Deutsche Welle"}, ["day"]),
        ({"publisher": "Deutsche"}, []),
        ({"issued_by": "ocha"}, ["year"]),
        ({"published_from": "2023-09-25"}, ["month", "year"]),
        ({"published_from": "2023-10"}, ["year"]),
        ({"published_to": "2023"}, ["day", "month", "year"]),
        ({"published_to": "2023-08"}, ["year"]),
        ({"published_from": "2023-09-24", "published_to": "2023-09-24", "kind": "news"}, ["day", "month"]),
        ({"published_from": "2024"}, []),
        ({"published_to": "2022-12"}, []),
    ],
)
def test_filters_narrow_the_list(staff, client, words, slugs):
    staff.post("/api/v1/bodies", json={"slug": "ocha", "name": "OCHA"})
    a_source(staff, slug="day", publisher="Deutsche Welle", published_on="2023-09-24", language="en")
    a_source(staff, slug="month", title="EU mission", published_on="2023-09", language="ro")
    a_source(staff, slug="year", title="100% mission", kind="report", published_on="2023", issued_by=["ocha"])
    a_source(staff, slug="undated", kind="letter")

    found = client.get(SOURCES, params=words)

    assert [source["slug"] for source in found.json()["items"]] == slugs


@pytest.mark.parametrize("q", ["письмо", "ПИСЬМО", "Նամակ", "ՆԱՄԱԿ"])
def test_the_search_ignores_case_in_every_script(staff, client, q):
    a_source(staff, slug="found", title="Письмо Координатору / Նամակ")
    a_source(staff, slug="other", title="Another")

    found = client.get("/api/v1/sources", params={"q": q}).json()["items"]

    assert [source["slug"] for source in found] == ["found"]


@pytest.mark.parametrize(
    ("word", "value"),
    [("issued_by", "nowhere"), ("published_from", "soon"), ("kind", "Not a word"), ("colour", "red"), ("limit", "201")],
)
def test_an_unknown_filter_or_value_is_named(client, word, value):
    response = client.get(SOURCES, params={word: value})

    assert response.status_code == 422
    assert f"query.{word}" in response.json()["detail"]
