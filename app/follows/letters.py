"""What followers are mailed: the question whether they want it, and what they asked for."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from app.changes import syndicating
from app.database import settings_of
from app.follows.actions import CONFIRMATION
from app.follows.gathering import CHANGES
from app.follows.links import Purpose, link
from app.follows.models import Follow, Pace
from app.follows.paces import zone_of
from app.follows.queries import CONFIRM_WITHIN, GATE, address_of, is_over, people_at, wanted
from app.follows.schemas import USUAL_TYPES
from app.ledger import telling, words
from app.ledger.models import Event
from app.ledger.reading import COLUMNS, EventView, views
from app.mail.letters import Letter, Passage, message_id
from app.mail.outbox import Claimed
from app.mail.posting import Writer
from app.settings import Settings
from app.vault import Vault

MOST_TOLD = 50
LONGEST_TOLD = 1_000  # of one change; the link leads to all of it
TAKEN_AWAY = ("demand.unpublished", "organization.withdrawn", "source.withdrawn")  # nobody can read on about it
PACES = {
    Pace.AT_ONCE: "at once",
    Pace.DAILY: "once a day, at seven in the morning",
    Pace.WEEKLY: "on Mondays, at seven in the morning",
}


def in_words(follow: Follow) -> str:
    """What is followed, which types where somebody chose them, and how often it is mailed."""
    chosen = f"; types: {_typed(follow.types)}" if set(follow.types) != set(USUAL_TYPES) else ""
    zone = "" if follow.pace is Pace.AT_ONCE else f" ({follow.timezone.replace('_', ' ')})"
    return f"{filters_in_words(follow.filters)}{chosen}; mailed {PACES[follow.pace]}{zone}"


def filters_in_words(filters: Mapping[str, Any]) -> str:
    return words.in_words(filters) or "all demands"


def ask_for_confirmation(session: Session, vault: Vault, mail: Claimed) -> Letter | None:
    follow = session.get(Follow, _follow_id(mail))
    if follow is None or follow.confirmed_at or is_over(follow):
        return None
    base_url = settings_of(session).base_url
    hours = int(CONFIRM_WITHIN.total_seconds() // 3600)
    return Letter(
        to=address_of(vault, follow),
        subject="Do you want to follow this?",
        passages=[
            Passage(f"Somebody asked Demand Tracker to mail you what happens to:\n\n{in_words(follow)}."),
            Passage(
                f"If that was you, confirm it within {hours} hours:",
                link(vault, base_url, Purpose.CONFIRM, follow.id),
                "Yes, mail me",
            ),
            Passage("If not, do nothing: you will get no mail, and your address is erased."),
        ],
    )


def tell_of_changes(session: Session, vault: Vault, mail: Claimed) -> Letter | None:
    """Of as much as may be told now; None where that is nothing."""
    follow = session.get(Follow, _follow_id(mail))
    if follow is None:
        return None
    address = address_of(vault, follow)
    own = people_at(session, [address]).get(address.lower())
    seqs = wanted(follow, own, mail.data["after"], mail.data["until"])
    count = session.execute(select(func.count()).select_from(seqs.subquery())).scalar_one()
    shown = _newest(session, seqs)
    if not shown:
        return None
    settings = settings_of(session)
    end = link(vault, settings.base_url, Purpose.END, follow.id)
    return Letter(
        to=address,
        subject=_heading(shown[0]) if count == 1 else f"{count} changes to what you follow",
        passages=[*_by_demand(shown, follow, settings), *_left_out(count - len(shown), follow, settings)],
        closing=[Passage(f"You follow {in_words(follow)}."), Passage("To get no more of this:", end, "Unfollow")],
        headers={
            "List-Id": f"Demand Tracker <follow.{urlsplit(settings.base_url).hostname}>",
            "List-Unsubscribe": f"<{end}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
            **(_thread(follow, shown[0], settings) if count == 1 else {}),
        },
    )


WRITERS: Mapping[str, Writer] = {CONFIRMATION: ask_for_confirmation, CHANGES: tell_of_changes}


def _newest(session: Session, seqs: Select[int]) -> list[EventView]:
    """As anyone may see them, in their order."""
    newest = session.scalars(seqs.order_by(col(Event.seq).desc()).limit(MOST_TOLD)).all()
    events = select(*COLUMNS).where(col(Event.seq).in_(newest)).order_by(col(Event.seq))
    return views(session, GATE, session.connection().execute(events).all())


def _by_demand(shown: Sequence[EventView], follow: Follow, settings: Settings) -> list[Passage]:
    """In the order in which each was first heard of; within one, as it happened."""
    together: dict[str, list[EventView]] = {}
    for view in shown:
        together.setdefault(view.demand or str(view.id), []).append(view)
    return [
        Passage(
            heading=_heading(same[-1]),
            items=[_told(view, zone_of(follow.timezone)) for view in same],
            link="" if same[-1].type in TAKEN_AWAY else settings.base_url + syndicating.address(same[-1]),
        )
        for same in together.values()
    ]


def _told(view: EventView, zone: ZoneInfo) -> str:
    recorded = view.recorded_at.astimezone(zone)
    sentence = telling.sentence(view.type, view.data)
    if len(sentence) > LONGEST_TOLD:
        sentence = f"{sentence[: LONGEST_TOLD - 1].rstrip()}…"
    return f"{sentence}\nRecorded {recorded:%d %B %Y, %H:%M} {recorded.tzname()}."


def _heading(view: EventView) -> str:
    if view.demand is None:
        return telling.sentence(view.type, view.data)
    title = ((view.data or {}).get("demand") or {}).get("title")
    return f"{view.demand}: {title}" if title else view.demand


def _left_out(count: int, follow: Follow, settings: Settings) -> list[Passage]:
    if count <= 0:
        return []
    address = words.in_an_address({**follow.filters, "types": follow.types})
    feed = f"{settings.base_url}/api/v1/feed.atom?{address}"
    changes = "change" if count == 1 else "changes"
    return [
        Passage(f"And {count} earlier {changes}, for which there is the feed:", feed, "The feed of what you follow")
    ]


def _thread(follow: Follow, view: EventView, settings: Settings) -> dict[str, str]:
    """Mails about one demand stand together, below one that was never sent (RFC 5322, section 3.6.4)."""
    assert settings.mail_from
    root = message_id(f"{follow.id.hex}.{view.demand or view.id.hex}", settings.mail_from)
    return {"In-Reply-To": root, "References": root}


def _follow_id(mail: Claimed) -> uuid.UUID:
    return uuid.UUID(mail.about.partition(":")[2])


def _typed(types: Sequence[str]) -> str:
    return ", ".join(name.replace(".", " ").replace("_", " ") for name in types)
