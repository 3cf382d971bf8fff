"""Mail: the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_mail"
down_revision = "20261122_webhook_ownership"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("about", sa.String(80), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sent",
                "given_up",
                name="mail_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(200), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (ready_at IS NOT NULL)", name=op.f("ck_mail_ready_while_waiting")),
        sa.CheckConstraint("(state = 'waiting') = (finished_at IS NULL)", name=op.f("ck_mail_finished_or_waiting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_about"), ["about"], unique=False)
        batch_op.create_index(batch_op.f("ix_mail_finished_at"), ["finished_at"], unique=False)
        batch_op.create_index(
            "ix_mail_ready_at",
            ["ready_at"],
            unique=False,
            postgresql_where=sa.text("ready_at IS NOT NULL"),
            sqlite_where=sa.text("ready_at IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table("mail")
