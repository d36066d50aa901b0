SELECT
    trace_id,
    min(started_at) AS started_at,
    max(CAST(started_at AS BIGINT) + duration_ns) - min(CAST(started_at AS BIGINT)) AS duration_ns,
    first_value(service ORDER BY parent_id IS NOT NULL, started_at) AS service,
    first_value(function ORDER BY parent_id IS NOT NULL, started_at) AS function,
    first_value(outcome ORDER BY parent_id IS NOT NULL, started_at) AS outcome,
    count(*) AS calls,
    count(DISTINCT service) AS services,
    count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS errors,
    count(*) FILTER (WHERE outcome = 'running') AS running
FROM calls
GROUP BY trace_id
