"""The table of routes and actors: nothing that someone may not see comes out of any door, in no form."""

import asyncio
import datetime
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from app import clock
from app.accounts.actions import create_key, ensure_organization
from app.accounts.actor import system
from app.accounts.models import Key
from app.accounts.roles import Role
from app.accounts.schemas import KeyNew
from app.database import Database
from app.fields import Audience
from tests.clients import Client
from tests.databases import KINDS, Store
from tests.doors import DOORS, ELSEWHERE, Ask, Door
from tests.factories import API
from tests.scene import ACTORS, SHY, Scene, build, marks

RANKS = ["anonymous", *Role]
ROLES = {actor: "partner" if actor == "stranger" else actor for actor in ACTORS}
ORGANIZATIONS = {"stranger": "stranger-org", "viewer": "partner-org", "partner": "partner-org"}
READING = [name for name in DOORS if name.startswith("GET ")]
WRITING = [name for name in DOORS if not name.startswith("GET ")]
AppOn = Callable[[str], tuple[Store, FastAPI]]
SCENE_OF = {kind: pytest.mark.xdist_group(f"scene on {kind}") for kind in KINDS}  # so that each is built in one process
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def played_by(sqlite: list[str], postgresql: list[str]) -> Any:
    """The gate is the same on both databases, so on one of them not everyone need walk through every door."""
    cast = [
        pytest.param(kind, actor, marks=SCENE_OF[kind])
        for kind, actors in (("sqlite", sqlite), ("postgresql", postgresql))
        for actor in actors
    ]
    return pytest.mark.parametrize(("kind", "actor"), cast, indirect=["kind"])


