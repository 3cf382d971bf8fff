"""Webhooks: a replay waits by itself when it fails, and can be cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_replays"
down_revision = "20261122_webhook_resumed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow_states("running", "finished", "expired", "cancelled")
    with op.batch_alter_table("webhook_replay", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fail_streak", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("webhook_replay", schema=None) as batch_op:
        batch_op.alter_column("fail_streak", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook_replay", schema=None) as batch_op:
        batch_op.drop_column("retry_at")
        batch_op.drop_column("fail_streak")
    op.execute("UPDATE webhook_replay SET state = 'expired' WHERE state = 'cancelled'")
    _allow_states("running", "finished", "expired")


def _allow_states(*states: str) -> None:
    allowed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("webhook_replay", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_webhook_replay_replay_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_webhook_replay_replay_state"), f"state IN ({allowed})")
