"""Webhooks: since when each is active, paused, disabled or unverified; of those that are there, at the latest."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_state_since"
down_revision = "20261122_erased_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_since", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE webhook SET state_since = updated_at")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.alter_column("state_since", existing_type=sa.DateTime(timezone=True), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("state_since")
