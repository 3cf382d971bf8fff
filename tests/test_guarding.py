"""What holds for every request, whatever it asks."""

import re
from collections import defaultdict

from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from app import problems
from tests.databases import on_sqlite
from tests.factories import API, a_source

FOR_ANY_PAGE = {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified"}
FOR_THE_BROWSER = {"access-control-allow-origin", "access-control-expose-headers", "vary", "x-content-type-options"}


@on_sqlite
def test_head_is_answered_as_get_is_but_for_the_body(client: TestClient) -> None:
    whole = client.get("/api/v1/ledger")

    head = client.head("/api/v1/ledger")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


@on_sqlite
def test_what_a_write_answers_is_kept_nowhere(client: TestClient, client_for) -> None:
    admin = client_for("admin")

    made = admin.post("/api/v1/keys", json={"role": "viewer", "organization": "ada-org"})

    assert made.headers["cache-control"] == "no-store"
    assert client.get("/api/v1/demands").headers["cache-control"] == "no-cache"
    assert "Authorization" in client.get("/api/v1/demands").headers["vary"]


@on_sqlite
def test_a_wrong_method_is_refused_in_words_that_name_the_right_ones(client: TestClient) -> None:
    refused = client.post("/api/v1/ledger")

    assert refused.json()["detail"] == "POST /api/v1/ledger: this address takes GET, HEAD"


@on_sqlite
def test_a_page_of_another_site_may_read(client: TestClient) -> None:
    answer = client.get("/api/v1/demands", headers={"Origin": "https://news.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]


@on_sqlite
def test_a_page_of_another_site_may_read_every_header_that_tells_it_something(client: TestClient, ada) -> None:
    source = {"slug": "report", "title": "A report", "kind": "news", "url": "https://news.example/1"}
    key = {"Idempotency-Key": '"4a1f"'}
    a_source(ada)
    a_source(ada)
    answers = [
        client.get(f"{API}/sources", params={"limit": 1}),
        client.get(f"{API}/sources/nothing"),
        client.get(f"{API}/demands.csv"),
        client.get(f"{API}/statistics/summary.csv"),
        client.delete(f"{API}/demands"),
        client.post(f"{API}/sources", json=source),
        ada.post(f"{API}/sources", json=source, headers=key),
        ada.post(f"{API}/sources", json=source, headers=key),
        client.get(f"{API}/sources/report", headers={"Origin": "https://news.example"}),
    ]

    exposed = {name.lower() for name in answers[-1].headers["access-control-expose-headers"].split(", ")}

    told = {name for answer in answers for name in answer.headers}
    told |= {name.lower() for kind in problems.kinds() for name in kind.headers}
    assert told - FOR_ANY_PAGE - FOR_THE_BROWSER == exposed


@on_sqlite
def test_a_wrong_method_is_told_all_that_the_address_answers_to(client: TestClient, app) -> None:
    methods: dict[str, set[str]] = defaultdict(set)
    for route in iter_route_contexts(app.routes):
        methods[re.sub(r"{\w+}", "1", str(route.path))] |= route.methods or {"GET"}
    methods["/static/follow"] = {"GET"}  # is a file's, whatever the file is called

    for path, taken in methods.items():
        refused = client.request("TRACE", path)

        expected = taken | {"HEAD"} if "GET" in taken else taken
        assert refused.status_code == 405, path
        assert set(refused.headers["allow"].split(", ")) == expected, path


@on_sqlite
def test_a_page_of_another_site_may_come_back_to_the_stream_where_it_was_cut_off(client: TestClient) -> None:
    wish = {
        "Origin": "https://news.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, cache-control, last-event-id",
    }

    answer = client.options("/api/v1/events/stream", headers=wish)

    assert answer.status_code == 200, answer.text
