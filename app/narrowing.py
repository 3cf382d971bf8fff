"""Whether the words that followers narrow events by name what is there: nobody should wait for what cannot come."""

from collections.abc import Iterable

from sqlmodel import Session

from app.accounts.actor import Actor
from app.accounts.queries import organizations_named
from app.bodies.queries import bodies_named
from app.campaigns.queries import campaigns_named, kinds_named
from app.fields import Audience
from app.ledger.reading import is_shown
from app.ledger.types import FOR_STAFF
from app.ledger.words import Filters
from app.problems import invalid


def check_filters(session: Session, actor: Actor, filters: Filters) -> None:
    """Those of a body, to be kept: the demands as well. Raises Invalid for what the actor may not see, too."""
    check_words(session, actor, filters, "body.filters")
    for ref in filters.demand or ():
        if not is_shown(session, actor.audience, f"demand:{ref}"):
            raise invalid("body.filters.demand", f"there is no demand {ref}")


def check_types(audience: Audience, types: Iterable[str], where: str = "body.types") -> None:
    """For a follower of this circle. Raises Invalid for those that only staff are told of."""
    for_staff = [name for name in types if name in FOR_STAFF]
    if for_staff and audience is not Audience.STAFF:
        raise invalid(where, f"only staff are told of {', '.join(for_staff)}")


def check_words(session: Session, actor: Actor, words: Filters, where: str) -> None:
    """Raises Invalid; `where` is the place of the words in the request."""
    if words.campaign:
        campaigns_named(session, words.campaign, f"{where}.campaign")
    if words.kind:
        kinds_named(session, words.kind, f"{where}.kind")
    if words.body:
        bodies_named(session, words.body, f"{where}.body")
    if words.issuer:
        organizations_named(session, actor, words.issuer, f"{where}.issuer")
