"""Words that should never have been written down can be taken out for good, and the ledger still holds."""

from fastapi.testclient import TestClient

from app.database import Database
from app.ledger.verifying import verify
from app.models import ledgered_tables
from app.settings import Settings
from tests.databases import on_sqlite
from tests.factories import API, a_body, a_campaign, a_demand, a_draft, a_kind, a_source, an_organization, change, read

NAME = "Name Of A Detained Person"


def test_redacted_words_are_gone_from_every_answer(ada: TestClient, client: TestClient) -> None:
    ref = a_demand(ada)["ref"]
    evidence = {"source": a_source(ada, title=f"Trial of {NAME}")["slug"], "stance": "supports", "quote": f"“{NAME}”"}
    change(ada, ref, "in_progress", reason=f"{NAME} was released.", citations=[evidence])
    before = _everything(client, ref)

    answer = ada.post(f"{API}/redactions", json={"text": NAME, "reason": "A person asked."})

    assert answer.status_code == 201
    assert answer.json()["demands"] == [ref]
    assert NAME in before
    assert NAME not in _everything(client, ref)
    assert "[redacted] was released." in _everything(client, ref)


def test_the_chain_and_the_replay_hold_after_a_redaction(ada: TestClient, database: Database) -> None:
    ref = a_demand(ada)["ref"]
    change(ada, ref, "in_progress", reason=f"{NAME} was released.")
    ada.patch(f"{API}/demands/{ref}", json={"tags": ["gone-later"]}, headers={"If-Match": "*"})
    ada.patch(f"{API}/demands/{ref}", json={"tags": []}, headers={"If-Match": "*"})

    ada.post(f"{API}/redactions", json={"text": NAME, "reason": "A person asked."})

    found = verify(database, ledgered_tables())
    assert found.problems == []
    assert found.erased > 0


def test_followers_are_told_with_what_is_left(ada: TestClient, client: TestClient) -> None:
    ref = a_demand(ada, title=f"Release of {NAME}")["ref"]

    ada.post(f"{API}/redactions", json={"text": NAME, "reason": "A person asked."})

    events = client.get(f"{API}/events", params={"demand": ref}).json()["items"]
    assert events[-1]["type"] == "demand.redacted"
    assert events[-1]["data"]["demand"]["title"] == "Release of [redacted]"
    assert [event["data"] for event in events[:-1]] == [None] * len(events[:-1])
    assert read(client, ref)["title"] == "Release of [redacted]"


def test_only_an_editor_redacts_and_only_what_is_there(ada: TestClient, client_for) -> None:
    words = {"text": NAME, "reason": "A person asked."}

    assert client_for("campaigner").post(f"{API}/redactions", json=words).status_code == 403
    assert ada.post(f"{API}/redactions", json=words).status_code == 404


def _everything(client: TestClient, ref: str) -> str:
    paths = [f"demands/{ref}", f"demands/{ref}/history", f"demands/{ref}/status-changes", f"demands/{ref}/citations"]
    return "\n".join(client.get(f"{API}/{path}").text for path in [*paths, "sources", "events?limit=200"])


def test_words_in_a_name_are_refused_until_the_name_is_changed(ada: TestClient) -> None:
    ref = a_demand(ada, tags=["jane-roe"])["ref"]
    words = {"text": "jane-roe", "reason": "A person asked."}

    refused = ada.post(f"{API}/redactions", json=words)
    ada.patch(f"{API}/demands/{ref}", json={"tags": []}, headers={"If-Match": "*"})
    taken = ada.post(f"{API}/redactions", json=words)

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/stands-in-a-name"
    assert taken.status_code == 201


def test_a_text_that_grows_by_the_mark_is_cut_to_its_length(ada: TestClient) -> None:
    ref = a_demand(ada, title="Jon " + 296 * "x")["ref"]

    ada.post(f"{API}/redactions", json={"text": "Jon", "reason": "A person asked."})

    assert read(ada, ref)["title"].startswith("[redacted] xxx")


