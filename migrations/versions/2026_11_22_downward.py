"""Demands: an index by deadline from the last to the first, those without one after them."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_downward"
down_revision = "20261122_counting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_demand_deadline_downward", "demand", [sa.text("coalesce(deadline, '')"), "id"])


def downgrade() -> None:
    op.drop_index("ix_demand_deadline_downward", "demand")
