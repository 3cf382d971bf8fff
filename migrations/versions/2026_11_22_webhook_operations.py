"""Webhooks: what was sent along with each attempt, replays, and when a webhook went on."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_webhook_operations"
down_revision = "20261122_webhooks"
branch_labels = None
depends_on = None


def _seq() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("webhook_attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("request_headers", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("webhook_attempt", schema=None) as batch_op:
        batch_op.alter_column("request_headers", server_default=None)
        batch_op.create_index("ix_webhook_attempt_webhook_id_outcome_id", ["webhook_id", "outcome", "id"], unique=False)

    with op.batch_alter_table("webhook_lane", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warned_hours", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("webhook_lane", schema=None) as batch_op:
        batch_op.alter_column("warned_hours", server_default=None)

    op.create_table(
        "webhook_replay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("from_seq", _seq(), nullable=False),
        sa.Column("to_seq", _seq(), nullable=False),
        sa.Column("at_seq", _seq(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("only_undelivered", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "finished",
                "expired",
                name="replay_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_replay_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_replay")),
    )
    with op.batch_alter_table("webhook_replay", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_replay_webhook_id_id", ["webhook_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("webhook_replay")
    with op.batch_alter_table("webhook_lane", schema=None) as batch_op:
        batch_op.drop_column("warned_hours")

    with op.batch_alter_table("webhook_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_attempt_webhook_id_outcome_id")
        batch_op.drop_column("request_headers")

    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_column("resumed_at")
