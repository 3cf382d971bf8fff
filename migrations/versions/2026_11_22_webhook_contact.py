"""Webhooks: whom to tell when an endpoint is in trouble."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_contact"
down_revision = "20261122_webhook_operations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contact_email", sa.String(254), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("contact_email")
