"""The catalogue of event types holds all that are recorded, and no others."""

from pathlib import Path

import pytest

import app
from app import ledger
from app.accounts.actor import system
from app.fields import Audience
from app.ledger.types import EVENT_TYPES


def test_an_event_of_an_unknown_type_cannot_be_recorded(database):
    about = ledger.About(keys=[])

    with database.write() as session, pytest.raises(ValueError, match=r"demand\.exploded"):
        ledger.record(session, system("tests"), "demand.exploded", about, audience=Audience.PUBLIC)


def test_what_the_catalogue_keeps_for_staff_is_recorded_for_nobody_else(database):
    about = ledger.About(keys=[])

    with database.write() as session, pytest.raises(ValueError, match="for staff"):
        ledger.record(session, system("tests"), "key.created", about, audience=Audience.PARTNERS)


def test_every_type_of_the_catalogue_is_recorded_somewhere():
    sources = [path for path in Path(app.__file__).parent.rglob("*.py") if path.name not in ("types.py", "events.py")]
    code = "\n".join(path.read_text() for path in sources)

    assert [name for name in EVENT_TYPES if f'"{name}"' not in code] == []
