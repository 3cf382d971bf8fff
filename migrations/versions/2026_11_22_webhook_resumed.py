"""Webhooks: how long an endpoint has failed says what is given up; when it was let go on need not be known."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_resumed"
down_revision = "20261122_old_undelivered"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("resumed_at")


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
