-- How far the shadows of read tables are filled that a rebuild left behind, so that the next one goes on from there.
CREATE TABLE rebuilds (
    tables          text[] PRIMARY KEY,
    started_at      timestamptz NOT NULL DEFAULT now(),
    moved_at        timestamptz NOT NULL DEFAULT now(),
    fingerprint     text NOT NULL,                 -- of code and tables: made by other ones, the shadows are of no use
    events          bigint NOT NULL DEFAULT 0,     -- gone through so far
    place           jsonb NOT NULL,                -- by source, up to where; and what belongs to that
    folding         jsonb,                         -- what is being written: by source, up to where, and in which steps
    steps           integer NOT NULL DEFAULT 0     -- of those, the ones that are written
);
