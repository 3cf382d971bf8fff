"""Loading the first campaign, when it does not go as it should."""

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from app.demands import publishing
from app.ledger import reading
from app.seeding import load
from tests.factories import API


def test_a_failure_in_the_middle_leaves_nothing_behind(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(publishing, "publish", fail)
        with pytest.raises(RuntimeError):
            load(database)

    with database.read() as session:
        assert reading.head(session).seq == 0
    assert load(database).demands == 19
    assert len(client.get(f"{API}/demands?limit=100").json()["items"]) == 19
