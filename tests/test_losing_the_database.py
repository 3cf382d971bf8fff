"""A database that is lost while it works: whoever asked is told what is known about it, and nothing else."""

import random
from contextlib import closing

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from app.database import Database
from app.follows.models import Follow
from app.main import create_app
from app.settings import Settings
from tests.cutting import Network
from tests.databases import on_postgresql
from tests.factories import API
from tests.webhooks.deliveries import rows

NEW = {"email": "reader@example.org", "pace": "daily"}


class Unanswered(random.Random):
    """Every COMMIT is done, and nobody hears of it."""

    def random(self) -> float:
        return 0.9


@pytest.fixture
def cut_off(database, settings):
    """A client of an app that is cut off from PostgreSQL at the first commit."""
    with Network(database.url, Unanswered(), share=1.0, most=1) as network:
        app = create_app(settings.model_copy(update={"database_url": network.url}))
        network.breaks = True
        yield TestClient(app)
        app.state.database.dispose()


def opened_with(url):
    database = Database(Settings(_env_file=None, database_url=url))
    with closing(database.engine.raw_connection()) as connection:
        assert connection.driver_connection
        parameters = connection.driver_connection.info.get_parameters()
    database.dispose()
    return parameters


@on_postgresql
def test_who_cannot_know_whether_it_was_done_is_told_so_and_how_to_repeat_it(cut_off, database):
    once = {"Idempotency-Key": "once"}

    unheard = cut_off.post(f"{API}/follows", json=NEW, headers=once)
    done = len(rows(database, Follow))
    again = cut_off.post(f"{API}/follows", json=NEW, headers=once)

    assert (unheard.status_code, unheard.json()["type"]) == (503, "/problems/uncertain")
    assert "Idempotency-Key" in unheard.json()["detail"]
    assert unheard.headers["Retry-After"] == "2"
    assert done == 1
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert len(rows(database, Follow)) == 1


@on_postgresql
def test_who_only_read_may_just_ask_again(cut_off):
    lost, again = (cut_off.get(f"{API}/kinds") for _ in range(2))

    assert (lost.status_code, lost.json()["type"]) == (503, "/problems/unavailable")
    assert "nothing was changed" in lost.json()["detail"]
    assert again.status_code == 200


@on_postgresql
def test_who_finds_no_database_is_told_that_nothing_was_changed(settings):
    app = create_app(settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"}))

    refused = TestClient(app).post(f"{API}/follows", json=NEW)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
    assert "nothing was changed" in refused.json()["detail"]


@on_postgresql
def test_a_network_that_has_silently_gone_is_found_out_within_a_minute(settings):
    """By the system, which is told so when a connection is opened: the seconds of the probes, and the milliseconds."""
    probes = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}

    assert opened_with(settings.database_url).items() >= {**probes, "tcp_user_timeout": "60000"}.items()


@on_postgresql
def test_what_the_url_says_of_connecting_counts(settings):
    patient = make_url(settings.database_url).update_query_dict({"keepalives_idle": "300"})

    parameters = opened_with(patient.render_as_string(hide_password=False))

    assert (parameters["keepalives_idle"], parameters["keepalives_interval"]) == ("300", "10")
