"""One of everything, each shown to another circle, with a word in every text that tells who may read it.

What someone gets to see is judged by the words in it: nobody needs to know which route keeps what back.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient

from tests.factories import API, a_body, a_campaign, a_kind, an_organization, made, publish, read

STAFF = frozenset({"campaigner", "editor", "admin"})
PARTNERS = STAFF | {"viewer", "partner"}
PUBLIC = PARTNERS | {"anonymous", "stranger"}
ADMIN = frozenset({"admin"})
ACTORS = sorted(PUBLIC)
AUDIENCES = {"public": PUBLIC, "partners": PARTNERS, "staff": STAFF}
PREFIX = "SC"
SHY = "zq9999"  # an organisation that everyone knew until it asked not to be named
MARK = re.compile(rf"zq\d{{4}}|\b{PREFIX}-\d+\b|\b[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}\b")

Circle = frozenset[str]


@dataclass
class Scene:
    """Who may see what: `circles` has every word, ref and id that is not for everyone to see, and some that are."""

    clients: dict[str, TestClient]
    circles: dict[str, Circle] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)  # what a demand is → its ref
    sources: dict[str, str] = field(default_factory=dict)  # audience → slug
    organizations: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)  # what is told → the words in it
    changes: dict[str, str] = field(default_factory=dict)  # ref → the id of a status change
    steps: dict[str, str] = field(default_factory=dict)  # ref → the id of a milestone
    ties: dict[str, str] = field(default_factory=dict)  # ref → the id of a relation
    webhooks: dict[str, str] = field(default_factory=dict)  # actor → the id of a webhook
    replays: dict[str, str] = field(default_factory=dict)  # and of a replay of it
    keys: dict[str, str] = field(default_factory=dict)
    person: str = ""  # the id of somebody
    withdrawn: set[str] = field(default_factory=set)  # what notices may still name to those who saw it before

    def word(self, circle: Circle, of: str) -> str:
        """A new word that only the circle may read."""
        word = f"zq{len(self.circles):04}"
        self.circles[word] = circle
        self.words.setdefault(of, []).append(word)
        return word

    def may_see(self, actor: str, mark: str) -> bool:
        return actor in self.circles.get(mark, PUBLIC)

    def leaks(self, actor: str, text: str, asked: str = "", told_of: Iterable[str] = ()) -> set[str]:
        """The marks in the text that the actor may not see and has not named."""
        known = {*MARK.findall(asked), *told_of}
        return {mark for mark in marks(text) if not self.may_see(actor, mark)} - known

    def seen_by(self, actor: str, *, of: Iterable[str] | None = None) -> set[str]:
        """All words for the actor to read."""
        words = [word for name in of or self.words for word in self.words[name]]
        return {word for word in words if self.may_see(actor, word)}

    def refs_for(self, actor: str) -> list[str]:
        return sorted(ref for ref in self.refs.values() if self.may_see(actor, ref))


def marks(text: str) -> set[str]:
    return set(MARK.findall(text))


def build(clients: dict[str, TestClient], second: TestClient, shy: TestClient) -> Scene:
    """`second` is another editor, who verifies; `shy` is a campaigner of the organisation SHY."""
    scene = Scene(clients)
    scene.circles[SHY] = STAFF
    editor = clients["editor"]
    campaign = {"name": scene.word(PUBLIC, "campaign"), "review_interval_days": 30}
    a_campaign(editor, slug="scene", prefix=PREFIX, **campaign)
    a_kind(editor, slug="scene", label={"en": scene.word(PUBLIC, "kind")})
    a_body(editor, slug="above", name=scene.word(PUBLIC, "body"))
    a_body(editor, slug="below", name=scene.word(PUBLIC, "body"), parent="above")
    _add_organizations(scene, editor)
    _add_sources(scene, editor)
    _add_people_and_keys(scene)
    _add_demands(scene, editor, second, shy)
    _add_webhooks(scene)
    return scene


def _add_organizations(scene: Scene, editor: TestClient) -> None:
    for audience, circle in AUDIENCES.items():
        slug, name, about = (scene.word(circle, "organization") for _ in range(3))
        scene.organizations[audience] = slug
        an_organization(editor, slug=slug, name=name, about=about, audience=audience)
    slug = scene.word(STAFF, "organization")
    scene.organizations["hidden since"] = an_organization(editor, slug=slug, name=slug)["slug"]
    scene.withdrawn.add(slug)


def _add_sources(scene: Scene, editor: TestClient) -> None:
    for name, (first, last) in {
        "public": ("public", "public"),
        "partners": ("partners", "partners"),
        "staff": ("staff", "staff"),
        "hidden since": ("public", "staff"),
    }.items():
        slug, *words = (scene.word(AUDIENCES[last], "source") for _ in range(5))
        title, publisher, note, url = words
        new = {"slug": slug, "title": title, "publisher": publisher, "note": note, "url": f"https://{url}.example/"}
        scene.sources[name] = slug
        made(editor, "sources", {**new, "kind": "news", "audience": first})
    scene.withdrawn.add(scene.sources["hidden since"])


def _add_people_and_keys(scene: Scene) -> None:
    admin = scene.clients["admin"]
    name, email, label = (scene.word(ADMIN, "person") for _ in range(3))
    organization = scene.organizations["public"]
    person = {"email": f"{email}@example.org", "name": name, "organization": organization, "role": "viewer"}
    scene.person = made(admin, "people", person)["id"]
    key = made(admin, "keys", {"role": "viewer", "organization": organization, "label": label})
    scene.keys["viewer"] = key["id"]


def _add_demands(scene: Scene, editor: TestClient, second: TestClient, shy: TestClient) -> None:
    """Their refs are given in the order of these lines."""
    shown = _Recorder(scene, editor, second, shy)
    shown.demand("public", PUBLIC)
    shown.demand("partners", PARTNERS, audience="partners")
    shown.demand("staff", STAFF, audience="staff")
    shown.demand("narrowed", PARTNERS)
    shown.demand("unpublished", STAFF)
    shown.demand("embargoed", STAFF, embargoed_until="2999-01-01T00:00:00Z")
    shown.demand("in review", STAFF, state="in_review")
    shown.demand("draft", STAFF, state=None)
    shown.relate()
    shown.take_from_view()


@dataclass
class _Recorder:
    """Records everything that can be recorded of a demand."""

    scene: Scene
    editor: TestClient
    second: TestClient
    shy: TestClient

    def demand(self, name: str, circle: Circle, state: str | None = "published", **values: Any) -> None:
        scene, editor = self.scene, self.editor
        embargo = {"embargoed_until": values.pop("embargoed_until")} if "embargoed_until" in values else {}
        word = self._writer(circle)
        new = {
            "campaign": "scene",
            "kind": "scene",
            "title": scene.word(STAFF, "draft"),
            "asks": scene.word(STAFF, "draft"),
            "counts_as_met": scene.word(STAFF, "draft"),
            "tags": [scene.word(STAFF, "draft")],
            "targets": [{"body": "below", "role": "decides"}],
            "issuers": list(scene.organizations.values()),
            "indicator": {"name": word("indicator"), "unit": word("indicator"), "target": 10},
            "first_made_on": "2023-01-02",
            "deadline": "2023-12",
            **values,
        }
        ref = made(editor, "demands", new)["ref"]
        scene.refs[name] = ref
        scene.circles[ref] = circle
        self._record(ref, circle, "in_progress")  # while it is a draft
        better = {"title": word("title"), "asks": word("asks"), "counts_as_met": word("asks"), "tags": [word("tag")]}
        version = f'"{read(editor, ref)["version"]}"'
        revised = editor.patch(f"{API}/demands/{ref}", json=better, headers={"If-Match": version})
        assert revised.status_code == 200, revised.text
        if state == "published":
            publish(editor, ref, **embargo)
        elif state:
            publish(editor, ref, state=state)
        self._record(ref, circle, "met")
        verified = self.second.put(f"{API}/status-changes/{scene.changes[ref]}/verification", json={})
        assert verified.status_code == 200, verified.text

    def relate(self) -> None:
        """The demand that all may see has ties with all the others, told from either end, and to a successor."""
        refs = dict(self.scene.refs)
        public = refs.pop("public")
        for number, other in enumerate(refs.values()):
            ends = (public, other) if number % 2 else (other, public)
            tie = made(self.editor, f"demands/{ends[0]}/relations", {"to": ends[1], "type": "related"})
            self._note_id(tie, self.scene.circles[other])
            self.scene.ties[other] = tie["id"]
        for name in ("partners", "narrowed"):
            self._note_id(self._change(refs[name], "partially_met"), self.scene.circles[refs[name]])
        closing = (
            self._change(public, "partially_met"),
            self._change(public, "superseded", successor=refs["unpublished"]),
        )
        for change in closing:
            self._note_id(change, PUBLIC)

    def take_from_view(self) -> None:
        """What was public until now."""
        refs, editor = self.scene.refs, self.editor
        publish(editor, refs["unpublished"], state="unpublished", reason=self.scene.word(STAFF, "reason"))
        self.scene.withdrawn |= {refs["unpublished"], refs["narrowed"], SHY}
        for path, audience in (
            (f"demands/{refs['narrowed']}", "partners"),
            (f"sources/{self.scene.sources['hidden since']}", "staff"),
            (f"organizations/{self.scene.organizations['hidden since']}", "staff"),
            (f"organizations/{SHY}", "staff"),
        ):
            version = editor.get(f"{API}/{path}").json()["version"]
            answer = editor.patch(f"{API}/{path}", json={"audience": audience}, headers={"If-Match": f'"{version}"'})
            assert answer.status_code == 200, answer.text

    def _record(self, ref: str, circle: Circle, status: str) -> None:
        """A status change and one of everything else, with evidence from all sources, half of it by the shy."""
        word = self._writer(circle)
        step = {"title": word("milestone"), "planned_on": "2024", "done_on": "2024-02"}
        said = {"body": "below", "response": "acknowledged", "on": "2023-05-01", "says": word("response")}
        for client, path, new in (
            (self.editor, "milestones", step),
            (self.shy, "updates", {"text": word("update"), "on": "2023-04", "citations": self._evidence(circle)}),
            (self.editor, "responses", {**said, "citations": self._evidence(circle)}),
            (self.shy, "readings", {"value": 3, "on": "2023-06", "citations": self._evidence(circle)}),
        ):
            recorded = made(client, f"demands/{ref}/{path}", new)
            self._note_id(recorded, circle)
            if path == "milestones":
                self.scene.steps[ref] = recorded["id"]
        change = self._change(ref, status, citations=self._evidence(circle))
        self._note_id(change, circle)
        self.scene.changes[ref] = change["id"]
        for citation in self._evidence(circle, stance="contradicts"):
            made(self.shy, f"demands/{ref}/citations", {**citation, "status_change": change["id"]})
        source = self.scene.sources["public"]
        made(self.editor, f"demands/{ref}/citations", {"source": source, "stance": "states", **self._passage(circle)})

    def _change(self, ref: str, to: str, **values: Any) -> dict[str, Any]:
        circle = self.scene.circles[ref]
        evidence = [{"source": self.scene.sources["public"], "stance": "supports"}]
        new = {
            "to": to,
            "effective_on": "2024-02-01",
            "reason": self.scene.word(circle, "reason"),
            "internal_note": self.scene.word(STAFF, "internal note"),
            "citations": evidence,
        }
        return made(self.editor, f"demands/{ref}/status-changes", {**new, **values})

    def _evidence(self, circle: Circle, stance: str = "supports") -> list[dict[str, Any]]:
        """A citation of each source; those who may see the demand and the source may read it."""
        of_sources = {"hidden since": STAFF, **AUDIENCES}
        return [
            {"source": slug, "stance": stance, **self._passage(circle & of_sources[name])}
            for name, slug in self.scene.sources.items()
        ]

    def _passage(self, circle: Circle) -> dict[str, str]:
        word = self.scene.word(circle, "citation")
        return {member: f"{member} {word}" for member in ("locator", "quote", "translation", "note")}

    def _writer(self, circle: Circle) -> Callable[[str], str]:
        return lambda of: self.scene.word(circle, of)

    def _note_id(self, recorded: dict[str, Any], circle: Circle) -> None:
        self.scene.circles[recorded["id"]] = circle


def _add_webhooks(scene: Scene) -> None:
    """A partner sees those of its own organisation, admins see all."""
    for actor, circle in {"partner": ADMIN | {"partner"}, "stranger": ADMIN | {"stranger"}}.items():
        path, description, contact = (scene.word(circle, "webhook") for _ in range(3))
        new = {"url": f"https://127.0.0.1/{path}", "description": description, "contact_email": f"{contact}@x.example"}
        webhook = made(scene.clients[actor], "webhooks", {**new, "v1a": True})
        scene.circles[webhook["id"]] = STAFF | {actor}  # staff read in the ledger that there is one
        scene.webhooks[actor] = webhook["id"]
        replay = made(scene.clients[actor], f"webhooks/{webhook['id']}/replay", {"from_seq": 1})
        scene.circles[replay["id"]] = STAFF | {actor}
        scene.replays[actor] = replay["id"]
