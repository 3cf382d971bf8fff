"""Webhooks: a key pair beside the secret, for those that want one."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_key_pairs"
down_revision = "20261122_webhook_messages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("v1a", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.alter_column("v1a", server_default=None)
    with op.batch_alter_table("webhook_secret", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_key", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("webhook_secret", schema=None) as batch_op:
        batch_op.drop_column("sealed_key")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("v1a")
