"""posts and processing_logs; imported posts with their images; what staff may see."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, let_staff_update, protect, withdraw

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE posts (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    reddit_post_id  text NOT NULL,
    title           text NOT NULL,
    subreddit       text NOT NULL,
    score           integer DEFAULT 0,
    num_comments    integer DEFAULT 0,
    created_ts      timestamptz NOT NULL,
    summary_ko      text,
    tags            jsonb,
    pain_points     jsonb,
    product_ideas   jsonb,
    ghost_url       text,
    ghost_post_id   text,
    ghost_slug      text,
    content_hash    text,
    takedown_status text DEFAULT 'active' CHECK (takedown_status IN ('active', 'takedown_pending', 'removed')),
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    user_id         uuid NOT NULL,
    url             text NOT NULL,
    text            text NOT NULL DEFAULT '',
    publication_status text NOT NULL DEFAULT 'none'
        CHECK (publication_status IN ('none', 'requested', 'published', 'failed')),
    publication_error text,
    published_at    timestamptz,
    takedown_reason text,
    takedown_requested_by uuid,
    takedown_requested_at timestamptz,
    unpublished_at  timestamptz,
    remove_after    timestamptz,
    removed_at      timestamptz,
    CONSTRAINT uq_posts_ghost_post_id UNIQUE (ghost_post_id)
);
CREATE UNIQUE INDEX idx_posts_reddit_post_id ON posts (reddit_post_id);
CREATE INDEX idx_posts_created_ts ON posts (created_ts);
CREATE INDEX idx_posts_subreddit ON posts (subreddit);
CREATE INDEX idx_posts_user_created ON posts (user_id, created_at DESC, id DESC);
CREATE TRIGGER update_posts_updated_at BEFORE UPDATE ON posts
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE processing_logs (
    id              uuid PRIMARY KEY,            -- of the event that says so
    post_id         uuid REFERENCES posts (id) ON DELETE CASCADE,
    service_name    text NOT NULL,
    status          text NOT NULL,
    error_message   text,
    processing_time_ms integer,
    created_at      timestamptz DEFAULT now(),
    user_id         uuid NOT NULL
);
CREATE INDEX idx_processing_logs_post_id ON processing_logs (post_id);

-- What publishing knows of posts that stand on a platform already: where captions of their images go.
CREATE TABLE imported_posts (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    connection_id   uuid NOT NULL,
    platform_type   varchar(50) NOT NULL,
    instance_url    varchar(500) NOT NULL,
    platform_post_id varchar(500) NOT NULL,
    author          varchar(200) NOT NULL,
    url             varchar(500) NOT NULL,
    content         text NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT uq_imported_post UNIQUE (connection_id, platform_post_id)
);
CREATE INDEX idx_imported_posts_user_created ON imported_posts (user_id, created_at DESC, id DESC);

CREATE TABLE imported_images (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL,
    post_id         uuid NOT NULL REFERENCES imported_posts (id) ON DELETE CASCADE,
    connection_id   uuid NOT NULL,
    image_post_id   varchar(100),
    attachment_index integer NOT NULL,
    CONSTRAINT uq_imported_image UNIQUE (connection_id, image_post_id)
);
CREATE INDEX idx_imported_images_post ON imported_images (post_id, attachment_index);
"""

_OWNED = ("posts", "processing_logs", "imported_posts", "imported_images")
_CONTENT = ("publishing_jobs", "draft_texts", *_OWNED)


def upgrade() -> None:
    execute_script(_UP)
    for table in _OWNED:
        protect(table)
    for table in _CONTENT:
        let_staff_read(table, "moderator")
    # Accounts are no content.
    let_staff_read("platform_connections", "admin")
    let_staff_update("posts", "moderator")


def downgrade() -> None:
    withdraw("platform_connections", "staff_select")
    for table in ("publishing_jobs", "draft_texts"):
        withdraw(table, "staff_select")
    for table in reversed(_OWNED):
        op.execute(f"DROP TABLE {table}")
