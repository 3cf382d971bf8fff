"""Names by which things refer to each other. Words in them are not rewritten: redaction is refused, with a way out."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, literal, select
from sqlmodel import Session, col

from app.accounts.models import Organization
from app.bodies.models import Body
from app.campaigns.models import Campaign, Kind
from app.database import mentions
from app.demands.models import Demand, Tag
from app.fields import Audience
from app.problems import Conflict
from app.sources.models import Source
from app.sources.naming import words as words_in

HIDEABLE: dict[Any, str] = {Source: "source", Organization: "organization"}
LASTING: dict[Any, str] = {Body: "body", Campaign: "campaign", Kind: "kind"}


class StandsInAName(Conflict):
    """These words stand where other things refer to"""

    type = "stands-in-a-name"
    remedy = "Do first what `detail` says of the name that has the words, then redact."


def check(session: Session, words: str) -> None:
    """Raises StandsInAName, which says what to do first."""
    for refusal in _refusals(session, words, "-".join(words_in(words))):
        raise StandsInAName(refusal)


def _refusals(session: Session, words: str, slug: str) -> Iterator[str]:
    """`slug` is empty where the words are of a script that slugs do not have."""
    for kind in session.scalars(select(Kind)):
        if any(words in label for label in kind.label.values()):
            yield f"A label of the kind {kind.slug} has these words; give it another first."
    if not slug:
        return
    tagged = select(col(Tag.tag), col(Demand.ref)).join(Demand, col(Demand.id) == col(Tag.demand_id))
    for tag, ref in session.execute(tagged.where(_has(Tag.tag, slug)).limit(1)):
        yield f"The tag {tag} of {ref} has these words; take it off that demand first."
    for model, noun in HIDEABLE.items():
        name, audience = col(model.slug), col(model.audience)
        for found in session.scalars(select(name).where(_has(name, slug), audience != Audience.STAFF).limit(1)):
            also = " and `url: null`" if model is Source else ""
            yield (
                f"The slug of the {noun} {found} has these words, and a slug never changes. Take that {noun} from view "
                f"with `audience: staff`{also}, record it again under a slug without them, then redact."
            )
    for lasting, noun in LASTING.items():
        for found in session.scalars(select(col(lasting.slug)).where(_has(lasting.slug, slug)).limit(1)):
            yield (
                f"The slug of the {noun} {found} has these words, and it never changes. "
                "Redact a longer text that the slug does not have."
            )


def _has(name: Any, slug: str) -> Any:
    """Whether these words stand in the name, each whole: `lee` does not stand in `people-fleeing`."""
    parted = literal("-").concat(func.replace(col(name), "_", "-")).concat("-")
    return mentions(parted, f"-{slug}-")
