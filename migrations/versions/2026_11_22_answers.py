"""Demands: whether some target has answered, so that those without a response are found in the order of the list."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_answers"
down_revision = "20261122_webhook_key_pairs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default stays: to take it away, SQLite would build the table anew, without the triggers of the search.
    op.add_column("demand", sa.Column("answered", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE demand SET answered = true"
        " WHERE EXISTS (SELECT 1 FROM target WHERE target.demand_id = demand.id AND target.response <> 'none')"
    )
    op.create_index("ix_demand_answered_updated", "demand", ["answered", "updated_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_demand_answered_updated", "demand")
    op.drop_column("demand", "answered")
