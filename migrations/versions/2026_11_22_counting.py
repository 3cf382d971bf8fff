"""Status changes: the day that each counts from, which a coarse date leaves open."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_counting"
down_revision = "20261122_follows"
branch_labels = None
depends_on = None

# A change counts from its first day, but not from before the demand was made or the change that it follows; what a
# correction begins overrules what was before it.
FILL = """
UPDATE status_change SET counts_from = told.day
FROM (
    SELECT id, max(day) OVER (PARTITION BY demand_id, corrections ORDER BY number) AS day
    FROM (
        SELECT each.id, each.demand_id, each.number, each.corrections,
               CASE WHEN each.day < made.day THEN made.day ELSE each.day END AS day
        FROM (
            SELECT id, demand_id, number, substr(effective_on || '-01-01', 1, 10) AS day,
                   sum(CASE kind WHEN 'correction' THEN 1 ELSE 0 END)
                       OVER (PARTITION BY demand_id ORDER BY number) AS corrections
            FROM status_change
        ) AS each
        JOIN (SELECT id, substr(first_made_on || '-01-01', 1, 10) AS day FROM demand) AS made
            ON made.id = each.demand_id
    ) AS counted
) AS told
WHERE told.id = status_change.id
"""


def upgrade() -> None:
    day = sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql")
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counts_from", day, nullable=True))
    op.execute(FILL)
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.alter_column("counts_from", existing_type=day, nullable=False)
        batch_op.create_check_constraint(
            op.f("ck_status_change_counts_from"), "length(counts_from) = 10 AND counts_from >= effective_on"
        )


def downgrade() -> None:
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_status_change_counts_from"), type_="check")
        batch_op.drop_column("counts_from")
