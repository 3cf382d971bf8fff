"""`demands verify`: a script learns by the exit code whether all is as it was recorded, and a person what is not."""

from sqlalchemy import text

from tests.databases import on_sqlite
from tests.factories import a_demand, a_draft


def past_the_tracker(database, statement):
    with database.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_is_as_it_was_recorded_is_said_in_one_line(demands, ada):
    a_demand(ada)

    verified = demands("verify")

    assert (verified.exit_code, verified.stdout) == (0, "")
    assert verified.stderr.endswith("rows: all is as it was recorded.\n")


def test_what_was_changed_past_the_tracker_is_told_line_by_line(demands, database, ada):
    ref = a_demand(ada)["ref"]
    past_the_tracker(database, "UPDATE demand SET title = 'Another'")
    past_the_tracker(database, "UPDATE event SET hash = 'x' WHERE seq = 2")

    verified = demands("verify")

    lines = verified.stdout.splitlines()
    assert verified.exit_code == 1
    assert any(line.startswith("entry 2: its hash is not that of its content") for line in lines)
    assert any('title is "Another"; by the ledger it should be' in line for line in lines), ref
    assert verified.stderr.endswith(f": {len(lines)} problems.\n")


@on_sqlite
def test_of_many_problems_the_first_twenty_are_told(demands, database, ada):
    for _ in range(25):
        a_draft(ada)
    past_the_tracker(database, "UPDATE demand SET asks = 'Something else'")

    verified = demands("verify")

    assert verified.exit_code == 1
    assert len(verified.stdout.splitlines()) == 21
    assert verified.stdout.splitlines()[-1] == "… and 5 more"
