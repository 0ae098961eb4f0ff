-- What every filled table is made of: numbered rows in groups of three, a group's first row their common parent. A group has
-- one user; few users have many groups (the busiest of 5,000 has 1.4 % of all). Ids are in the order of time, as UUIDv7 are.
CREATE UNLOGGED TABLE bench_rows AS
SELECT n, id, user_id, created_at, first_value(id) OVER (PARTITION BY n / 3 ORDER BY n) AS parent_id, n % 3 AS place,
       hashint8extended(n, 2) & 1023 AS dice
FROM (
    SELECT n,
           (lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0') || '7000' || substr(md5(n::text), 17))::uuid
               AS id,
           md5(floor(5000 * power((hashint8extended(n / 3, 1) & 16777215) / 16777216.0::float8, 2))::text)::uuid AS user_id,
           created_at
    FROM (
        SELECT n, now() - interval '365 days' * ((ROWS - n) / ROWS::float8) AS created_at
        FROM generate_series(0, ROWS - 1) AS n
    ) AS timed
) AS numbered;

-- table: workflow.projects
INSERT INTO workflow.projects (id, user_id, title, description, created_at, updated_at)
SELECT id, user_id, 'Project ' || n, repeat('About it. ', 10), created_at, created_at FROM bench_rows;

-- table: workflow.workflows
INSERT INTO workflow.workflows (id, user_id, status, mode, source_content, created_at, updated_at, title, project_id)
SELECT id, user_id, CASE WHEN dice < 10 THEN 'awaiting_review' WHEN dice < 12 THEN 'running' ELSE 'completed' END, 'manual',
       jsonb_build_object('title', 'Title ' || n, 'text', repeat('Steam rises. ', 16)), created_at, created_at, 'Title ' || n,
       CASE WHEN place > 0 THEN parent_id END
FROM bench_rows;

-- table: workflow.platform_states
INSERT INTO workflow.platform_states
    (id, workflow_id, platform, status, active_draft_id, iteration, created_at, updated_at, user_id, score)
SELECT id, parent_id, ('{linkedin,x,blog}'::text[])[place + 1], CASE WHEN dice < 10 THEN 'awaiting_review' ELSE 'published' END,
       id, 1, created_at, created_at, user_id, 60 + dice % 40
FROM bench_rows;

-- table: workflow.executions
INSERT INTO workflow.executions
    (id, user_id, input_type, input_value, status, plan, current_step, created_at, started_at, completed_at)
SELECT id, user_id, 'text', 'Bread rises.',
       CASE WHEN n > ROWS - 60 THEN 'running' WHEN dice < 100 THEN 'failed' ELSE 'completed' END,
       jsonb_build_object('steps', '[]'::jsonb, 'total_steps', 4), 4, created_at, created_at,
       CASE WHEN n > ROWS - 60 THEN NULL ELSE created_at + dice * interval '1 second' END
FROM bench_rows;

-- table: workflow.execution_logs
INSERT INTO workflow.execution_logs (id, execution_id, timestamp, level, message, user_id)
SELECT id, parent_id, created_at, 'info', 'Step ' || place || ' is done.', user_id FROM bench_rows;

-- table: workflow.artifacts
INSERT INTO workflow.artifacts (id, execution_id, type, name, data, created_at, user_id)
SELECT id, parent_id, 'summary', 'Summary', '{"text": "Bread."}', created_at, user_id FROM bench_rows WHERE place = 0;

-- table: generation.drafts
INSERT INTO generation.drafts
    (id, workflow_id, platform, content, source, created_at, user_id, title, iteration, engine, language)
SELECT id, parent_id, ('{linkedin,x,blog}'::text[])[place + 1], repeat('Steam rises. ', 30), 'ai', created_at, user_id,
       'Title ' || n, 1, 'offline', 'en'
FROM bench_rows;

-- table: generation.outputs
INSERT INTO generation.outputs (id, user_id, project_id, kind, status, request, body, created_at, updated_at)
SELECT id, user_id, parent_id, ('{blog,social,email}'::generation.output_kind[])[place + 1],
       CASE WHEN n > ROWS - 100 THEN 'queued' WHEN dice = 0 THEN 'processing' WHEN dice < 20 THEN 'failed' ELSE 'completed'
       END::generation.output_status,
       '{"tone_of_voice": "friendly"}', repeat('Steam rises. ', 30), created_at, created_at
FROM bench_rows;

-- table: generation.token_usage
INSERT INTO generation.token_usage (id, service, model, input_tokens, output_tokens, cost_usd, created_at, user_id)
SELECT id, 'drafts', 'small', 800, 200, 0.0012, created_at, user_id FROM bench_rows;

-- table: evaluation.evaluations
INSERT INTO evaluation.evaluations
    (id, draft_id, score, feedback, criteria_scores, created_at, workflow_id, user_id, platform, iteration, judge)
SELECT id, id, 60 + dice % 40, 'Say what it is good for.', '{"clarity": 80, "grammar": 90}', created_at, parent_id, user_id,
       ('{linkedin,x,blog}'::text[])[place + 1], 1, 'offline'
FROM bench_rows;

-- table: publishing.publishing_jobs
INSERT INTO publishing.publishing_jobs
    (id, workflow_id, platform, status, published_at, response_data, created_at, updated_at, user_id, draft_id)
SELECT id, parent_id, ('{linkedin,x,blog}'::text[])[place + 1], CASE WHEN dice < 10 THEN 'failed' ELSE 'published' END,
       created_at, '{"url": "https://blog.example/post"}', created_at, created_at, user_id, id
FROM bench_rows;

-- table: media.files
INSERT INTO media.files (id, user_id, project_id, path, name, mime_type, size_bytes, sha256, text_status, created_at)
SELECT id, user_id, parent_id, user_id || '/' || id, 'notes.md', 'text/markdown', 20480, md5(n::text), 'extracted', created_at
FROM bench_rows;

-- table: media.posts
INSERT INTO media.posts (id, post_id, user_id, post_url, post_content, created_at, platform_connection_id, author)
SELECT id, id::text, user_id, 'https://fedi.example/' || n, 'A post.', created_at, user_id, 'ada' FROM bench_rows
WHERE place = 0;

-- table: media.images
INSERT INTO media.images
    (id, post_id, image_url, local_path, image_post_id, attachment_index, platform_connection_id, platform_type,
     generated_caption, status, caption_quality_score, created_at, updated_at, user_id)
SELECT id, parent_id, 'https://fedi.example/image/' || n, id::text, id::text, place, user_id, 'mastodon', 'A loaf of bread.',
       CASE WHEN dice < 10 THEN 'pending' ELSE 'posted' END::media.processing_status, dice % 100, created_at, created_at,
       user_id
FROM bench_rows;

-- table: auth.users
INSERT INTO auth.users (id, username, email, hashed_password, created_at, updated_at)
SELECT id, 'user' || n, 'user' || n || '@example.org', 'hash', created_at, created_at FROM bench_rows WHERE n % 20 = 0;
