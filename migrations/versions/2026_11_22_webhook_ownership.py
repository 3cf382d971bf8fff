"""Webhooks: whether an endpoint has proven that it is its organisation's."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_ownership"
down_revision = "20261122_webhook_tallies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow_states("active", "paused", "disabled", "unverified")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("verified_at")
    op.execute("UPDATE webhook SET state = 'paused' WHERE state = 'unverified'")
    _allow_states("active", "paused", "disabled")


def _allow_states(*states: str) -> None:
    allowed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_webhook_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_webhook_state"), f"state IN ({allowed})")
