"""What people see in a browser."""

import re
from html import unescape
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

from app import problems
from tests.databases import on_sqlite
from tests.factories import a_campaign, a_demand, a_draft, change


def test_the_start_page_says_how_the_demands_of_a_campaign_stand(ada: TestClient, client: TestClient) -> None:
    campaign = a_campaign(ada, name="Free <passage>")["slug"]
    ref = a_demand(ada, "in_progress", campaign=campaign)["ref"]
    a_draft(ada, campaign=campaign)

    page = client.get("/").text

    assert "Free &lt;passage&gt;" in page
    assert re.findall(r"<strong>(\d+)</strong> (\w+)", page) == [
        ("0", "open"),
        ("1", "moving"),
        ("0", "blocked"),
        ("0", "met"),
        ("0", "closed"),
    ]
    assert f">{ref}</a>" in page
    assert "Became in progress on 2024-02-01" in page


def test_the_start_page_shows_nothing_that_is_not_public(ada: TestClient, client: TestClient) -> None:
    draft = a_draft(ada, title="Marker of a draft")["ref"]
    change(ada, draft, "in_progress", reason="Marker of its change")

    page = client.get("/").text

    assert "Marker" not in page
    assert draft not in page


@on_sqlite
def test_an_empty_tracker_says_what_to_do(client: TestClient) -> None:
    page = client.get("/").text

    assert "demands seed" in page
    assert "Nothing has been published yet." in page


@on_sqlite
def test_pages_take_nothing_from_elsewhere_and_run_no_inline_script(client: TestClient) -> None:
    for address in ("/", "/api/docs", "/follow", "/problems", "/problems/forbidden-move"):
        answer = client.get(address)

        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
        assert not re.search(r"<script>|<style>|\son\w+=", answer.text)
        for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert client.get(asset).status_code == 200, asset


@on_sqlite
def test_programs_find_the_feeds_and_the_calendar_of_a_page(client: TestClient, ada: TestClient) -> None:
    for address in ("/", "/follow", f"/follow?campaign={a_campaign(ada)['slug']}&group=open&group=met&disputed=true"):
        page = client.get(address).text

        links = re.findall(r'<link rel="alternate" type="([^"]+)" title="[^"]+" href="([^"]+)">', page)

        assert [media for media, _ in links] == ["application/atom+xml", "application/feed+json", "text/calendar"]
        for media, feed in links:
            answer = client.get(unescape(feed))
            assert answer.headers["content-type"].startswith(media)
            assert address.partition("?")[2] == urlsplit(unescape(feed)).query


@on_sqlite
def test_each_campaign_can_be_followed_from_the_start_page(
    client: TestClient, ada: TestClient, settings, monkeypatch
) -> None:
    campaign = a_campaign(ada)["slug"]

    page = client.get("/").text
    monkeypatch.setattr(settings, "smtp_url", None)
    without_mail = client.get("/").text

    ways = [f"/api/v1/feed.atom?campaign={campaign}", f"webcal://127.0.0.1:8000/api/v1/demands.ics?campaign={campaign}"]
    for way in ways:
        assert f'href="{way}"' in page
        assert f'href="{way}"' in without_mail
        assert client.get(way.removeprefix("webcal://127.0.0.1:8000")).status_code == 200
    assert client.get(f"/follow?campaign={campaign}").status_code == 200
    assert f'href="/follow?campaign={campaign}"' in page
    assert f'href="/follow?campaign={campaign}"' not in without_mail


@on_sqlite
def test_a_problem_leads_to_the_page_that_explains_it(client: TestClient) -> None:
    wrong = client.get("/api/v1/demands/NK-99").json()

    explained = client.get(wrong["type"])

    assert wrong["title"] in explained.text
    assert client.get("/problems/no-such-thing").status_code == 404


@on_sqlite
def test_every_kind_of_problem_is_listed_and_has_a_page_that_says_what_to_do(client: TestClient) -> None:
    listed = re.findall(r'href="/problems/([^"]+)"', client.get("/problems").text)
    pages = {kind: unescape(client.get(f"/problems/{kind.type}").text) for kind in problems.kinds()}

    assert listed == [kind.type for kind in problems.kinds()]
    assert [kind.type for kind in pages if "remedy" not in vars(kind)] == []
    for kind, page in pages.items():
        assert f"<p>{kind.remedy}</p>" in re.sub("</?code>", "`", page)
