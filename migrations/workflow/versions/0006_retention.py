"""What retention needs: parts of execution_logs made ahead and dropped, and from when on they are kept."""

from alembic import op

from migrations.kit import downgrade_cutoffs, downgrade_months, upgrade_cutoffs, upgrade_months

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    upgrade_months()
    upgrade_cutoffs()
    # Media asks which files are in use.
    op.execute(
        "CREATE INDEX idx_workflows_file_id ON workflows ((coalesce(source_content, template_input) ->> 'file_id')) "
        "WHERE coalesce(source_content, template_input) ->> 'file_id' IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX idx_executions_input_file_id ON executions (input_file_id) WHERE input_file_id IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX idx_executions_input_file_id")
    op.execute("DROP INDEX idx_workflows_file_id")
    downgrade_cutoffs()
    downgrade_months()