def test_words_are_taken_to_the_letter(ada: TestClient, client: TestClient) -> None:
    ref = a_demand(ada, title="Case of Jon Roe", asks="A JON ROE ought to be heard.")["ref"]
    told = client.get(f"{API}/demands/{ref}/history").json()
    words = {"text": "jon roe", "reason": "A person asked."}

    assert ada.post(f"{API}/redactions", json=words).status_code == 404
    assert client.get(f"{API}/demands/{ref}/history").json() == told

    taken = ada.post(f"{API}/redactions", json={**words, "text": "Jon Roe"})

    assert (taken.status_code, taken.json()["fields"]) == (201, 1)
    left = read(client, ref)
    assert (left["title"], left["asks"]) == ("Case of [redacted]", "A JON ROE ought to be heard.")


def test_words_in_a_slug_are_refused_until_it_is_out_of_view(ada: TestClient, client: TestClient) -> None:
    source = a_source(ada, slug="testimony-of-jane-roe", title="Testimony of Jané Roe")
    words = {"text": "Jané Roe", "reason": "A person asked."}

    refused = ada.post(f"{API}/redactions", json=words)
    ada.patch(f"{API}/sources/{source['slug']}", json={"audience": "staff", "url": None})
    again = a_source(ada, slug="a-testimony", title="Testimony of Jané Roe", url=source["url"])
    taken = ada.post(f"{API}/redactions", json=words)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/stands-in-a-name")
    assert "`audience: staff`" in refused.json()["detail"]
    assert taken.status_code == 201
    assert client.get(f"{API}/sources/{again['slug']}").json()["title"] == "Testimony of [redacted]"


def test_words_within_a_longer_word_of_a_slug_do_not_stand_in_it(ada: TestClient) -> None:
    a_source(ada, slug="people-fleeing-the-town")
    a_body(ada, slug="leeds_council")
    ref = a_demand(ada, title="Release of Lee", tags=["sleepless"])["ref"]

    taken = ada.post(f"{API}/redactions", json={"text": "Lee", "reason": "A person asked."})

    assert taken.status_code == 201
    assert read(ada, ref)["title"] == "Release of [redacted]"


def test_each_refusal_says_what_can_be_done(ada: TestClient) -> None:
    a_body(ada, slug="office_of_roe", name="An office")
    a_kind(ada, slug="visits", label={"en": "Visits to Doe"})
    an_organization(ada, slug="friends-of-poe")
    ref = a_demand(ada, tags=["free-joe-now"])["ref"]

    def refusal(text: str) -> str:
        answer = ada.post(f"{API}/redactions", json={"text": text, "reason": "A person asked."})
        assert answer.status_code == 409, answer.text
        detail: str = answer.json()["detail"]
        return detail

    assert "body office_of_roe" in refusal("Roe")
    assert "longer text" in refusal("Roe")
    assert "kind visits" in refusal("Doe")
    assert "organization friends-of-poe" in refusal("Poe")
    assert "`audience: staff`" in refusal("Poe")
    assert f"tag free-joe-now of {ref}" in refusal("Joe")


def test_all_that_was_rewritten_is_told_as_redacted_to_those_who_see_it(
    ada: TestClient, client: TestClient, database: Database
) -> None:
    about = f"About {NAME}"
    things = {
        "source": ("sources", a_source(ada, note=about)),
        "body": ("bodies", a_body(ada, identifiers={"archive": NAME}, holder=NAME)),
        "organization": ("organizations", an_organization(ada, about=about)),
        "campaign": ("campaigns", a_campaign(ada, about=about)),
        "kind": ("kinds", a_kind(ada, about=about)),
    }
    hidden = a_source(ada, note=about, audience="staff")["slug"]
    start = client.get(f"{API}/events").json()["next_cursor"]

    ada.post(f"{API}/redactions", json={"text": NAME, "reason": "A person asked."})

    told = client.get(f"{API}/events", params={"after": start}).json()["items"]
    assert sorted(event["type"] for event in told) == sorted(f"{noun}.redacted" for noun in things)
    for event in told:
        noun = event["type"].partition(".")[0]
        address, thing = things[noun]
        assert (event["data"][noun]["slug"], event["data"][noun]["version"]) == (thing["slug"], thing["version"] + 1)
        assert client.get(f"{API}/{address}/{thing['slug']}").json()["version"] == thing["version"] + 1
        assert "[redacted]" in str(event["data"])
    assert hidden in ada.get(f"{API}/events", params={"after": start, "types": "source.redacted"}).text
    assert verify(database, ledgered_tables()).problems == []


