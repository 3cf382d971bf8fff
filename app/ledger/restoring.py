"""After a backup was put in the database's place: a new epoch, and everyone is told."""

import uuid

from sqlmodel import Session, select

from app.fields import Audience
from app.ledger.events import Restored
from app.ledger.models import Head
from app.ledger.sealing import About, Acting, record


def begin_epoch(session: Session, actor: Acting) -> Restored:
    """Returns where the history ends that the epoch before has in common with this one.

    It is a notice, so it reaches all who follow, whatever their types and filters.
    """
    head = session.exec(select(Head).with_for_update()).one()
    head.epoch = uuid.uuid4().hex
    restored = Restored(epoch=head.epoch, seq=head.seq)
    about = About(keys=[])
    record(
        session, actor, "ledger.restored", about, audience=Audience.PUBLIC, notice=True, ledger=restored.model_dump()
    )
    return restored
