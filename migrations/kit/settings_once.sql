-- Policies ask whose transaction it is. Written as a subquery, the server looks the setting up once a statement; written plainly,
-- once a row, which is most of the cost of a statement that counts many rows.
DO $$
DECLARE
    policy record;
    plain constant text := 'current_setting\(''(app\.user_(?:id|role))''::text, true\)';
    once constant text := '(SELECT current_setting(''\1'', true))';
BEGIN
    FOR policy IN
        SELECT tablename, policyname, regexp_replace(qual, plain, once, 'g') AS rule,
               regexp_replace(with_check, plain, once, 'g') AS checked
        FROM pg_policies
        WHERE schemaname = current_schema() AND coalesce(qual, with_check) ~ plain
          AND coalesce(qual, with_check) !~ 'SELECT current_setting'
    LOOP
        EXECUTE format('ALTER POLICY %I ON %I', policy.policyname, policy.tablename)
            || coalesce(' USING (' || policy.rule || ')', '') || coalesce(' WITH CHECK (' || policy.checked || ')', '');
    END LOOP;
END $$;