@on_sqlite
def test_no_file_of_the_database_holds_the_words_any_more(ada: TestClient, settings: Settings) -> None:
    long = "Zanthippa was heard. " * 400
    ref = a_demand(ada, title="Release of Zanthippa", asks=long)["ref"]
    change(ada, ref, "in_progress", reason=long)
    a_source(ada, note=long)

    def files_with_the_words() -> list[str]:
        return [file.name for file in settings.data_dir.iterdir() if b"zanthippa" in file.read_bytes().lower()]

    before = files_with_the_words()
    ada.post(f"{API}/redactions", json={"text": "Zanthippa", "reason": "A person asked."})

    assert before
    assert files_with_the_words() == []


def test_words_of_more_demands_than_said_are_left_and_counted(ada: TestClient, client: TestClient, common) -> None:
    refs = [a_demand(ada, title=f"Release of the {number}th", **common)["ref"] for number in range(3)]
    words = {"text": "of the", "reason": "A slip of the pen."}
    before = _titles(client), client.get(f"{API}/ledger").json()

    refused = ada.post(f"{API}/redactions", json={**words, "at_most": 2})
    unchanged = _titles(client), client.get(f"{API}/ledger").json()
    taken = ada.post(f"{API}/redactions", json={**words, "at_most": 3})

    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (409, "/problems/reaches-too-far")
    assert "Demands that would be touched: 3, and 2 may be" in problem["detail"]
    assert unchanged == before
    assert (taken.status_code, taken.json()["demands"]) == (201, refs)
    assert {name: taken.json()[name] for name in ("fields", "entries")} == {
        name: problem[name] for name in ("fields", "entries")
    }
    assert problem["demands"] == 3


def test_a_redaction_touches_ten_demands_unless_more_are_allowed(ada: TestClient, common) -> None:
    for number in range(11):
        a_draft(ada, title=f"Plea {number} of many", **common)
    words = {"text": "Plea", "reason": "A slip of the pen."}

    refused = ada.post(f"{API}/redactions", json=words)
    longer = ada.post(f"{API}/redactions", json={**words, "text": "Plea 7"})

    assert (refused.status_code, refused.json()["demands"], refused.json()["fields"]) == (409, 11, 11)
    assert (longer.status_code, longer.json()["fields"]) == (201, 1)


def test_at_most_none_is_a_look_that_changes_nothing(ada: TestClient, client: TestClient) -> None:
    source = a_source(ada, title=f"Trial of {NAME}", note=f"{NAME} was heard.")["slug"]
    before = client.get(f"{API}/ledger").json()
    look = {"text": NAME, "reason": "A person asked.", "at_most": 0}

    looked = ada.post(f"{API}/redactions", json=look)
    nowhere = ada.post(f"{API}/redactions", json={**look, "text": "Nobody wrote this"})

    told = looked.json()
    assert (looked.status_code, told["type"]) == (409, "/problems/reaches-too-far")
    assert (told["demands"], told["fields"], told["entries"]) == (0, 2, 1)
    assert nowhere.status_code == 404
    assert client.get(f"{API}/ledger").json() == before
    assert client.get(f"{API}/sources/{source}").json()["note"] == f"{NAME} was heard."


def _titles(client: TestClient) -> list[str]:
    return [demand["title"] for demand in client.get(f"{API}/demands").json()["items"]]
