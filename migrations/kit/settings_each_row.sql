-- What `settings_once.sql` did undone, for the policies in place of POLICIES.
DO $$
DECLARE
    policy record;
    once constant text := '\( SELECT current_setting\(''(app\.user_(?:id|role))''::text, true\) AS current_setting\)';
    plain constant text := 'current_setting(''\1'', true)';
BEGIN
    FOR policy IN
        SELECT tablename, policyname, regexp_replace(qual, once, plain, 'g') AS rule,
               regexp_replace(with_check, once, plain, 'g') AS checked
        FROM pg_policies
        WHERE schemaname = current_schema() AND policyname IN (POLICIES)
    LOOP
        EXECUTE format('ALTER POLICY %I ON %I', policy.policyname, policy.tablename)
            || coalesce(' USING (' || policy.rule || ')', '') || coalesce(' WITH CHECK (' || policy.checked || ')', '');
    END LOOP;
END $$;
