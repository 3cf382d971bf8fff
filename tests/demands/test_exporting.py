"""The whole list as a table for spreadsheets and as lines for programs."""

import csv
import io
import json

import pytest
from anyio import to_thread

from app.demands import exporting
from tests.clients import Client
from tests.factories import API, a_body, a_demand, a_draft, an_organization, made, publish

MARK = "\ufeff"


def rows(answer):
    assert answer.status_code == 200, answer.text
    text = answer.content.decode("utf-8")
    assert text.startswith(MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(MARK), newline="")))


def lines(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def short_pages(monkeypatch):
    """An export reads its pages of two, so that five demands are three pages."""
    monkeypatch.setattr(exporting, "MAX_LIMIT", 2)


def test_an_export_is_complete_beyond_one_page(ada, common, short_pages):
    made_refs = [a_draft(ada, **common)["ref"] for _ in range(5)]

    assert [row["ref"] for row in rows(ada.get(f"{API}/demands.csv?sort=ref"))] == made_refs
    assert [line["ref"] for line in lines(ada.get(f"{API}/demands.ndjson?sort=ref"))] == made_refs
    assert [line["ref"] for line in lines(ada.get(f"{API}/demands.ndjson"))] == made_refs[::-1]


def test_what_is_edited_while_an_export_runs_keeps_its_place(ada, common, short_pages, exported_while):
    made_refs = [a_draft(ada, **common)["ref"] for _ in range(5)]

    def edit():
        for ref in (made_refs[0], made_refs[4]):  # the last to come, and one that has come
            made(ada, f"demands/{ref}/updates", {"text": "It moved.", "on": "2024"})

    demands = exported_while(ada, edit)

    assert [demand["ref"] for demand in demands] == made_refs[::-1]
    assert [demand["version"] for demand in demands] == [1, 1, 1, 1, 2]


def test_what_is_taken_from_view_while_an_export_runs_is_left_out(ada, client, common, short_pages, exported_while):
    made_refs = [a_demand(ada, **common)["ref"] for _ in range(5)]

    demands = exported_while(client, lambda: publish(ada, made_refs[1], state="unpublished", reason="A mistake."))

    assert [demand["ref"] for demand in demands] == [made_refs[n] for n in (4, 3, 2, 0)]


@pytest.fixture
def exported_while(app, portal):
    """`exported_while(client, act)`: the lines that the client gets while `act` runs after the first of them."""

    def exported_while(client, act):
        async def interrupted(scope, receive, send):
            acts = [act]

            async def send_on(message):
                await send(message)
                if message.get("body") and acts:
                    await to_thread.run_sync(acts.pop())

            await app(scope, receive, send_on)

        reader = Client(interrupted, portal, headers=client.headers)
        return lines(reader.get(f"{API}/demands.ndjson"))

    return exported_while


def test_lines_include_what_they_are_asked_for_and_a_table_nothing(ada, common, evidence):
    ref = a_draft(ada, **common)["ref"]
    made(ada, f"demands/{ref}/citations", evidence[0])
    as_lines, as_table = {"Accept": "application/x-ndjson"}, {"Accept": "text/csv"}

    def asked(path, include, headers=None):
        return ada.get(f"{API}/{path}", params={"include": include}, headers=headers)

    (listed,) = asked("demands", "citations,history").json()["items"]
    for answer in (asked("demands.ndjson", "citations,history"), asked("demands", "citations,history", as_lines)):
        assert lines(answer) == [listed]
    assert len(listed["citations"]) == 1
    for path, include, headers, told in (
        ("demands.ndjson", "total", None, "total cannot be included; there are citations, history"),
        ("demands.ndjson", "nonsense", None, "nonsense cannot be included"),
        ("demands.csv", "nonsense", None, "a table has no cells for nonsense"),
        ("demands.csv", "citations", None, "a table has no cells for citations; take `.ndjson` or JSON"),
        ("demands", "history", as_table, "a table has no cells for history"),
    ):
        refused = asked(path, include, headers)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "query.include"), path
        assert told in refused.json()["detail"]


def test_a_limit_bounds_an_export(ada, common, short_pages):
    made_refs = [a_draft(ada, **common)["ref"] for _ in range(5)]

    for limit in (1, 2, 3, 4, 5, 200):
        query = {"sort": "ref", "limit": limit}
        assert [row["ref"] for row in rows(ada.get(f"{API}/demands.csv", params=query))] == made_refs[:limit]


def test_filters_and_audience_apply(ada, client, eve, common):
    demands = {name: a_demand(ada, tags=[name], **common)["ref"] for name in ("a", "b")}
    a_demand(ada, tags=["a"], audience="staff", **common)
    partners = a_demand(ada, tags=["a"], audience="partners", **common)["ref"]
    a_draft(ada, tags=["a"], **common)

    for path, read in (("demands.csv", rows), ("demands.ndjson", lines)):
        assert [item["ref"] for item in read(client.get(f"{API}/{path}?tag=a"))] == [demands["a"]]
        assert [item["ref"] for item in read(eve.get(f"{API}/{path}?tag=a"))] == [partners, demands["a"]]
        assert read(client.get(f"{API}/{path}?status=met")) == []
        for query in ("colour=red", "tag=Not a tag", "limit=0", "campaign=nowhere", "sort=title"):
            refused = client.get(f"{API}/{path}?{query}")
            assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid"), query
            assert f"query.{query.partition('=')[0]}" in refused.json()["detail"]


