"""What makes an answer the same answer: the ledger's head, today's date (flags turn at midnight), and who reads.

Everything that anyone can see changes only by an event, so the head says whether anything did.
"""

from sqlmodel import Session

from app import clock
from app.fields import Audience
from app.ledger.reading import head


def validator(session: Session, audience: Audience) -> str:
    here = head(session)
    return f"{here.epoch[:12]}.{here.seq}.{clock.today():%Y%m%d}.{audience}"
