"""Webhooks: one that was paused is so again once its new URL is verified."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_paused"
down_revision = "20261122_webhook_replays"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused_once_verified", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.alter_column("paused_once_verified", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("paused_once_verified")
