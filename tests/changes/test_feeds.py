"""Atom and JSON Feed, read with a feed reader's parser: what happened, newest first, through the gate."""

import feedparser  # type: ignore[import-untyped]
import pytest

from tests.factories import API, a_body, a_campaign, a_demand, a_draft, a_kind, a_source, change, made, publish

EVERYTHING = f"{API}/feed"


def atom(client, address=EVERYTHING, **query):
    answer = client.get(f"{address}.atom", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml"
    found = feedparser.parse(answer.content)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def json_feed(client, address=EVERYTHING, **query):
    answer = client.get(f"{address}.json", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/feed+json"
    found = answer.json()
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    return found


def events(client, **query):
    return client.get(f"{API}/events", params={"limit": 200, **query}).json()["items"]


def links(found):
    return {link["rel"]: link["href"] for link in found.feed.links}


def test_a_change_is_told_in_a_sentence_with_what_a_reader_needs(ada, client, settings):
    demand = a_demand(ada, title="A mission & <more>")
    change(ada, demand["ref"], "in_progress", reason="They left on Monday.")
    event = events(client)[-1]

    entry = atom(client).entries[0]

    assert entry.title == f"{demand['ref']}: Became in progress on 2024-02-01: They left on Monday."
    assert entry.id == f"urn:uuid:{event['id']}"
    assert entry.updated == event["recorded_at"]
    assert entry.link == f"{settings.base_url}{API}/demands/{demand['ref']}"
    sentence = "Became in progress on 2024-02-01: They left on Monday."
    assert entry.content[0].type == "text/html"
    assert entry.content[0].value == f"<p>A mission &amp; &lt;more&gt;</p><p>{sentence}</p>"
    assert entry.author == event["actor"]["organization"]
    assert [tag.term for tag in entry.tags] == ["demand.status_changed", demand["campaign"]]


def test_json_feed_tells_the_same(ada, client):
    change(ada, a_demand(ada)["ref"], "in_progress")

    entries, items = atom(client).entries, json_feed(client)["items"]

    assert [(item["id"], item["title"], item["url"], item["date_published"]) for item in items] == [
        (entry.id, entry.title, entry.link, entry.updated) for entry in entries
    ]
    assert [paragraphs(item["content_text"]) for item in items] == [entry.content[0].value for entry in entries]


def paragraphs(text):
    return "".join(f"<p>{line}</p>" for line in text.split("\n\n"))


def test_what_is_written_on_several_lines_is_read_so_but_its_title_is_one(ada, client):
    ref = a_demand(ada, title="A mission")["ref"]

    change(ada, ref, "in_progress", reason="They left.\n\nOn <Monday>.\r\n  By train.")

    entry, item = atom(client).entries[0], json_feed(client)["items"][0]
    sentence = "Became in progress on 2024-02-01: They left."
    assert entry.title == item["title"] == f"{ref}: {sentence} On <Monday>. By train."
    assert entry.content[0].value == (f"<p>A mission</p><p>{sentence}</p><p>On &lt;Monday&gt;.</p><p>  By train.</p>")


def test_a_feed_says_its_language_and_whose_it_is(client, settings):
    found, feed = atom(client).feed, json_feed(client)

    assert found.language == feed["language"] == "en"
    assert found.link == feed["home_page_url"] == f"{settings.base_url}/"


def test_a_feed_is_called_by_what_it_is_narrowed_to(ada, client):
    demand = a_demand(ada, title="A mission\nand more")
    body = demand["targets"][0]["body"]["slug"]
    query = {"body": body, "status": ["open", "met"], "no_response": "false"}

    assert titles_of_both(client, EVERYTHING) == "Demand Tracker"
    assert titles_of_both(client, EVERYTHING, **query) == (
        f"Demand Tracker – status: open, met; body: {body}; no response: no"
    )
    assert titles_of_both(client, f"{API}/demands/{demand['ref']}/feed") == (
        f"Demand Tracker – {demand['ref']}: A mission and more"
    )


def titles_of_both(client, address, **query):
    title = atom(client, address, **query).feed.title
    assert json_feed(client, address, **query)["title"] == title
    return title


def test_an_entry_whose_content_was_erased_is_told_as_changed(ada, client):
    """Or readers keep the words that had to go (RFC 4287, section 4.2.15)."""
    demand = a_demand(ada)["ref"]
    change(ada, demand, "in_progress", reason="Jane Roe was heard.")
    [before, published] = atom(client, demand=demand).entries

    made(ada, "redactions", {"text": "Jane Roe", "reason": "She asked."})

    found = atom(client, demand=demand)
    [redacted, after, unchanged] = found.entries
    assert "erased" in after.title
    assert (after.id, after.published) == (before.id, before.published)
    assert before.updated < after.updated <= redacted.updated
    assert unchanged.updated == published.updated == published.published
    assert found.feed.updated == redacted.updated
    assert [(item["date_published"], item["date_modified"]) for item in json_feed(client, demand=demand)["items"]] == [
        (entry.published, entry.updated) for entry in found.entries
    ]


def test_a_page_of_older_entries_is_as_new_as_the_last_that_was_erased(ada, client, settings):
    demand = a_demand(ada)["ref"]
    change(ada, demand, "in_progress", reason="Jane Roe was heard.")
    for _ in range(2):
        made(ada, f"demands/{demand}/updates", {"text": "They met.", "on": "2024-03-01"})
    made(ada, "redactions", {"text": "Jane Roe", "reason": "She asked."})

    first = atom(client, demand=demand, limit=2)
    second = atom_at(client, links(first)["next"].removeprefix(settings.base_url))

    assert [entry.title.partition(": ")[2].split()[0] for entry in second.entries] == ["On", "The"]
    assert second.feed.updated == second.entries[1].updated > second.entries[0].updated


def test_following_next_gives_everything_once(ada, client, settings):
    for _ in range(3):
        a_demand(ada)
    told = [f"urn:uuid:{event['id']}" for event in reversed(events(client))]

    found = atom(client, limit=4)
    pages, ids = [found], [entry.id for entry in found.entries]
    while "next" in links(found):
        found = atom_at(client, links(found)["next"].removeprefix(settings.base_url))
        pages.append(found)
        ids += [entry.id for entry in found.entries]

    assert ids == told
    assert {page.feed.id for page in pages} == {f"{settings.base_url}{EVERYTHING}.atom?limit=4"}
    assert links(pages[0])["self"] == links(pages[0])["first"] == pages[0].feed.id
    assert links(pages[1])["self"] == links(pages[0])["next"]
    first = json_feed(client, limit=4)
    second = client.get(first["next_url"].removeprefix(settings.base_url)).json()
    assert [item["id"] for item in first["items"] + second["items"]] == told[:8]


def atom_at(client, address):
    path, _, query = address.partition("?")
    return atom(client, path.removesuffix(".atom"), **dict(part.split("=", 1) for part in query.split("&")))


def test_the_words_of_the_list_narrow_it(ada, client):
    body = a_body(ada)["slug"]
    wanted = a_demand(ada, targets=[{"body": body, "role": "decides"}])
    a_demand(ada)

    found = atom(client, body=body, types="demand.published")

    assert [entry.title for entry in found.entries] == [f"{wanted['ref']}: Published."]
    assert body in found.feed.title
    assert client.get(f"{EVERYTHING}.atom", params={"body": "no-such"}).status_code == 422
    assert client.get(f"{EVERYTHING}.json", params={"cursor": "x"}).status_code == 422


def test_a_demand_has_a_feed_of_its_own(ada, client):
    demand, _ = a_demand(ada, status="in_progress"), a_demand(ada)
    address = f"{API}/demands/{demand['ref']}/feed"

    assert [entry.title.partition(": ")[2].split()[0] for entry in atom(client, address).entries] == [
        "Became",
        "Published.",
    ]
    assert len(json_feed(client, address)["items"]) == 2
    second = atom(client, address, limit=1)
    assert "cursor=" in links(second)["next"]


@pytest.mark.parametrize("form", ["atom", "json"])
def test_a_feed_goes_through_the_gate(ada, client, form):
    hidden = a_draft(ada, title="Nobody's business")["ref"]
    source = a_source(ada, title="A secret report", audience="staff")["slug"]

    assert client.get(f"{API}/demands/{hidden}/feed.{form}").status_code == 404
    assert client.get(f"{API}/demands/NO-1/feed.{form}").status_code == 404
    everything = client.get(f"{EVERYTHING}.{form}").text
    assert hidden not in everything
    assert "A secret report" not in everything
    assert "A secret report" in ada.get(f"{EVERYTHING}.{form}").text
    assert ada.get(f"{API}/demands/{hidden}/feed.{form}").status_code == 200

    version = ada.get(f"{API}/sources/{source}").json()["version"]
    ada.patch(f"{API}/sources/{source}", json={"audience": "public"}, headers={"If-Match": f'"{version}"'})
    publish(ada, hidden)
    assert hidden in client.get(f"{EVERYTHING}.{form}").text


@pytest.mark.parametrize("form", ["atom", "json"])
def test_where_nothing_happened_nothing_is_sent_again(ada, client, form):
    a_kind(ada)
    first = client.get(f"{EVERYTHING}.{form}")

    def again(address=EVERYTHING, who=client):
        return who.get(f"{address}.{form}", headers={"If-None-Match": first.headers["etag"]})

    assert (again().status_code, again().content) == (304, b"")
    assert again(who=ada).status_code == 200, "another circle"
    assert again(f"{API}/demands/NO-1/feed").status_code == 404, "another feed"
    a_kind(ada)
    assert again().status_code == 200


def test_an_empty_feed_is_valid(client):
    assert atom(client, types="demand.published").entries == []
    assert json_feed(client, types="demand.published")["items"] == []


def test_characters_that_xml_cannot_hold_do_not_break_the_feed(ada, client):
    a_campaign(ada, name="Bell \x07 and \ufffe and <b>")

    assert atom(client).entries[0].title == "Campaign begun: Bell  and  and <b>"


def test_whatever_happens_has_a_title(ada):
    demand = a_demand(ada, status="in_progress")
    a_source(ada)

    titles = [entry.title for entry in atom(ada).entries]

    assert f"{demand['ref']}: Drafted." in titles
    assert all(titles)
