"""Webhooks: tallies of what deliveries came to."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_tallies"
down_revision = "20261122_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_tally",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("up_to_ms", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "up_to_ms", name=op.f("pk_webhook_tally")),
    )


def downgrade() -> None:
    op.drop_table("webhook_tally")