@pytest.fixture(params=[pytest.param(kind, marks=SCENE_OF[kind]) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(kind: str, app_on: AppOn) -> FastAPI:
    return app_on(kind)[1]


@pytest.fixture
def scene(kind: str, scene_on: Callable[[str], Scene]) -> Scene:
    return scene_on(kind)


@pytest.fixture(scope="module")
def scene_on(app_on: AppOn, portal: BlockingPortal) -> Callable[[str], Scene]:
    """Built once on each database: nothing here changes it."""

    @cache
    def scene_on(kind: str) -> Scene:
        store, app = app_on(kind)
        store.empty(app.state.database)
        return scene_in(app, portal)

    return scene_on


def scene_in(app: FastAPI, portal: BlockingPortal) -> Scene:
    def client_for(role: str, organization: str, ended: str = "") -> TestClient:
        client = Client(app, portal)
        if role != "anonymous":
            client.headers["Authorization"] = f"Bearer {_key(app.state.database, role, organization, ended)}"
        return client

    clients = {actor: client_for(ROLES[actor], ORGANIZATIONS.get(actor, "staff-org")) for actor in ACTORS}
    clients |= {ended: client_for("admin", "staff-org", ended) for ended in ("revoked", "expired", "unknown")}
    return build(clients, second=client_for("editor", "staff-org"), shy=client_for("campaigner", SHY))


def test_every_route_has_its_place_in_the_table(app):
    routes = {
        f"{method} {route.path}" for route in iter_route_contexts(app.routes) for method in route.methods or {"MOUNT"}
    }

    assert {route for route in routes if not route.startswith("HEAD ")} == {*DOORS, *ELSEWHERE}


@played_by(sqlite=ACTORS, postgresql=["anonymous", "partner"])
def test_reading_shows_each_actor_what_is_for_them_and_nothing_else(scene, actor):
    found: set[str] = set()

    for name, ask in asks(scene, READING):
        answer = send(scene, actor, name, ask)
        assert answer.status_code in expected(scene, actor, DOORS[name], ask), (name, str(ask), answer.text)
        assert leaks(scene, actor, DOORS[name], ask, answer) == set(), (name, str(ask), answer.text)
        found |= marks(answer.text)

    assert scene.seen_by(actor) - found == set()


@played_by(sqlite=ACTORS, postgresql=["anonymous", "partner"])
def test_writing_is_refused_to_whoever_may_not(scene, actor):
    before = head(scene)

    for name, ask in asks(scene, WRITING):
        statuses = expected(scene, actor, DOORS[name], ask)
        if min(statuses) < 400:
            continue  # it would be done
        answer = send(scene, actor, name, ask)
        assert answer.status_code in statuses, (name, str(ask), answer.text)
        assert leaks(scene, actor, DOORS[name], ask, answer) == set(), (name, str(ask), answer.text)

    assert head(scene) == before


@played_by(sqlite=["anonymous", "partner"], postgresql=["anonymous"])
def test_what_is_hidden_answers_every_method_as_what_was_never_there(scene, actor):
    hidden = [(name, ask) for name, ask in asks(scene, DOORS) if ask.about and not may_see(scene, actor, ask)]
    assert hidden

    for name, ask in one_of_each(hidden):
        nothing = ask.of_nothing()
        for method in METHODS:
            of_hidden, of_nothing = (send(scene, actor, name, each, method) for each in (ask, nothing))
            assert of_hidden.status_code == of_nothing.status_code, (method, str(ask))
            assert of_hidden.text.replace(ask.about, nothing.about) == of_nothing.text, (method, str(ask))
            assert without_length(of_hidden) == without_length(of_nothing), (method, str(ask))
        if name.startswith("GET "):
            assert of_hidden.status_code != 304


@pytest.mark.parametrize("ended", ["revoked", "expired", "unknown"])
def test_a_key_that_has_ended_opens_no_door(scene, ended):
    for name, ask in one_of_each(asks(scene, DOORS)):
        answer = send(scene, ended, name, ask)
        assert answer.status_code == (200 if DOORS[name].is_open else 401), (name, answer.text)
        assert DOORS[name].is_open or marks(answer.text) == set()


@played_by(sqlite=ACTORS, postgresql=["anonymous", "partner"])
def test_whatever_counts_counts_what_the_actor_can_see(scene, actor):
    refs = scene.refs_for(actor)
    get = scene.clients[actor].get

    def demands(**query: Any) -> Any:
        return get(f"{API}/demands", params={"limit": 200, **query}).json()

    def statistics(what: str, **query: Any) -> Any:
        return get(f"{API}/statistics/{what}", params=query).json()

    assert sorted(item["ref"] for item in demands()["items"]) == refs
    assert demands(include="total", limit=1)["total"] == len(refs)
    assert len(get(f"{API}/demands.csv").text.splitlines()) == 1 + len(refs)
    assert len(get(f"{API}/demands.ndjson").text.splitlines()) == len(refs)
    assert {mark for mark in marks(get(f"{API}/demands.ics").text) if mark in scene.refs.values()} == set(refs)
    for body in get(f"{API}/bodies").json()["items"]:
        assert sum(body["demands"].values()) == len(refs), body["slug"]
    for slug in ("above", "below"):
        assert sum(get(f"{API}/bodies/{slug}").json()["demands"].values()) == len(refs)
        assert demands(include="total", body=slug)["total"] == len(refs)
    assert statistics("summary")["total"] == len(refs)
    assert [tally["total"] for tally in statistics("summary")["by_body"]] == [len(refs)] * 2
    assert [tally["total"] for name in ("kind", "campaign") for tally in statistics("summary")[f"by_{name}"]] == [
        len(refs)
    ] * 2
    assert [card["asked"] for card in statistics("bodies")["items"]] == [len(refs)] * 2
    assert statistics("timeline")["items"][-1]["total"] == len(refs)
    others = [ref for ref in refs if ref != scene.refs["public"]]
    related = get(f"{API}/demands/{scene.refs['public']}/relations", params={"limit": 200}).json()["items"]
    assert sorted({relation["ref"] for relation in related}) == others
    sources = sorted(slug for slug in scene.sources.values() if scene.may_see(actor, slug))
    assert sorted(source["slug"] for source in get(f"{API}/sources").json()["items"]) == sources
    cited = get(f"{API}/demands/{scene.refs['public']}/citations", params={"limit": 200}).json()["items"]
    assert sorted({citation["source"]["slug"] for citation in cited}) == sources


@played_by(sqlite=ACTORS, postgresql=["anonymous", "partner"])
def test_the_live_stream_shows_each_actor_what_is_for_them(app, portal, scene, actor):
    told = portal.call(listen, app, scene.clients[actor].headers.get("Authorization", ""))

    assert scene.leaks(actor, told, told_of=scene.withdrawn) == set()
    assert scene.seen_by(actor, of=["title"]) - marks(told) == set()


def asks(scene: Scene, names: Any) -> Iterator[tuple[str, Ask]]:
    for name in names:
        for ask in DOORS[name].asks(scene):
            yield name, ask


def one_of_each(found: Any) -> list[tuple[str, Ask]]:
    """For every route one, of those with a condition and those without."""
    return list({(name, bool(ask.headers)): (name, ask) for name, ask in found}.values())


def send(scene: Scene, actor: str, name: str, ask: Ask, method: str = "") -> Any:
    client, body = scene.clients[actor], DOORS[name].body
    return client.request(method or name.partition(" ")[0], ask.path, params=ask.params, headers=ask.headers, json=body)


def expected(scene: Scene, actor: str, door: Door, ask: Ask) -> set[int]:
    """The statuses that are right; 401 before 403 before 404."""
    if RANKS.index(ROLES[actor]) < RANKS.index(door.needs):
        return {401} if actor == "anonymous" else {403}
    if not may_see(scene, actor, ask):
        return {ask.unseen}
    return {200, 304} if ask.headers else {200}


def may_see(scene: Scene, actor: str, ask: Ask) -> bool:
    return scene.may_see(actor, ask.about) if ask.only is None else actor in ask.only


def leaks(scene: Scene, actor: str, door: Door, ask: Ask, answer: Any) -> set[str]:
    """What the actor was told, in the body or a header, without being allowed to know it or having named it."""
    reader = "anonymous" if door.is_open else actor
    told_of = scene.withdrawn if door.tells_of_withdrawals else ()
    return scene.leaks(reader, f"{answer.text} {dict(answer.headers)}", f"{ask} {door.body}", told_of)


def without_length(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "content-length"}


def head(scene: Scene) -> Any:
    return scene.clients["admin"].get(f"{API}/ledger").json()


async def listen(app: FastAPI, authorization: str) -> str:
    """All that the live stream has to tell from the beginning."""
    heard, heard_all = bytearray(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await heard_all.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        heard.extend(message.get("body", b""))

    async def wait_for_the_end() -> None:
        while not any(listener.joined for listener in app.state.stream.listeners):  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.01)
        heard_all.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{API}/events/stream",
        "raw_path": f"{API}/events/stream".encode(),
        "query_string": b"after=0",
        "headers": [(b"authorization", authorization.encode())] if authorization else [],
    }
    await asyncio.wait_for(asyncio.gather(app(scope, receive, send), wait_for_the_end()), timeout=10)  # type: ignore[arg-type]
    return heard.decode()


def _key(database: Database, role: str, organization: str, ended: str) -> str:
    with database.write() as session:
        reads = Audience.PUBLIC if organization == "stranger-org" else Audience.PARTNERS
        ensure_organization(session, system("tests"), organization, reads=reads)
        made = create_key(session, system("tests"), KeyNew(role=Role(role), organization=organization))
        key = session.get_one(Key, made.id)
        if ended == "revoked":
            key.revoked_at = clock.now()
        if ended == "expired":
            key.expires_at = clock.now() - datetime.timedelta(seconds=1)
    return made.key if ended != "unknown" else f"{made.key[:-1]}{'0' if made.key[-1] != '0' else '1'}"
