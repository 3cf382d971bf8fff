"""Verbs that change follows. They are no events: who follows what is nobody's business."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import ANONYMOUS
from app.accounts.clients import client_stamp
from app.database import serialize, settings_of
from app.demands.queries import tags_shown_to
from app.follows.models import Follow, FollowKey, FollowPlan, Pace
from app.follows.paces import next_digest_at
from app.follows.queries import CONFIRM_WITHIN, get_follow
from app.follows.schemas import USUAL_TYPES, FollowAsked, FollowNew
from app.ledger.reading import head
from app.ledger.selecting import match_keys
from app.ledger.words import Filters
from app.mail import outbox
from app.narrowing import check_filters, check_types
from app.problems import Conflict, TooManyRequests, invalid
from app.vault import Vault

CLIENT_AN_HOUR = 20
CONFIRMATIONS_A_DAY = 3  # to one address, whoever asks
FOLLOWS_OF_AN_ADDRESS = 50
CONFIRMATION = "follow.confirmation"
WHAT_NOW = (
    "If this address can be written to, a mail is on its way to it. Open the link in it to confirm."
    f" One address gets at most {CONFIRMATIONS_A_DAY} such mails a day that it does not confirm."
)


class MailIsOff(Conflict):
    """This tracker sends no e-mail"""

    type = "mail-is-off"
    remedy = "Follow in another way, such as a feed. Whoever runs the tracker can name a mail server and a sender."


def ask_to_follow(session: Session, vault: Vault, client: str, new: FollowNew) -> FollowAsked:
    """Raises MailIsOff, TooManyRequests, and Invalid for filters that name what is not there and
    types that will never come.

    The answer and the work are the same whether the address is known or not, and whether a mail is sent or not.
    """
    if not settings_of(session).sends_mail:
        raise MailIsOff("Nobody can follow by e-mail here: its operator has set no mail server (DEMANDS_SMTP_URL).")
    check_followable(session, new.filters)
    check_types(ANONYMOUS.audience, new.types)
    follow = Follow(
        address_sealed=vault.seal(new.email.encode()),
        address_stamp=_address_stamp(vault, new.email),
        client_stamp=client_stamp(vault, client),
        types=new.types or USUAL_TYPES,
        filters=new.filters.model_dump(exclude_none=True),
        pace=new.pace,
        timezone=new.timezone,
        cursor_seq=0,
    )
    serialize(session, f"follows asked for by {follow.client_stamp}")
    _check_client(session, follow)
    if _may_be_asked(session, follow):
        outbox.put(session, CONFIRMATION, about(follow.id))
    session.add(follow)
    return FollowAsked(
        filters=follow.filters,
        types=follow.types,
        pace=follow.pace,
        timezone=follow.timezone,
        confirm_within_hours=int(CONFIRM_WITHIN.total_seconds() // 3600),
        what_now=WHAT_NOW,
    )


def check_followable(session: Session, filters: Filters) -> None:
    """Raises Invalid for what is not there, or not public.

    A mail says what is followed, and may go to somebody who did not ask: no words that whoever asked made up.
    """
    check_filters(session, ANONYMOUS, filters)
    tags = filters.tag or []
    shown = tags_shown_to(session, ANONYMOUS, tags)
    for tag in tags:
        if tag not in shown:
            raise invalid("body.filters.tag", f"no demand has the tag {tag}")


def confirm_follow(session: Session, follow_id: uuid.UUID) -> Follow:
    """From now on; a second time changes nothing. What the address followed by the same filter before is replaced.

    Raises NotFound.
    """
    _one_at_a_time(session, get_follow(session, follow_id).address_stamp)
    follow = get_follow(session, follow_id, lock=True)
    if follow.confirmed_at:
        return follow
    now = clock.now()
    follow.confirmed_at, follow.client_stamp = now, None
    follow.cursor_seq = head(session).seq
    _replace_others(session, follow)
    if follow.pace is Pace.AT_ONCE:
        # once unasked: whoever plans what happens at this moment may not see the keys yet
        follow.ready_at = now + datetime.timedelta(seconds=settings_of(session).follow_gather_seconds)
        keys = sorted(match_keys(follow.types, follow.filters))
        session.add_all([FollowKey(match_key=key, follow_id=follow.id) for key in keys])
    else:
        follow.ready_at = next_digest_at(follow.pace, follow.timezone, now)
    return follow


def end_follow(session: Session, follow_id: uuid.UUID) -> list[uuid.UUID] | None:
    """With what was still to be mailed, and with the address, if it was its last.

    Returns the others of the address, those that wait for its confirmation too; None where it had ended before.
    """
    follow = session.get(Follow, follow_id, with_for_update=True, populate_existing=True)
    outbox.drop(session, about(follow_id))  # after the lock, as whoever passes its mails on does
    if follow is None:
        return None
    session.delete(follow)
    session.flush()
    return _of_address(session, follow.address_stamp)


def end_all(session: Session, follow_id: uuid.UUID) -> list[uuid.UUID] | None:
    """It and the others of its address, which is erased; returns as `end_follow` does."""
    follow = session.get(Follow, follow_id)
    if follow:
        _one_at_a_time(session, follow.address_stamp)
    others = end_follow(session, follow_id)
    for other in others or ():
        end_follow(session, other)
    return None if others is None else []


def erase_address(session: Session, vault: Vault, address: str) -> int:
    """End all that it follows, or was asked to confirm; tells how many."""
    stamp = _address_stamp(vault, address)
    _one_at_a_time(session, stamp)
    ids = _of_address(session, stamp)
    for follow_id in ids:
        end_follow(session, follow_id)
    return len(ids)


def about(follow_id: uuid.UUID) -> str:
    """What mails of the follow are filed under."""
    return f"follow:{follow_id}"


def _check_client(session: Session, follow: Follow) -> None:
    lately = col(Follow.created_at) > clock.now() - datetime.timedelta(hours=1)
    if _count(session, col(Follow.client_stamp) == follow.client_stamp, lately) >= CLIENT_AN_HOUR:
        raise TooManyRequests(f"You may ask {CLIENT_AN_HOUR} times an hour to follow something.")


def _may_be_asked(session: Session, follow: Follow) -> bool:
    """Whether the address may get another mail of this sort: nobody's mailbox is to be filled by others."""
    same, confirmed = col(Follow.address_stamp) == follow.address_stamp, col(Follow.confirmed_at).is_not(None)
    lately = col(Follow.created_at) > clock.now() - datetime.timedelta(days=1)
    asked = _count(session, same, lately, ~confirmed)
    return asked < CONFIRMATIONS_A_DAY and _count(session, same, confirmed) < FOLLOWS_OF_AN_ADDRESS


