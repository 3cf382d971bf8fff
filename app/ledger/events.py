"""What the ledger tells of itself."""

from pydantic import BaseModel


class Restored(BaseModel):
    """What was told after this entry is gone, and the numbers after it are given anew."""

    epoch: str
    seq: int


class AboutLedger(BaseModel):
    ledger: Restored


EVENTS: dict[str, type[BaseModel]] = {"ledger.restored": AboutLedger}
