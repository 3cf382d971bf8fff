"""Routes for feed readers."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from app import caching, etags
from app.accounts.actor import Actor
from app.accounts.current import CurrentReader, Db
from app.changes import atom, syndicating
from app.changes.atom import Addresses
from app.changes.syndicating import Feed, SyndicationQuery
from app.database import Database
from app.fields import Ref
from app.paging import PageQuery, digest

router = APIRouter(tags=["changes"])
DemandRef = Annotated[Ref, Path(description="Such as NK-4.")]
Words = Annotated[SyndicationQuery, Query()]
Pages = Annotated[PageQuery, Query()]


def _answers(media: str) -> dict[int | str, dict[str, Any]]:
    shape = {"type": "string" if media == atom.ATOM else "object"}
    found = {"content": {media: {"schema": shape}}, "description": "A feed"}
    return {200: found, 304: {"description": "Not modified"}}


@router.get("/feed.atom", responses=_answers(atom.ATOM), response_class=Response)
def read_atom(database: Db, actor: CurrentReader, query: Words, request: Request) -> Response:
    """What happened, newest first, for feed readers; `rel="next"` leads to older entries."""
    return _answer(request, database, actor, atom.ATOM, partial(syndicating.of_everything, actor=actor, query=query))


@router.get("/feed.json", responses=_answers(atom.JSON_FEED), response_class=Response)
def read_json_feed(database: Db, actor: CurrentReader, query: Words, request: Request) -> Response:
    """The same as JSON Feed 1.1."""
    return _answer(
        request, database, actor, atom.JSON_FEED, partial(syndicating.of_everything, actor=actor, query=query)
    )


@router.get("/demands/{ref}/feed.atom", responses=_answers(atom.ATOM), response_class=Response)
def read_atom_of_demand(database: Db, actor: CurrentReader, ref: DemandRef, query: Pages, request: Request) -> Response:
    """The story of one demand, newest first, for feed readers."""
    return _answer(
        request, database, actor, atom.ATOM, partial(syndicating.of_demand, actor=actor, ref=ref, query=query), ref
    )


@router.get("/demands/{ref}/feed.json", responses=_answers(atom.JSON_FEED), response_class=Response)
def read_json_feed_of_demand(
    database: Db, actor: CurrentReader, ref: DemandRef, query: Pages, request: Request
) -> Response:
    """The same as JSON Feed 1.1."""
    return _answer(
        request, database, actor, atom.JSON_FEED, partial(syndicating.of_demand, actor=actor, ref=ref, query=query), ref
    )


def _answer(
    request: Request,
    database: Database,
    actor: Actor,
    media: str,
    find: Callable[[Session], Feed],
    ref: str | None = None,
) -> Response:
    with database.read() as session:
        if ref:
            syndicating.check_demand(session, actor, ref)  # before anything is said of a copy that the client has
        address = digest([request.url.path, request.url.query])  # so that no other feed's tag is taken for this one's
        tag = etags.etag(0, caching.validator(session, actor.audience), address)
        if etags.unchanged(request, tag):
            return etags.not_modified(tag)
        feed = find(session)
    write = atom.atom if media == atom.ATOM else atom.json_feed
    addresses = _addresses(request, database.settings.base_url, feed.next_cursor)
    return Response(write(feed, addresses), media_type=media, headers={"ETag": tag})


def _addresses(request: Request, base: str, next_cursor: str | None) -> Addresses:
    first = request.url.remove_query_params("cursor")
    following = request.url.include_query_params(cursor=next_cursor) if next_cursor else None
    return Addresses(
        base=base,
        own=_below(base, request.url),
        first=_below(base, first),
        next=_below(base, following) if following else None,
    )


def _below(base: str, url: Any) -> str:
    return f"{base}{url.path}" + (f"?{url.query}" if url.query else "")