def test_lines_are_the_demands_of_the_list(ada, common):
    for _ in range(2):
        a_draft(ada, **common)

    assert lines(ada.get(f"{API}/demands.ndjson")) == ada.get(f"{API}/demands").json()["items"]


def test_a_row_has_everything_in_plain_cells(ada, evidence):
    bodies = [a_body(ada)["slug"] for _ in range(2)]
    issuers = [an_organization(ada)["slug"] for _ in range(2)]
    ref = a_draft(
        ada,
        title='A "title", with commas;\nand lines',
        targets=[{"body": bodies[0], "role": "decides"}, {"body": bodies[1], "role": "supports"}],
        issuers=issuers,
        tags=["a", "b"],
        deadline="2024-05",
        indicator={"name": "Released", "unit": "people", "target": 55},
    )["ref"]
    made(ada, f"demands/{ref}/readings", {"value": 36.5, "on": "2024-01"})
    answer = {"body": bodies[1], "response": "rejected", "on": "2024-01-01", "citations": evidence}
    made(ada, f"demands/{ref}/responses", answer)
    other = a_draft(ada)["ref"]
    made(ada, f"demands/{ref}/relations", {"to": other, "type": "part_of"})

    (row,) = rows(ada.get(f"{API}/demands.csv", params={"tag": "a"}))

    demand = ada.get(f"{API}/demands/{ref}").json()
    assert row["title"] == 'A "title", with commas;\nand lines'
    assert row["targets"] == f"{bodies[0]} (decides); {bodies[1]} (supports)"
    assert row["responses"] == f"{bodies[0]}: none; {bodies[1]}: rejected"
    assert row["issuers"] == "; ".join(issuers)
    assert (row["tags"], row["related"]) == ("a; b", f"part_of {other}")
    assert (row["indicator"], row["indicator_unit"], row["indicator_target"]) == ("Released", "people", "55")
    assert (row["indicator_latest"], row["indicator_latest_on"]) == ("36.5", "2024-01")
    assert (row["overdue"], row["disputed"], row["counts_as_met"], row["verification"]) == ("true", "false", "", "")
    assert {name: row[name] for name in ("ref", "deadline", "status", "url", "created_at")} == {
        name: demand[name] for name in ("ref", "deadline", "status", "url", "created_at")
    }


def test_no_cell_is_run_as_a_formula(ada, common):
    for start in ("=", "+", "-", "@"):
        title = f'{start}HYPERLINK("https://evil.example")'
        ref = a_draft(ada, title=title, asks=f"{start}1+1", **common)["ref"]

        row = next(row for row in rows(ada.get(f"{API}/demands.csv")) if row["ref"] == ref)

        assert (row["title"], row["asks"]) == (f"'{title}", f"'{start}1+1")
        assert lines(ada.get(f"{API}/demands.ndjson"))[0]["title"] == title


def test_the_list_comes_as_the_reader_prefers(client):
    preferences = {
        "text/csv": "text/csv; charset=utf-8",
        "application/x-ndjson": "application/x-ndjson; charset=utf-8",
        "TEXT/CSV; header=present": "text/csv; charset=utf-8",
        "text/csv, application/json;q=0.5": "text/csv; charset=utf-8",
        "application/json, text/csv;q=0.5": "application/json",
        "application/json, text/csv": "application/json",
        "text/csv;q=0.1, application/json;q=0.9": "application/json",
        "application/json;q=0.1, application/x-ndjson;q=0.9": "application/x-ndjson; charset=utf-8",
        "text/csv;q=0": "application/json",
        "text/csv;q=much": "application/json",
        "text/html,application/xhtml+xml,*/*;q=0.8": "application/json",
        "*/*": "application/json",
        "": "application/json",
    }

    answers = {accept: client.get(f"{API}/demands", headers={"Accept": accept}) for accept in preferences}

    assert {accept: answer.status_code for accept, answer in answers.items()} == dict.fromkeys(preferences, 200)
    assert {accept: answer.headers["Content-Type"] for accept, answer in answers.items()} == preferences


def test_a_file_has_a_name(client):
    for path in ("demands.csv", "demands.ndjson"):
        assert client.get(f"{API}/{path}").headers["Content-Disposition"] == f'attachment; filename="{path}"'


def test_an_empty_table_has_its_header(client):
    answer = client.get(f"{API}/demands.csv")

    assert answer.text.removeprefix(MARK).startswith("ref,title,asks,")
    assert rows(answer) == []
