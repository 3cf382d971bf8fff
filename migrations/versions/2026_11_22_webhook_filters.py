"""Webhooks: whose filters were revised is told of all that is taken back."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_filters"
down_revision = "20261122_attempts_by_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("filters_were_revised", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE webhook SET filters_were_revised = (version > 1)")  # what was revised was not kept until now
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.alter_column("filters_were_revised", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("filters_were_revised")
