"""Verbs that change sources."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from app import etags
from app.accounts.actor import Actor
from app.accounts.audience import may_see
from app.accounts.roles import Role
from app.bodies.queries import bodies_named
from app.database import serialize
from app.ledger import things
from app.problems import Conflict
from app.sources.models import Source, SourceIssuer
from app.sources.naming import slugs_for
from app.sources.queries import get_source, sources_read
from app.sources.schemas import SourceFound, SourceNew, SourceRead, SourceRevision


class SeenByMore(Conflict):
    """This URL is recorded already, as a source that more people may see"""

    type = "seen-by-more"
    remedy = "Leave `audience` out to use the source in `source` as it is; an editor can narrow it."


def create_source(session: Session, actor: Actor, new: SourceNew) -> SourceRead:
    """One URL is one source: where it is there already, that one is found (SourceFound) and nothing is changed.

    Raises Conflict where the slug is taken, or the URL by a source that is not for the actor to see; SeenByMore where
    the one that is there has a wider audience than was asked for.
    """
    actor.must_be(Role.CAMPAIGNER)
    serialize(session, "sources")  # so that the second of two with one URL finds the first, and slugs get made once
    there = _with_url(session, new.url)
    if there:
        _check_seen(actor, there)
        _check_as_narrow(new, there)
        return SourceFound(**sources_read(session, [there])[0].model_dump())
    values = new.model_dump(exclude={"slug", "issued_by"})
    source = Source.model_validate({"slug": _free_slug(session, new), **values})
    session.add(source)
    session.flush()
    _issue(session, source, new.issued_by)
    return _record(session, actor, "source.created", source)


def revise_source(
    session: Session, actor: Actor, slug: str, revision: SourceRevision, if_match: str | None
) -> SourceRead:
    """What changes nothing is no event. Raises Forbidden where others would see it and the actor is no editor, Conflict
    for a URL that is taken.
    """
    actor.must_be(Role.CAMPAIGNER)
    serialize(session, "sources")
    source = get_source(session, actor, slug, lock=True)
    etags.check(if_match, source.version)
    was = sources_read(session, [source])[0]
    before = source.audience
    changes = revision.model_dump()
    if "url" in changes:
        _check_free(session, actor, source, changes["url"])
    if "issued_by" in changes:
        _issue(session, source, changes.pop("issued_by") or [])
    source.sqlmodel_update(changes)
    if source.audience is not before:
        actor.must_be(Role.EDITOR)
    session.flush()
    if sources_read(session, [source])[0] == was:
        return was
    read = revised(session, actor, source)
    if source.audience.is_narrower_than(before):
        things.record_withdrawal(session, actor, "source", source, before)
    return read


def revised(session: Session, actor: Actor, source: Source, type: str = "source.revised") -> SourceRead:
    """Let those who see the source know that it was changed."""
    source.touch()
    return _record(session, actor, type, source)


def _with_url(session: Session, url: str | None) -> Source | None:
    return session.scalars(select(Source).where(col(Source.url) == url)).one_or_none() if url else None


def _check_seen(actor: Actor, there: Source) -> None:
    if not may_see(actor, there.audience):
        raise Conflict("This URL is taken.")


def _check_as_narrow(new: SourceNew, there: Source) -> None:
    """An audience that was not asked for is nobody's wish."""
    if "audience" in new.model_fields_set and new.audience.is_narrower_than(there.audience):
        raise SeenByMore(
            f"This URL is recorded already as the source {there.slug}, which more people may see "
            f"(`audience: {there.audience}`). Leave `audience` out to use it as it is; an editor can narrow it.",
            source=there.slug,
            audience=there.audience,
        )


def _free_slug(session: Session, new: SourceNew) -> str:
    """The one that was asked for, or one that is made."""
    if new.slug:
        if _is_taken(session, new.slug):
            raise Conflict(f"There is a source {new.slug} already.")
        return new.slug
    year = new.published_on[:4] if new.published_on else None
    return next(slug for slug in slugs_for(year, new.title, new.publisher) if not _is_taken(session, slug))


def _is_taken(session: Session, slug: str) -> bool:
    return session.scalars(select(col(Source.id)).where(col(Source.slug) == slug)).first() is not None


def _check_free(session: Session, actor: Actor, source: Source, url: str | None) -> None:
    there = _with_url(session, url)
    if there and there is not source:
        _check_seen(actor, there)
        raise Conflict(f"This is the URL of the source {there.slug} already.")


def _issue(session: Session, source: Source, slugs: Sequence[str]) -> None:
    """Let these bodies, and no others, be those that issued the source."""
    wanted = {body.id for body in bodies_named(session, slugs, lambda n: f"body.issued_by.{n}")}
    present = {
        row.body_id: row
        for row in session.scalars(select(SourceIssuer).where(col(SourceIssuer.source_id) == source.id))
    }
    for body_id in present.keys() - wanted:
        session.delete(present[body_id])
    session.add_all(SourceIssuer(source_id=source.id, body_id=body_id) for body_id in wanted - present.keys())


def _record(session: Session, actor: Actor, type: str, source: Source) -> SourceRead:
    session.flush()
    read = sources_read(session, [source])[0]
    things.record_of(session, actor, type, source, read.model_dump(mode="json"))
    return read
