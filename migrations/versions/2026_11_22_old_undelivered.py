"""Webhooks: find what was given up long ago."""

from alembic import op

revision = "20261122_old_undelivered"
down_revision = "20261122_downward"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook_undelivered") as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_undelivered_set_aside_at"), ["set_aside_at"])


def downgrade() -> None:
    with op.batch_alter_table("webhook_undelivered") as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_undelivered_set_aside_at"))
