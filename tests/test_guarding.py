"""What holds for every request, whatever it asks."""

from fastapi.testclient import TestClient

from tests.databases import on_sqlite


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
def test_a_page_of_another_site_may_read(client: TestClient) -> None:
    answer = client.get("/api/v1/demands", headers={"Origin": "https://news.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]


@on_sqlite
def test_a_page_of_another_site_may_come_back_to_the_stream_where_it_was_cut_off(client: TestClient) -> None:
    wish = {
        "Origin": "https://news.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, cache-control, last-event-id",
    }

    answer = client.options("/api/v1/events/stream", headers=wish)

    assert answer.status_code == 200, answer.text
