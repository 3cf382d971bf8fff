"""Following by e-mail."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_follows"
down_revision = "20261122_mail"
branch_labels = None
depends_on = None


def _seq() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "follow",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_stamp", sa.String(43), nullable=False),
        sa.Column("client_stamp", sa.String(43), nullable=True),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column(
            "pace",
            sa.Enum("at_once", "daily", "weekly", name="pace", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cursor_seq", _seq(), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("burst_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("burst_changes", sa.Integer(), nullable=False),
        sa.Column("rest_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "confirmed_at IS NOT NULL OR ready_at IS NULL", name=op.f("ck_follow_confirmed_before_ready")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow")),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index("ix_follow_address_stamp_created_at", ["address_stamp", "created_at"], unique=False)
        batch_op.create_index("ix_follow_client_stamp_created_at", ["client_stamp", "created_at"], unique=False)
        batch_op.create_index(
            "ix_follow_ready_at",
            ["ready_at"],
            unique=False,
            postgresql_where=sa.text("ready_at IS NOT NULL"),
            sqlite_where=sa.text("ready_at IS NOT NULL"),
        )

    op.create_table(
        "follow_key",
        sa.Column("match_key", sa.String(120), nullable=False),
        sa.Column("follow_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["follow_id"], ["follow.id"], name=op.f("fk_follow_key_follow_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("match_key", "follow_id", name=op.f("pk_follow_key")),
    )
    with op.batch_alter_table("follow_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_key_follow_id"), ["follow_id"], unique=False)

    op.create_table(
        "follow_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", _seq(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_follow_plan_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_plan")),
    )
    plan = sa.table("follow_plan", sa.column("id"), sa.column("seq"))
    head = sa.table("ledger_head", sa.column("seq"))
    # what happened before anyone could follow concerns nobody
    op.execute(sa.insert(plan).from_select(["id", "seq"], sa.select(sa.literal_column("1"), head.c.seq)))


def downgrade() -> None:
    op.drop_table("follow_plan")
    op.drop_table("follow_key")
    op.drop_table("follow")