def _replace_others(session: Session, follow: Follow) -> None:
    """What they had not been told of yet is told at the new pace, and what is on its way to them goes on."""
    same = (col(Follow.address_stamp) == follow.address_stamp, col(Follow.confirmed_at).is_not(None))
    others = session.scalars(select(Follow).where(*same, col(Follow.id) != follow.id).with_for_update()).all()
    planned = session.scalars(select(col(FollowPlan.seq))).one()
    for other in others:
        if _without_order(other.filters) == _without_order(follow.filters):
            # whoever sleeps has nothing to come up to what was planned, whatever the new types would find there
            told = other.cursor_seq if other.ready_at else max(other.cursor_seq, planned)
            follow.cursor_seq = min(follow.cursor_seq, told)
            outbox.pass_on(session, about(other.id), to=about(follow.id))
            end_follow(session, other.id)


def _one_at_a_time(session: Session, stamp: str) -> None:
    """For whoever locks several follows of an address: before the first of them."""
    serialize(session, f"follows of {stamp}")


def _of_address(session: Session, stamp: str) -> list[uuid.UUID]:
    return list(session.scalars(select(col(Follow.id)).where(col(Follow.address_stamp) == stamp)))


def _without_order(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {word: set(value) if isinstance(value, list) else value for word, value in filters.items()}


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(Follow).where(*conditions)).scalar_one())


def _address_stamp(vault: Vault, address: str) -> str:
    return vault.stamp("address", address.strip().lower())
