"""Webhooks: how much their messages say, and headers of their own."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_messages"
down_revision = "20261122_webhook_contact"
branch_labels = None
depends_on = None


def upgrade() -> None:
    payload = sa.Enum("full", "thin", name="payload", native_enum=False, create_constraint=True, length=40)
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("payload", payload, nullable=False, server_default="full"))
        batch_op.add_column(sa.Column("sealed_headers", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.alter_column("payload", server_default=None)
        batch_op.alter_column("sealed_headers", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_webhook_payload"), type_="check")
        batch_op.drop_column("sealed_headers")
        batch_op.drop_column("payload")
