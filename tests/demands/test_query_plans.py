"""How the database answers the list: every filter and every order by an index, and never by reading all demands."""

import datetime
import re
from datetime import UTC

import pytest
from sqlalchemy import insert, literal, select

from app.models import metadata
from tests.factories import API, a_draft, a_source, an_organization
from tests.statements import asked

ALL = r"\b(SCAN demand$|Seq Scan on demand\b)"  # in the words of SQLite and of PostgreSQL
FILTERS = {
    "campaign={campaign}": "ix_demand_campaign_updated",
    "kind={kind}": "ix_demand_kind_updated",
    "status=open": "ix_demand_status_updated",
    "status=open&status=met": "ix_demand_status_updated",
    "group=moving": "ix_demand_status_updated",
    "body={body}": "ix_target_body_demand",
    "issuer={issuer}": "ix_demand_issuer_organization",
    "source={source}": "ix_citation_source_demand",
    "tag=x": "ix_demand_tag_tag",
    "publication=in_review": "ix_demand_publication_updated",
    "q=word": "demand_search",
    "overdue=true": "ix_demand_deadline",
    "stale=true": "ix_demand_campaign_",
    "disputed=true": "ix_demand_disputed_updated",
    "no_response=true": "ix_demand_answered_updated",
    "updated_since=2024-01-01": "ix_demand_updated",
    "as_of=2024-01-01": "uq_status_change_demand_id_number|sqlite_autoindex_status_change_2",
}
ORDERS = {
    "sort=updated_at": "ix_demand_updated",
    "sort=ref": "uq_demand_ref_order|sqlite_autoindex_demand_3",
    "sort=first_made_on": "ix_demand_first_made_on",
    "sort=deadline": "ix_demand_deadline_(order|downward)",
    "sort=status_since": "ix_demand_status_since",
}


@pytest.fixture
def plan_of(client, database):
    """`plan_of(client, "status=open")`: how the statement for that page runs, in the database's words.

    Reading or sorting everything may be quick enough for PostgreSQL, so it is told to avoid that, and what is named.
    """
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN (COSTS OFF) "

    def plan_of(client, query, *avoided):
        with asked() as statements:
            answer = client.get(f"{API}/demands?{query}")
        assert answer.status_code == 200, answer.text
        words = ("FROM demand ", "ORDER BY", "LIMIT")
        ((statement, parameters),) = (each for each in statements if all(word in each[0] for word in words))
        with database.engine.connect() as connection:
            if not database.is_sqlite:
                for way in ("seqscan", *avoided):
                    connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))

    return plan_of


@pytest.fixture
def names(ada, common, database):
    """Of things that exist, to filter by: they find one demand among a thousand."""
    found = {"issuer": an_organization(ada)["slug"], "source": a_source(ada)["slug"]}
    a_draft(ada, issuers=[found["issuer"]], **common)
    a_crowd(database, like=a_draft(ada)["ref"])
    return {**found, **common, "body": common["targets"][0]["body"]}


def a_crowd(database, like):
    """A thousand copies of a demand that is public, answered and settled; PostgreSQL looks at them to plan with."""
    demands, tags = metadata.tables["demand"], metadata.tables["demand_tag"]
    tagged = select(demands.c.id, literal("crowd")).where(demands.c.number >= 1_000)
    columns = [column for column in demands.columns if column.computed is None and column.name != "id"]
    settled = {
        "publication": "published",
        "answered": True,
        "status": "withdrawn",
        "updated_at": datetime.datetime(2023, 1, 1, tzinfo=UTC),
    }
    with database.engine.begin() as connection:
        pattern = connection.execute(select(*columns).where(demands.c.ref == like)).mappings().one()
        copies = [
            {**pattern, **settled, "number": number, "ref": f"CROWD-{number}", "ref_order": f"CROWD-{number:09}"}
            for number in range(1_000, 2_000)
        ]
        connection.execute(insert(demands), copies)
        connection.execute(insert(tags).from_select(["demand_id", "tag"], tagged))
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")


def test_every_filter_is_answered_by_its_index(ada, plan_of, names):
    for query, index in FILTERS.items():
        plan = plan_of(ada, query.format(**names))
        assert re.search(index, plan), f"{query}\n{plan}"
        assert not re.search(ALL, plan, re.MULTILINE), f"{query}\n{plan}"


def test_every_order_is_that_of_an_index(ada, plan_of, names):
    for query, index in ORDERS.items():
        for both in (query, query.replace("=", "=-")):
            plan = plan_of(ada, both, "sort")
            assert re.search(index, plan), f"{both}\n{plan}"
            assert not re.search(rf"{ALL}|TEMP B-TREE|\bSort\b", plan, re.MULTILINE), f"{both}\n{plan}"


def test_what_is_asked_for_the_public_is_answered_by_an_index_too(client, plan_of, names):
    for query in FILTERS:
        plan = plan_of(client, query.format(**names))
        assert not re.search(ALL, plan, re.MULTILINE), f"{query}\n{plan}"
    assert re.search("ix_demand_(visible_)?updated", plan_of(client, "", "sort"))
