"""users, profiles and sessions, and the view user_sessions.

Where the documents differ: UUID keys instead of integers and foreign ids in text; the wider of two lengths; uniqueness
regardless of case; where a document asks for a unique column and an index on it, the constraint bears the index's name;
one trigger function `set_updated_at` where two documents give it two names.
"""

from alembic import op

from migrations.kit import SET_UPDATED_AT, execute_script, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TYPE user_role AS ENUM ('admin', 'moderator', 'reviewer', 'viewer');

CREATE TABLE users (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username        varchar(64) NOT NULL UNIQUE,
    email           varchar(255) NOT NULL CONSTRAINT idx_users_email UNIQUE,
    hashed_password varchar(256) NOT NULL,
    -- The other documented name of the same hash: generated, so the two cannot differ; stored, because virtual columns
    -- need PostgreSQL 18.
    password_hash   varchar(256) GENERATED ALWAYS AS (hashed_password) STORED,
    name            varchar(255),
    role            user_role NOT NULL DEFAULT 'viewer',
    is_active       boolean NOT NULL DEFAULT true,
    email_verified  boolean NOT NULL DEFAULT false,
    verification_token          varchar(255),
    verification_token_expires  timestamptz,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    last_login      timestamptz
);
-- What log-in looks up, and what keeps Ada and ada from being two.
CREATE UNIQUE INDEX idx_user_username ON users (lower(username));
CREATE UNIQUE INDEX idx_user_email ON users (lower(email));
CREATE INDEX idx_users_created_at ON users (created_at);
CREATE INDEX idx_users_verification_token ON users (verification_token) WHERE verification_token IS NOT NULL;
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE profiles (
    user_id         uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    name            text,
    preferences     jsonb NOT NULL DEFAULT '{}',
    tone_of_voice   text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER trg_profiles_updated_at BEFORE UPDATE ON profiles
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE sessions (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    refresh_token   varchar(500) NOT NULL CONSTRAINT idx_sessions_refresh_token UNIQUE,  -- its SHA-256, not the token
    device_info     jsonb,
    ip_address      inet,
    user_agent      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    last_used_at    timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    revoked         boolean NOT NULL DEFAULT false,
    number          integer NOT NULL,
    active_platform_id  uuid,
    session_fingerprint text,
    -- The n-th log-in of a user happens once: of log-ins at the same moment, which count the sessions that are open,
    -- one gets through and the others count again. So together they cannot exceed the limit.
    CONSTRAINT sessions_number UNIQUE (user_id, number)
);
CREATE INDEX idx_sessions_user_id ON sessions (user_id, created_at DESC, id DESC);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);
CREATE INDEX idx_user_sessions_last_activity ON sessions (last_used_at, revoked);
CREATE INDEX idx_user_sessions_expires_at ON sessions (expires_at, revoked);
CREATE INDEX idx_user_sessions_user_active ON sessions (user_id, revoked, last_used_at);
-- The owner of a view passes its tables' policies unless the view asks in the name of who reads it.
CREATE VIEW user_sessions WITH (security_invoker = true) AS
    SELECT id, id::varchar(255) AS session_id, user_id, active_platform_id, created_at, updated_at,
           last_used_at AS last_activity, expires_at, NOT revoked AS is_active, session_fingerprint, user_agent,
           host(ip_address)::varchar(45) AS ip_address
    FROM sessions;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_owner_all ON users
    USING (current_setting('app.user_id', true) IN ('service', id::text))
    WITH CHECK (current_setting('app.user_id', true) IN ('service', id::text));

ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY profiles_owner_select ON profiles FOR SELECT
    USING (current_setting('app.user_id', true) IN ('service', user_id::text));
CREATE POLICY profiles_owner_upsert ON profiles FOR INSERT
    WITH CHECK (current_setting('app.user_id', true) IN ('service', user_id::text));
CREATE POLICY profiles_owner_update ON profiles FOR UPDATE
    USING (current_setting('app.user_id', true) IN ('service', user_id::text));
-- Rebuilding and erasing are the service's alone.
CREATE POLICY profiles_service_delete ON profiles FOR DELETE
    USING (current_setting('app.user_id', true) = 'service');
"""


def upgrade() -> None:
    execute_script(SET_UPDATED_AT)
    execute_script(_UP)
    protect("sessions")


def downgrade() -> None:
    op.execute("DROP VIEW user_sessions")
    for table in ("sessions", "profiles", "users"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TYPE user_role")
    op.execute("DROP FUNCTION set_updated_at()")
