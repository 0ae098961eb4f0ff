"""posts with their images, media_files, and what staff may see."""

from alembic import op

from migrations.kit import execute_script, let_staff_read, protect, withdraw

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
CREATE TYPE processing_status AS ENUM ('pending', 'reviewed', 'approved', 'rejected', 'posted', 'error');

CREATE TABLE posts (
    id              uuid PRIMARY KEY,
    post_id         varchar(500) NOT NULL,       -- the platform's id
    user_id         uuid NOT NULL,               -- whose post it is here
    post_url        varchar(500) NOT NULL,
    post_content    text,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    platform_connection_id uuid,
    platform_type   varchar(50),
    instance_url    varchar(500),
    author          varchar(200) NOT NULL,       -- who posted it, as the platform names them
    CONSTRAINT uq_post_platform UNIQUE (post_id, platform_connection_id)
);
CREATE INDEX ix_posts_post_id ON posts (post_id);
CREATE INDEX ix_posts_user_id ON posts (user_id, created_at DESC, id DESC);
CREATE INDEX ix_posts_platform_connection_id ON posts (platform_connection_id);

CREATE TABLE images (
    id              uuid PRIMARY KEY,
    post_id         uuid NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    image_url       varchar(1000) NOT NULL,
    local_path      varchar(500) NOT NULL,
    original_filename varchar(200),
    media_type      varchar(100),
    image_post_id   varchar(100),
    attachment_index integer NOT NULL,
    platform_connection_id uuid,
    platform_type   varchar(50),
    instance_url    varchar(500),
    original_caption text,
    generated_caption text,
    reviewed_caption text,
    final_caption   text,
    image_category  varchar(50),
    prompt_used     text,
    status          processing_status DEFAULT 'pending',
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now(),
    reviewed_at     timestamptz,
    posted_at       timestamptz,
    original_post_date timestamptz,
    reviewer_notes  text,
    processing_error text,
    caption_quality_score integer,
    needs_special_review boolean DEFAULT false,
    user_id         uuid NOT NULL,
    reviewer_id     uuid,
    engine          text,
    size_bytes      bigint,
    sha256          text,                        -- of the bytes; null until they are in storage
    CONSTRAINT uq_image_platform UNIQUE (image_post_id, platform_connection_id)
);
CREATE INDEX ix_images_post_id ON images (post_id, attachment_index);
CREATE INDEX ix_images_platform_connection_id ON images (platform_connection_id);
CREATE INDEX ix_images_user_id ON images (user_id, created_at DESC, id DESC);
-- What awaits a person.
CREATE INDEX ix_images_to_review ON images (created_at DESC, id DESC)
    WHERE status = 'pending' AND generated_caption IS NOT NULL;

CREATE TABLE media_files (
    id              uuid PRIMARY KEY,
    post_id         uuid,
    original_url    text NOT NULL,
    ghost_url       text,
    file_type       text,
    file_size       integer,
    processed_at    timestamptz,
    created_at      timestamptz DEFAULT now(),
    user_id         uuid NOT NULL,
    path            text NOT NULL,
    sha256          text NOT NULL
);
CREATE INDEX idx_media_files_post_id ON media_files (post_id);
CREATE INDEX idx_media_files_user_created ON media_files (user_id, created_at DESC, id DESC);
"""

_OWNED = ("posts", "images", "media_files")


def upgrade() -> None:
    execute_script(_UP)
    for table in _OWNED:
        protect(table)
    for table in ("files", "resources", "posts", "media_files"):
        let_staff_read(table, "moderator")
    let_staff_read("images", "moderator", awaiting="status = 'pending' AND generated_caption IS NOT NULL")


def downgrade() -> None:
    for table in ("files", "resources"):
        withdraw(table, "staff_select")
    for table in ("media_files", "images", "posts"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TYPE processing_status")
