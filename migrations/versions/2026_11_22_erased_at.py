"""Ledger: when an entry was emptied, so that readers of a feed notice. Outside of the hashes."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_erased_at"
down_revision = "20261122_webhook_paused"
branch_labels = None
depends_on = None

# When those were emptied that are empty already: then at the latest.
ERASED = """
    UPDATE event SET erased_at = (SELECT max(recorded_at) FROM event WHERE type = 'content.redacted')
    WHERE data IS NULL
"""


def upgrade() -> None:
    with op.batch_alter_table("event") as batch_op:
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(ERASED)


def downgrade() -> None:
    with op.batch_alter_table("event") as batch_op:
        batch_op.drop_column("erased_at")
