"""Facts about things with an audience of their own: organisations and sources."""

from typing import Any, Protocol

from sqlmodel import Session

from app.fields import Audience
from app.ledger.sealing import About, Acting, record


class Thing(Protocol):
    slug: str
    audience: Audience


def record_of(
    session: Session, actor: Acting, type: str, thing: Thing, seen: dict[str, Any], audience: Audience | None = None
) -> None:
    """For those who see the thing, unless `audience` is narrower, with what they see of it."""
    noun, _, _ = type.partition(".")
    data: dict[str, Any] = {noun: seen}
    record(session, actor, type, _about(noun, thing), audience=audience or thing.audience, **data)


def record_withdrawal(session: Session, actor: Acting, noun: str, thing: Thing, before: Audience) -> None:
    """Those who could see it before learn that they no longer can, and nothing else."""
    data: dict[str, Any] = {noun: {"slug": thing.slug}}
    record(session, actor, f"{noun}.withdrawn", _about(noun, thing), audience=before, notice=True, **data)


def _about(noun: str, thing: Thing) -> About:
    key = f"{noun}:{thing.slug}"
    return About(keys=[key], thing=key, visible_to=thing.audience)
