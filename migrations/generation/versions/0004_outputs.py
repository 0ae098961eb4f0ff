"""outputs, parted by the month of their request, and outputs_archive."""

from alembic import op

from migrations.kit import execute_script, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = """
CREATE TYPE output_kind AS ENUM ('blog', 'social', 'email');
CREATE TYPE output_status AS ENUM ('queued', 'processing', 'completed', 'failed');

CREATE TABLE outputs (
    id              uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL,
    project_id      uuid NOT NULL,               -- in workflow
    kind            output_kind NOT NULL,
    status          output_status NOT NULL DEFAULT 'queued',
    request         jsonb,
    body            text,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE outputs_default PARTITION OF outputs DEFAULT;
CREATE INDEX idx_outputs_project_id ON outputs (project_id, user_id, created_at DESC, id DESC);
CREATE INDEX idx_outputs_user_id ON outputs (user_id, created_at DESC, id DESC);
CREATE INDEX idx_outputs_status ON outputs (status);
CREATE INDEX idx_outputs_created_at ON outputs (created_at DESC);
CREATE TRIGGER trg_outputs_updated_at BEFORE UPDATE ON outputs FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE outputs_archive (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    project_id      uuid NOT NULL,
    kind            output_kind NOT NULL,
    status          output_status NOT NULL,
    request         jsonb,
    body            text,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    archived_at     timestamptz NOT NULL
);
CREATE INDEX idx_outputs_archive_project_id ON outputs_archive (project_id, user_id, created_at DESC, id DESC);
CREATE INDEX idx_outputs_archive_user_id ON outputs_archive (user_id, created_at DESC, id DESC);
"""

# The months around the migration; later ones are made ahead by the service's upkeep, the default takes what is left.
_PARTITIONS = """
DO $$
DECLARE month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
BEGIN
    FOR n IN 0..2 LOOP
        EXECUTE format(
            'CREATE TABLE outputs_%s PARTITION OF outputs FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYYMM'), month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
        month := (month + interval '1 month')::date;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    execute_script(_UP)
    execute_script(_PARTITIONS)
    protect("outputs")
    protect("outputs_archive")


def downgrade() -> None:
    op.execute("DROP TABLE outputs_archive")
    op.execute("DROP TABLE outputs")
    op.execute("DROP TYPE output_status")
    op.execute("DROP TYPE output_kind")
