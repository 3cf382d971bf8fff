"""Webhooks: find attempts by when they were begun."""

from alembic import op

revision = "20261122_attempts_by_time"
down_revision = "20261122_webhook_state_since"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook_attempt") as batch_op:
        batch_op.create_index("ix_webhook_attempt_webhook_id_started_at_id", ["webhook_id", "started_at", "id"])
        batch_op.create_index(
            "ix_webhook_attempt_webhook_id_outcome_started_at_id", ["webhook_id", "outcome", "started_at", "id"]
        )
        batch_op.drop_index("ix_webhook_attempt_webhook_id_outcome_id")
        batch_op.drop_index("ix_webhook_attempt_webhook_id_id")


def downgrade() -> None:
    with op.batch_alter_table("webhook_attempt") as batch_op:
        batch_op.create_index("ix_webhook_attempt_webhook_id_id", ["webhook_id", "id"])
        batch_op.create_index("ix_webhook_attempt_webhook_id_outcome_id", ["webhook_id", "outcome", "id"])
        batch_op.drop_index("ix_webhook_attempt_webhook_id_outcome_started_at_id")
        batch_op.drop_index("ix_webhook_attempt_webhook_id_started_at_id")
