"""What moderators read, and reviewers while a person has to decide."""

from migrations.kit import execute_script, let_staff_read, withdraw

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CONTENT = ("drafts", "outputs", "outputs_archive", "templates", "caption_generation_tasks")

_SYSTEM = "ALTER POLICY templates_system_select ON templates USING ({})"
# What the platform offers is for its users, not for a connection that names none.
_USERS_ONLY = "NOT is_custom AND coalesce(current_setting('app.user_id', true), '') <> ''"


def upgrade() -> None:
    execute_script(_SYSTEM.format(_USERS_ONLY))
    for table in _CONTENT:
        let_staff_read(table, "moderator")
    for table in ("sources", "caption_generation_user_settings", "token_usage"):
        let_staff_read(table, "admin")


def downgrade() -> None:
    for table in (*_CONTENT, "sources", "caption_generation_user_settings", "token_usage"):
        withdraw(table, "staff_select")
    execute_script(_SYSTEM.format("NOT is_custom"))
