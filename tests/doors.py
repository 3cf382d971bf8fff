"""The table of routes: what each is asked with to find out what it shows to whom, and which role it needs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.factories import API
from tests.scene import ADMIN, PREFIX, PUBLIC, STAFF, Circle, Scene

NOBODY = "00000000-0000-7000-8000-000000000000"
NOT_THERE = f"{PREFIX}-999"
CHANGE = {"to": "met", "effective_on": "2024-02-02", "reason": "It is so."}


@dataclass(frozen=True)
class Ask:
    """A request. `about` is what it names, `unseen` the answer to those who may not see that, or are not in `only`."""

    path: str
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""
    unseen: int = 404
    only: Circle | None = None

    def __str__(self) -> str:
        return f"{self.path} {self.params} {self.headers}"

    def of_nothing(self) -> "Ask":
        """The same about something that was never there."""
        nothing = NOT_THERE if self.about.startswith(PREFIX) else NOBODY if "-" in self.about else "zq0000"
        params = {name: nothing if value == self.about else value for name, value in self.params.items()}
        return Ask(self.path.replace(self.about, nothing), params, self.headers, nothing, self.unseen, self.only)


Asks = Callable[[Scene], Iterable[Ask]]


@dataclass(frozen=True)
class Door:
    """`needs` is the lowest role that may go in, `body` what the request carries where it writes."""

    asks: Asks
    needs: str = "anonymous"
    body: dict[str, Any] | None = None
    is_open: bool = False  # asks nobody who they are
    tells_of_withdrawals: bool = False  # by name, to those who could see what was taken from view


def plainly(path: str, *params: dict[str, Any]) -> Asks:
    return lambda scene: [Ask(path, each) for each in params or ({},)]


def each_demand(below: str = "", *params: dict[str, Any]) -> Asks:
    """The address of every demand."""
    return lambda scene: [
        Ask(f"{API}/demands/{ref}{below}", each, about=ref) for ref in scene.refs.values() for each in params or ({},)
    ]


def demand_itself(scene: Scene) -> Iterator[Ask]:
    yield from each_demand("", {}, {"include": ["citations", "history"]})(scene)
    for ref in scene.refs.values():
        tag = scene.clients["admin"].get(f"{API}/demands/{ref}").headers["ETag"]
        for known in (tag, "*"):
            yield Ask(f"{API}/demands/{ref}", headers={"If-None-Match": known}, about=ref)


def each_demand_s_feed(below: str) -> Asks:
    """Whoever saw the demand before it was taken from view finds the notice of that."""

    def asks(scene: Scene) -> Iterator[Ask]:
        for ref in scene.refs.values():
            readers = PUBLIC if ref in scene.withdrawn else scene.circles[ref]
            for headers in ({}, {"If-None-Match": "*"}):
                yield Ask(f"{API}/demands/{ref}{below}", headers=headers, about=ref, only=readers)

    return asks


def each_named(path: str, names: Callable[[Scene], dict[str, str]]) -> Asks:
    """The address of every thing of a kind, in its own right and as a client that has a copy."""

    def asks(scene: Scene) -> Iterator[Ask]:
        for slug in names(scene).values():
            yield Ask(f"{API}/{path}/{slug}", about=slug)
            yield Ask(f"{API}/{path}/{slug}", headers={"If-None-Match": "*"}, about=slug)

    return asks


def criteria(path: str) -> Asks:
    """The list of demands, or what is made of it, narrowed by what someone may not see."""

    def asks(scene: Scene) -> Iterator[Ask]:
        yield Ask(path)
        for name, slugs in (("issuer", scene.organizations), ("source", scene.sources)):
            for slug in slugs.values():
                yield Ask(path, {name: slug}, about=slug, unseen=422)
        for word in (scene.words["title"][-1], scene.words["draft"][0], scene.words["internal note"][0]):
            yield Ask(path, {"q": word})
        for word in (scene.words["tag"][-1], scene.words["draft"][3]):
            yield Ask(path, {"tag": word})

    return asks


def every_criterion(path: str) -> Asks:
    """The same, narrowed by every word that there is."""

    def asks(scene: Scene) -> Iterator[Ask]:
        for name in ("asks", "draft", "citation"):
            for word in scene.words[name][:: len(scene.words[name]) // 3]:
                yield Ask(path, {"q": word})
        for word in (*scene.words["title"], *scene.words["tag"]):
            yield Ask(path, {"q": word})
            yield Ask(path, {"tag": word})
        for name, values in {
            "campaign": ["scene"],
            "kind": ["scene"],
            "body": ["above", "below"],
            "status": ["open", "met"],
            "group": ["met", "closed"],
            "publication": ["draft", "in_review", "published", "unpublished"],
            "as_of": ["2023-01-02", "2024-02-01"],
            "updated_since": ["2020-01-01"],
            **{flag: ["true"] for flag in ("overdue", "stale", "disputed", "no_response")},
        }.items():
            for value in values:
                yield Ask(path, {name: value})

    return asks


def demand_list(scene: Scene) -> Iterator[Ask]:
    path = f"{API}/demands"
    yield Ask(path, {"include": "total,citations,history"})
    yield from criteria(path)(scene)
    yield from every_criterion(path)(scene)
    for sort in ("updated_at", "ref", "first_made_on", "deadline", "status_since"):
        for direction in ("", "-"):
            yield Ask(path, {"sort": f"{direction}{sort}", "limit": 2})
    for media in ("text/csv", "application/x-ndjson"):
        yield Ask(path, headers={"Accept": media})


def followed(path: str) -> Asks:
    """What happened, narrowed by what someone may not see."""

    def asks(scene: Scene) -> Iterator[Ask]:
        yield Ask(path, {"limit": 200})
        for ref in scene.refs.values():
            yield Ask(path, {"demand": ref})
        for slug in scene.organizations.values():
            yield Ask(path, {"issuer": slug}, about=slug, unseen=422)
        for word in (scene.words["tag"][-1], scene.words["draft"][3]):
            yield Ask(path, {"tag": word})
        for kind in ("demand.unpublished", "demand.cited", "source.withdrawn"):
            yield Ask(path, {"types": kind})
        for kind in ("webhook.created", "key.created"):
            yield Ask(path, {"types": kind}, unseen=422, only=STAFF)

    return asks


def listed(path: str, of: str, *params: dict[str, Any]) -> Asks:
    """A list, whole and searched for words that someone may not read."""

    def asks(scene: Scene) -> Iterator[Ask]:
        yield from (Ask(path, {"limit": 200, **each}) for each in ({}, *params))
        yield from (Ask(path, {"q": word}) for word in scene.words[of][::3])

    return asks


def a_step(scene: Scene) -> Iterator[Ask]:
    for ref in scene.refs.values():
        yield Ask(f"{API}/demands/{ref}/milestones/{scene.steps[ref]}", about=ref)
        yield Ask(f"{API}/demands/{ref}/milestones/{NOBODY}", about=NOBODY, only=frozenset())


def a_tie(scene: Scene) -> Iterator[Ask]:
    for ref, tie in scene.ties.items():
        yield Ask(f"{API}/demands/{ref}/relations/{tie}", about=ref)
        yield Ask(f"{API}/demands/{ref}/relations/{NOBODY}", about=NOBODY, only=frozenset())


def a_status_change(scene: Scene) -> Iterator[Ask]:
    for ref, change in scene.changes.items():
        yield Ask(f"{API}/status-changes/{change}/verification", about=ref)


def a_person(below: str = "") -> Asks:
    def asks(scene: Scene) -> Iterator[Ask]:
        yield Ask(f"{API}/people/{scene.person}{below}")
        yield Ask(f"{API}/people/{NOBODY}{below}", about=NOBODY, only=frozenset())

    return asks


def a_webhook(below: str = "") -> Asks:
    def asks(scene: Scene) -> Iterator[Ask]:
        for actor, webhook in scene.webhooks.items():
            yield Ask(f"{API}/webhooks/{webhook}{below}", about=webhook, only=ADMIN | {actor})

    return asks


def the_public_keys(scene: Scene) -> Iterator[Ask]:
    yield from (Ask(f"{API}/webhooks/{webhook}/public-key") for webhook in scene.webhooks.values())


def a_replay(scene: Scene) -> Iterator[Ask]:
    for actor, webhook in scene.webhooks.items():
        path = f"{API}/webhooks/{webhook}/replay/{scene.replays[actor]}"
        yield Ask(path, about=scene.replays[actor], only=ADMIN | {actor})


def the_sources(scene: Scene) -> dict[str, str]:
    return scene.sources


def the_organizations(scene: Scene) -> dict[str, str]:
    return scene.organizations


RECORDS: dict[str, dict[str, Any]] = {
    "status-changes": CHANGE,
    "updates": {"text": "Something happened.", "on": "2024"},
    "responses": {"body": "below", "response": "noted", "on": "2024", "citations": []},
    "readings": {"value": 4, "on": "2024"},
    "milestones": {"title": "A step"},
    "citations": {"source": "zq0000", "stance": "supports"},
    "relations": {"to": NOT_THERE, "type": "related"},
}
STATISTICS = ("summary", "timeline", "timeline.csv", "bodies", "bodies.csv")
DOORS: dict[str, Door] = {
    "GET /healthz": Door(plainly("/healthz"), is_open=True),
    "GET /readyz": Door(plainly("/readyz"), is_open=True),
    "GET /api/openapi.json": Door(plainly("/api/openapi.json"), is_open=True),
    # demands and what is recorded of them
    f"GET {API}/demands": Door(demand_list),
    **{f"GET {API}/demands.{form}": Door(criteria(f"{API}/demands.{form}")) for form in ("csv", "ndjson", "ics")},
    f"POST {API}/demands": Door(plainly(f"{API}/demands"), "campaigner", {"title": "A demand"}),
    f"GET {API}/demands/{{ref}}": Door(demand_itself),
    f"PATCH {API}/demands/{{ref}}": Door(each_demand(), "campaigner", {"title": "Another title"}),
    f"PUT {API}/demands/{{ref}}/publication": Door(each_demand("/publication"), "campaigner", {"state": "in_review"}),
    **{f"GET {API}/demands/{{ref}}/{name}": Door(each_demand(f"/{name}")) for name in RECORDS},
    **{
        f"POST {API}/demands/{{ref}}/{name}": Door(each_demand(f"/{name}"), "campaigner", body)
        for name, body in RECORDS.items()
    },
    f"PATCH {API}/demands/{{ref}}/milestones/{{milestone_id}}": Door(a_step, "campaigner", {"title": "Another step"}),
    f"DELETE {API}/demands/{{ref}}/relations/{{relation_id}}": Door(a_tie, "campaigner"),
    f"PUT {API}/status-changes/{{change_id}}/verification": Door(a_status_change, "editor", {}),
    f"POST {API}/redactions": Door(
        plainly(f"{API}/redactions"), "editor", {"text": "Nobody wrote this", "reason": "x"}
    ),
    **{f"GET {API}/statistics/{name}": Door(criteria(f"{API}/statistics/{name}")) for name in STATISTICS},
    # the ways to follow
    f"GET {API}/demands/{{ref}}/history": Door(each_demand("/history")),
    f"GET {API}/demands/{{ref}}/feed.atom": Door(each_demand_s_feed("/feed.atom")),
    f"GET {API}/demands/{{ref}}/feed.json": Door(each_demand_s_feed("/feed.json")),
    f"GET {API}/feed.atom": Door(followed(f"{API}/feed.atom"), tells_of_withdrawals=True),
    f"GET {API}/feed.json": Door(followed(f"{API}/feed.json"), tells_of_withdrawals=True),
    f"GET {API}/events": Door(followed(f"{API}/events"), tells_of_withdrawals=True),
    f"GET {API}/ledger": Door(plainly(f"{API}/ledger")),
    f"GET {API}/event-types": Door(plainly(f"{API}/event-types"), is_open=True),
    f"GET {API}/event-types/{{name}}/schema": Door(plainly(f"{API}/event-types/demand.cited/schema"), is_open=True),
    f"POST {API}/follows": Door(plainly(f"{API}/follows"), body={"email": "reader@example.org", "pace": "daily"}),
    # vocabularies
    f"GET {API}/campaigns": Door(plainly(f"{API}/campaigns")),
    f"GET {API}/campaigns/{{slug}}": Door(plainly(f"{API}/campaigns/scene")),
    f"POST {API}/campaigns": Door(plainly(f"{API}/campaigns"), "editor", {"slug": "scene"}),
    f"PATCH {API}/campaigns/{{slug}}": Door(plainly(f"{API}/campaigns/scene"), "editor", {"name": "Another"}),
    f"GET {API}/kinds": Door(plainly(f"{API}/kinds")),
    f"GET {API}/kinds/{{slug}}": Door(plainly(f"{API}/kinds/scene")),
    f"POST {API}/kinds": Door(plainly(f"{API}/kinds"), "campaigner", {"slug": "scene"}),
    f"PATCH {API}/kinds/{{slug}}": Door(plainly(f"{API}/kinds/scene"), "campaigner", {"about": "Another"}),
    f"GET {API}/bodies": Door(listed(f"{API}/bodies", "title", {"parent": "above"})),
    f"GET {API}/bodies/{{slug}}": Door(lambda scene: [Ask(f"{API}/bodies/{slug}") for slug in ("above", "below")]),
    f"POST {API}/bodies": Door(plainly(f"{API}/bodies"), "campaigner", {"slug": "below"}),
    f"PATCH {API}/bodies/{{slug}}": Door(plainly(f"{API}/bodies/below"), "campaigner", {"name": "Another"}),
    f"GET {API}/sources": Door(listed(f"{API}/sources", "source", {"kind": "news"})),
    f"GET {API}/sources/{{slug}}": Door(each_named("sources", the_sources)),
    f"POST {API}/sources": Door(plainly(f"{API}/sources"), "campaigner", {"title": "A source"}),
    f"PATCH {API}/sources/{{slug}}": Door(each_named("sources", the_sources), "campaigner", {"title": "Another"}),
    f"GET {API}/organizations": Door(listed(f"{API}/organizations", "organization")),
    f"GET {API}/organizations/{{slug}}": Door(each_named("organizations", the_organizations)),
    f"POST {API}/organizations": Door(plainly(f"{API}/organizations"), "campaigner", {"name": "An organization"}),
    f"PATCH {API}/organizations/{{slug}}": Door(
        each_named("organizations", the_organizations), "campaigner", {"name": "Another"}
    ),
    # who may do what
    f"GET {API}/me": Door(plainly(f"{API}/me")),
    f"GET {API}/keys": Door(plainly(f"{API}/keys", {"limit": 200}), "admin"),
    f"POST {API}/keys": Door(plainly(f"{API}/keys"), "admin", {"role": "admin"}),
    f"DELETE {API}/keys/{{key_id}}": Door(lambda scene: [Ask(f"{API}/keys/{key}") for key in scene.keys], "admin"),
    f"GET {API}/people": Door(plainly(f"{API}/people", {"limit": 200}), "admin"),
    f"POST {API}/people": Door(plainly(f"{API}/people"), "admin", {"name": "Somebody"}),
    f"GET {API}/people/{{person_id}}": Door(a_person(), "admin"),
    f"PATCH {API}/people/{{person_id}}": Door(a_person(), "admin", {"disabled": True}),
    f"DELETE {API}/people/{{person_id}}/memberships/{{organization}}": Door(a_person("/memberships/zq0000"), "admin"),
    f"GET {API}/webhooks": Door(plainly(f"{API}/webhooks"), "partner"),
    f"POST {API}/webhooks": Door(plainly(f"{API}/webhooks"), "partner", {"url": "nowhere"}),
    f"GET {API}/webhooks/{{webhook_id}}": Door(a_webhook(), "partner"),
    f"PATCH {API}/webhooks/{{webhook_id}}": Door(a_webhook(), "partner", {"description": "Another"}),
    f"DELETE {API}/webhooks/{{webhook_id}}": Door(a_webhook(), "partner"),
    **{
        f"GET {API}/webhooks/{{webhook_id}}/{name}": Door(
            a_webhook(f"/{name}"), "partner", tells_of_withdrawals=name == "events"
        )
        for name in ("attempts", "undelivered", "replay", "events", "health", "history")
    },
    f"GET {API}/webhooks/{{webhook_id}}/public-key": Door(the_public_keys, is_open=True),
    f"GET {API}/webhooks/{{webhook_id}}/replay/{{replay_id}}": Door(a_replay, "partner"),
    f"DELETE {API}/webhooks/{{webhook_id}}/replay/{{replay_id}}": Door(a_replay, "partner"),
    f"POST {API}/webhooks/{{webhook_id}}/replay": Door(a_webhook("/replay"), "partner", {"from_seq": 1}),
    f"POST {API}/webhooks/{{webhook_id}}/undelivered/retries": Door(a_webhook("/undelivered/retries"), "partner", {}),
    f"PUT {API}/webhooks/{{webhook_id}}/paused": Door(a_webhook("/paused"), "partner", {"paused": True}),
    f"POST {API}/webhooks/{{webhook_id}}/secret": Door(a_webhook("/secret"), "partner", {}),
    f"POST {API}/webhooks/{{webhook_id}}/test": Door(a_webhook("/test"), "partner"),
    f"POST {API}/webhooks/{{webhook_id}}/verification": Door(a_webhook("/verification"), "partner"),
    # pages, which are as anyone may see them
    "GET /": Door(plainly("/"), is_open=True, tells_of_withdrawals=True),
    "GET /api/v1": Door(plainly("/api/v1"), is_open=True),
    "GET /api/docs": Door(plainly("/api/docs"), is_open=True),
    "GET /follow": Door(plainly("/follow", {"body": "below"}), is_open=True),
    "GET /problems": Door(plainly("/problems"), is_open=True),
    "GET /problems/{name}": Door(plainly("/problems/not-found"), is_open=True),
}
ELSEWHERE = {
    "GET /metrics": "is there only with a setting, and has a token of its own: see tests/webhooks/test_metrics",
    "MOUNT /static": "files",
    "MOUNT /static/swagger": "files",
    **{
        f"{method} /follow/{purpose}/{{token}}": "opens by mail alone: see tests/follows"
        for method in ("GET", "POST")
        for purpose in ("confirm", "end")
    },
    "POST /follow": "is a form: see tests/web/test_follow_pages.py",
    f"GET {API}/events/stream": "has no end: see test_the_live_stream_shows_each_actor_what_is_for_them",
}
