"""The first tables, the ledger's head, and full-text search over demands."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "20261122_first"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "body",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("acronym", sa.String(40), nullable=True),
        sa.Column("classification", sa.String(80), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.Column("holder", sa.String(500), nullable=True),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_body_not_its_own_parent")),
        sa.CheckConstraint("successor_id <> id", name=op.f("ck_body_not_its_own_successor")),
        sa.ForeignKeyConstraint(["parent_id"], ["body.id"], name=op.f("fk_body_parent_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["body.id"], name=op.f("fk_body_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
        sa.UniqueConstraint("slug", name=op.f("uq_body_slug")),
    )
    with op.batch_alter_table("body", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_body_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_body_successor_id"), ["successor_id"], unique=False)

    op.create_table(
        "campaign",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("prefix", sa.String(10), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("review_interval_days", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_number >= 0", name=op.f("ck_campaign_last_number")),
        sa.CheckConstraint("review_interval_days BETWEEN 1 AND 3650", name=op.f("ck_campaign_review_interval")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("prefix", name=op.f("uq_campaign_prefix")),
        sa.UniqueConstraint("slug", name=op.f("uq_campaign_slug")),
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("campaign", sa.String(80), nullable=True),
        sa.Column("demand", sa.String(24), nullable=True),
        sa.Column("subject", sa.String(100), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "public", "partners", "staff", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "visible_to",
            sa.Enum(
                "public", "partners", "staff", name="visible_to", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("notice", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("images", sa.Text(), nullable=True),
        sa.Column("salt", sa.String(32), nullable=True),
        sa.Column("data_digest", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_campaign_seq", ["campaign", "seq"], unique=False)
        batch_op.create_index("ix_event_demand_seq", ["demand", "seq"], unique=False)
        batch_op.create_index("ix_event_subject_seq", ["subject", "seq"], unique=False)
        batch_op.create_index("ix_event_type_seq", ["type", "seq"], unique=False)

    op.create_table(
        "idempotent_answer",
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status BETWEEN 200 AND 299", name=op.f("ck_idempotent_answer_a_success")),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_idempotent_answer")),
    )
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotent_answer_created_at"), ["created_at"], unique=False)

    op.create_table(
        "kind",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("label", sa.JSON(), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kind")),
        sa.UniqueConstraint("slug", name=op.f("uq_kind_slug")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_subject",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column(
            "visible_to",
            sa.Enum(
                "public", "partners", "staff", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger_subject")),
    )
    op.create_table(
        "organization",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "public", "partners", "staff", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "reads",
            sa.Enum("public", "partners", "staff", name="reads", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("slug", name=op.f("uq_organization_slug")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "source",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("publisher", sa.String(300), nullable=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("language", sa.String(35), nullable=True),
        sa.Column(
            "published_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("date_note", sa.String(500), nullable=True),
        sa.Column("accessed_on", sa.Date(), nullable=True),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.Column("archive_url", sa.String(2000), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "public", "partners", "staff", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("slug", name=op.f("uq_source_slug")),
        sa.UniqueConstraint("url", name=op.f("uq_source_url")),
    )
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.create_index("ix_source_audience_slug", ["audience", "slug"], unique=False)
        batch_op.create_index("ix_source_kind_slug", ["kind", "slug"], unique=False)
        batch_op.create_index("ix_source_language_slug", ["language", "slug"], unique=False)
        batch_op.create_index("ix_source_published_on", ["published_on"], unique=False)
        batch_op.create_index("ix_source_publisher_slug", ["publisher", "slug"], unique=False)

    op.create_table(
        "body_identifier",
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(80), nullable=False),
        sa.Column("value", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_body_identifier_body_id")),
        sa.PrimaryKeyConstraint("body_id", "scheme", name=op.f("pk_body_identifier")),
        sa.UniqueConstraint("scheme", "value", name=op.f("uq_body_identifier_scheme_value")),
    )
    op.create_table(
        "demand",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(24), nullable=False),
        sa.Column("ref_order", sa.String(24), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("asks", sa.String(), nullable=False),
        sa.Column("counts_as_met", sa.String(), nullable=True),
        sa.Column(
            "first_made_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("deadline", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.Column(
            "deadline_order",
            sa.String(length=10),
            sa.Computed("coalesce(deadline, '9999')", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "sensitivity",
            sa.Enum("normal", "high", name="sensitivity", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("last_checked_on", sa.Date(), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "public", "partners", "staff", name="audience", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "publication",
            sa.Enum(
                "draft",
                "in_review",
                "published",
                "unpublished",
                name="publication",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("publication_reason", sa.String(), nullable=True),
        sa.Column("embargoed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "visible_to",
            sa.String(length=40),
            sa.Computed(
                "CASE WHEN publication = 'published' AND embargoed_until IS NULL THEN audience ELSE 'staff' END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "in_progress",
                "partially_met",
                "stalled",
                "reversed",
                "met",
                "withdrawn",
                "superseded",
                "overtaken",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status_since", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "verification",
            sa.Enum("claimed", "verified", name="verification", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column(
            "confidence",
            sa.Enum("low", "medium", "high", name="confidence", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(verification IS NOT NULL) = (status IN ('met', 'reversed'))",
            name=op.f("ck_demand_verification_of_status"),
        ),
        sa.CheckConstraint("length(deadline) IN (4, 7, 10)", name=op.f("ck_demand_deadline")),
        sa.CheckConstraint("length(first_made_on) IN (4, 7, 10)", name=op.f("ck_demand_first_made_on")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_demand_campaign_id")),
        sa.ForeignKeyConstraint(["kind_id"], ["kind.id"], name=op.f("fk_demand_kind_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_demand_campaign_id_number")),
        sa.UniqueConstraint("ref", name=op.f("uq_demand_ref")),
        sa.UniqueConstraint("ref_order", name=op.f("uq_demand_ref_order")),
    )
    with op.batch_alter_table("demand", schema=None) as batch_op:
        batch_op.create_index("ix_demand_campaign_checked", ["campaign_id", "last_checked_on"], unique=False)
        batch_op.create_index("ix_demand_campaign_updated", ["campaign_id", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_deadline", ["deadline"], unique=False)
        batch_op.create_index("ix_demand_deadline_order", ["deadline_order", "id"], unique=False)
        batch_op.create_index("ix_demand_disputed_updated", ["disputed", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_publication_updated", ["publication", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_embargoed_until", ["embargoed_until"], unique=False)
        batch_op.create_index("ix_demand_first_made_on", ["first_made_on", "id"], unique=False)
        batch_op.create_index("ix_demand_kind_updated", ["kind_id", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_status_since", ["status_since", "id"], unique=False)
        batch_op.create_index("ix_demand_status_updated", ["status", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_updated", ["updated_at", "id"], unique=False)
        batch_op.create_index("ix_demand_visible_updated", ["visible_to", "updated_at", "id"], unique=False)

    op.create_table(
        "key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(300), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "viewer",
                "partner",
                "campaigner",
                "editor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_key_organization_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_key_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_key_prefix")),
    )
    with op.batch_alter_table("key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_key_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_key_person_id"), ["person_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "viewer",
                "partner",
                "campaigner",
                "editor",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_membership_organization_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_membership_person_id")),
        sa.PrimaryKeyConstraint("person_id", "organization_id", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "source_issuer",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_source_issuer_body_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_issuer_source_id")),
        sa.PrimaryKeyConstraint("source_id", "body_id", name=op.f("pk_source_issuer")),
    )
    with op.batch_alter_table("source_issuer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_issuer_body_id"), ["body_id"], unique=False)

    op.create_table(
        "demand_issuer",
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_demand_issuer_demand_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_demand_issuer_organization_id")
        ),
        sa.PrimaryKeyConstraint("demand_id", "organization_id", name=op.f("pk_demand_issuer")),
    )
    with op.batch_alter_table("demand_issuer", schema=None) as batch_op:
        batch_op.create_index("ix_demand_issuer_organization", ["organization_id", "demand_id"], unique=False)

    op.create_table(
        "demand_relation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "duplicates",
                "supersedes",
                "part_of",
                "related",
                name="relation_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column(
            "lower_id",
            sa.Integer(),
            sa.Computed("CASE WHEN from_id < to_id THEN from_id ELSE to_id END", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "higher_id",
            sa.Integer(),
            sa.Computed("CASE WHEN from_id < to_id THEN to_id ELSE from_id END", persisted=True),
            nullable=True,
        ),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_demand_relation_two_ends")),
        sa.ForeignKeyConstraint(["from_id"], ["demand.id"], name=op.f("fk_demand_relation_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["demand.id"], name=op.f("fk_demand_relation_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_relation")),
        sa.UniqueConstraint("type", "lower_id", "higher_id", name=op.f("uq_demand_relation_type_lower_id_higher_id")),
    )
    with op.batch_alter_table("demand_relation", schema=None) as batch_op:
        batch_op.create_index("ix_demand_relation_from", ["from_id"], unique=False)
        batch_op.create_index("ix_demand_relation_to", ["to_id"], unique=False)

    op.create_table(
        "demand_notice",
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("occasion", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_demand_notice_demand_id")),
        sa.PrimaryKeyConstraint("demand_id", "type", name=op.f("pk_demand_notice")),
    )
    op.create_table(
        "demand_tag",
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_demand_tag_demand_id")),
        sa.PrimaryKeyConstraint("demand_id", "tag", name=op.f("pk_demand_tag")),
    )
    with op.batch_alter_table("demand_tag", schema=None) as batch_op:
        batch_op.create_index("ix_demand_tag_tag", ["tag", "demand_id"], unique=False)

    op.create_table(
        "demand_update",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("dated", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(dated) IN (4, 7, 10)", name=op.f("ck_demand_update_dated")),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_demand_update_demand_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_demand_update_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_update")),
    )
    with op.batch_alter_table("demand_update", schema=None) as batch_op:
        batch_op.create_index("ix_demand_update_demand", ["demand_id", "dated"], unique=False)

    op.create_table(
        "indicator",
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("unit", sa.String(80), nullable=False),
        sa.Column("target", sa.Float(), nullable=True),
        sa.Column("latest", sa.Float(), nullable=True),
        sa.Column("latest_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_indicator_demand_id")),
        sa.PrimaryKeyConstraint("demand_id", name=op.f("pk_indicator")),
    )
    op.create_table(
        "milestone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("planned_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.Column("done_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_milestone_demand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("demand_id", "position", name=op.f("uq_milestone_demand_id_position")),
    )
    op.create_table(
        "status_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("change", "correction", name="change_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "from_status",
            sa.Enum(
                "open",
                "in_progress",
                "partially_met",
                "stalled",
                "reversed",
                "met",
                "withdrawn",
                "superseded",
                "overtaken",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "open",
                "in_progress",
                "partially_met",
                "stalled",
                "reversed",
                "met",
                "withdrawn",
                "superseded",
                "overtaken",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "effective_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("internal_note", sa.String(), nullable=True),
        sa.Column(
            "confidence",
            sa.Enum("low", "medium", "high", name="confidence", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("successor_id", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column(
            "verification",
            sa.Enum("claimed", "verified", name="verification", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.String(64), nullable=True),
        sa.Column("verifier_organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(to_status = 'superseded') = (successor_id IS NOT NULL)", name=op.f("ck_status_change_successor")
        ),
        sa.CheckConstraint(
            "(verification IS NOT NULL AND verification = 'verified') = (verified_at IS NOT NULL)",
            name=op.f("ck_status_change_verified_at"),
        ),
        sa.CheckConstraint(
            "(verification IS NOT NULL) = (to_status IN ('met', 'reversed'))",
            name=op.f("ck_status_change_verification_of_status"),
        ),
        sa.CheckConstraint("length(effective_on) IN (4, 7, 10)", name=op.f("ck_status_change_effective_on")),
        sa.CheckConstraint("verified_by <> author", name=op.f("ck_status_change_second_person")),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_status_change_demand_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_status_change_organization_id")
        ),
        sa.ForeignKeyConstraint(["successor_id"], ["demand.id"], name=op.f("fk_status_change_successor_id")),
        sa.ForeignKeyConstraint(
            ["verifier_organization_id"], ["organization.id"], name=op.f("fk_status_change_verifier_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_change")),
        sa.UniqueConstraint("demand_id", "number", name=op.f("uq_status_change_demand_id_number")),
    )
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_status_change_successor_id"), ["successor_id"], unique=False)

    op.create_table(
        "target",
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "decides",
                "implements",
                "supports",
                "advises",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "response",
            sa.Enum(
                "none",
                "acknowledged",
                "supported",
                "partly_supported",
                "noted",
                "rejected",
                "referred_elsewhere",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("response_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_target_body_id")),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_target_demand_id")),
        sa.PrimaryKeyConstraint("demand_id", "body_id", name=op.f("pk_target")),
    )
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.create_index("ix_target_body_demand", ["body_id", "demand_id"], unique=False)

    op.create_table(
        "reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("dated", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(dated) IN (4, 7, 10)", name=op.f("ck_reading_dated")),
        sa.ForeignKeyConstraint(["demand_id"], ["indicator.demand_id"], name=op.f("fk_reading_demand_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_reading_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.create_index("ix_reading_demand_dated", ["demand_id", "dated"], unique=False)

    op.create_table(
        "response",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column(
            "response",
            sa.Enum(
                "none",
                "acknowledged",
                "supported",
                "partly_supported",
                "noted",
                "rejected",
                "referred_elsewhere",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("dated", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=False),
        sa.Column("says", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(dated) IN (4, 7, 10)", name=op.f("ck_response_dated")),
        sa.ForeignKeyConstraint(
            ["demand_id", "body_id"], ["target.demand_id", "target.body_id"], name=op.f("fk_response_demand_id_body_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_response_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response")),
    )
    with op.batch_alter_table("response", schema=None) as batch_op:
        batch_op.create_index("ix_response_demand_dated", ["demand_id", "body_id", "dated"], unique=False)

    op.create_table(
        "citation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("demand_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column(
            "stance",
            sa.Enum(
                "states",
                "supports",
                "contradicts",
                "context",
                name="stance",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("locator", sa.String(500), nullable=True),
        sa.Column("quote", sa.String(), nullable=True),
        sa.Column("translation", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("claimed_on", sa.String(10).with_variant(sa.String(10, collation="C"), "postgresql"), nullable=True),
        sa.Column("status_change_id", sa.Uuid(), nullable=True),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("reading_id", sa.Uuid(), nullable=True),
        sa.Column("update_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "CASE WHEN status_change_id IS NULL THEN 0 ELSE 1 END + CASE WHEN response_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN reading_id IS NULL THEN 0 ELSE 1 END + CASE WHEN update_id IS NULL THEN 0 ELSE 1 END <= 1",
            name=op.f("ck_citation_one_owner"),
        ),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_citation_demand_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_citation_organization_id")),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name=op.f("fk_citation_reading_id")),
        sa.ForeignKeyConstraint(["response_id"], ["response.id"], name=op.f("fk_citation_response_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_citation_source_id")),
        sa.ForeignKeyConstraint(["status_change_id"], ["status_change.id"], name=op.f("fk_citation_status_change_id")),
        sa.ForeignKeyConstraint(["update_id"], ["demand_update.id"], name=op.f("fk_citation_update_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citation")),
    )
    with op.batch_alter_table("citation", schema=None) as batch_op:
        batch_op.create_index("ix_citation_demand", ["demand_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_citation_reading_id"), ["reading_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_citation_response_id"), ["response_id"], unique=False)
        batch_op.create_index("ix_citation_source_demand", ["source_id", "demand_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_citation_status_change_id"), ["status_change_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_citation_update_id"), ["update_id"], unique=False)

    begin_the_ledger()
    index_the_words()


def begin_the_ledger() -> None:
    head = sa.table("ledger_head", sa.column("id"), sa.column("epoch"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "epoch": uuid.uuid4().hex, "seq": 0, "hash": "0" * 64}])


def index_the_words() -> None:
    """What `q` searches: FTS5 kept up to date by triggers on SQLite, an expression index on PostgreSQL."""
    if op.get_bind().dialect.name == "postgresql":
        text = "ref || ' ' || title || ' ' || asks"
        plain = rf"normalize(regexp_replace(normalize({text}, NFD), '[\u0300-\u036f]', '', 'g'), NFC)"
        words = rf"to_tsvector('simple', translate({plain}, '-+/.@_~<>&\:', '           '))"
        op.execute(f"CREATE INDEX demand_search ON demand USING gin ({words})")
        return
    op.execute(
        "CREATE VIRTUAL TABLE demand_search USING fts5"
        "(ref, title, asks, content='demand', content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
    )
    forget = (
        "INSERT INTO demand_search (demand_search, rowid, ref, title, asks)"
        " VALUES ('delete', old.id, old.ref, old.title, old.asks)"
    )
    learn = "INSERT INTO demand_search (rowid, ref, title, asks) VALUES (new.id, new.ref, new.title, new.asks)"
    op.execute(f"CREATE TRIGGER demand_search_insert AFTER INSERT ON demand BEGIN {learn}; END")
    op.execute(f"CREATE TRIGGER demand_search_delete AFTER DELETE ON demand BEGIN {forget}; END")
    op.execute(
        f"CREATE TRIGGER demand_search_update AFTER UPDATE OF ref, title, asks ON demand BEGIN {forget}; {learn}; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE demand_search")
    with op.batch_alter_table("citation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_citation_update_id"))
        batch_op.drop_index(batch_op.f("ix_citation_status_change_id"))
        batch_op.drop_index("ix_citation_source_demand")
        batch_op.drop_index(batch_op.f("ix_citation_response_id"))
        batch_op.drop_index(batch_op.f("ix_citation_reading_id"))
        batch_op.drop_index("ix_citation_demand")

    op.drop_table("citation")
    with op.batch_alter_table("response", schema=None) as batch_op:
        batch_op.drop_index("ix_response_demand_dated")

    op.drop_table("response")
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.drop_index("ix_reading_demand_dated")

    op.drop_table("reading")
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.drop_index("ix_target_body_demand")

    op.drop_table("target")
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_status_change_successor_id"))

    op.drop_table("status_change")
    op.drop_table("milestone")
    op.drop_table("indicator")
    with op.batch_alter_table("demand_update", schema=None) as batch_op:
        batch_op.drop_index("ix_demand_update_demand")

    op.drop_table("demand_update")
    with op.batch_alter_table("demand_tag", schema=None) as batch_op:
        batch_op.drop_index("ix_demand_tag_tag")

    op.drop_table("demand_notice")
    op.drop_table("demand_tag")
    with op.batch_alter_table("demand_relation", schema=None) as batch_op:
        batch_op.drop_index("ix_demand_relation_to")
        batch_op.drop_index("ix_demand_relation_from")

    op.drop_table("demand_relation")
    with op.batch_alter_table("demand_issuer", schema=None) as batch_op:
        batch_op.drop_index("ix_demand_issuer_organization")

    op.drop_table("demand_issuer")
    with op.batch_alter_table("source_issuer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_issuer_body_id"))

    op.drop_table("source_issuer")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_organization_id"))

    op.drop_table("membership")
    with op.batch_alter_table("key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_key_person_id"))
        batch_op.drop_index(batch_op.f("ix_key_organization_id"))

    op.drop_table("key")
    with op.batch_alter_table("demand", schema=None) as batch_op:
        batch_op.drop_index("ix_demand_visible_updated")
        batch_op.drop_index("ix_demand_updated")
        batch_op.drop_index("ix_demand_status_updated")
        batch_op.drop_index("ix_demand_status_since")
        batch_op.drop_index("ix_demand_kind_updated")
        batch_op.drop_index("ix_demand_first_made_on")
        batch_op.drop_index("ix_demand_embargoed_until")
        batch_op.drop_index("ix_demand_publication_updated")
        batch_op.drop_index("ix_demand_disputed_updated")
        batch_op.drop_index("ix_demand_deadline_order")
        batch_op.drop_index("ix_demand_deadline")
        batch_op.drop_index("ix_demand_campaign_updated")
        batch_op.drop_index("ix_demand_campaign_checked")

    op.drop_table("demand")
    op.drop_table("body_identifier")
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_index("ix_source_publisher_slug")
        batch_op.drop_index("ix_source_published_on")
        batch_op.drop_index("ix_source_language_slug")
        batch_op.drop_index("ix_source_kind_slug")
        batch_op.drop_index("ix_source_audience_slug")

    op.drop_table("source")
    op.drop_table("person")
    op.drop_table("organization")
    op.drop_table("ledger_subject")
    op.drop_table("ledger_head")
    op.drop_table("kind")
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_answer_created_at"))

    op.drop_table("idempotent_answer")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_type_seq")
        batch_op.drop_index("ix_event_demand_seq")
        batch_op.drop_index("ix_event_subject_seq")
        batch_op.drop_index("ix_event_campaign_seq")

    op.drop_table("event")
    op.drop_table("campaign")
    with op.batch_alter_table("body", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_body_successor_id"))
        batch_op.drop_index(batch_op.f("ix_body_parent_id"))

    op.drop_table("body")
