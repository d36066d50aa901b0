SELECT
    trace_id,
    min(started_at) AS started_at,
    max(end_ns) - min(start_ns) AS duration_ns,
    first_value(service ORDER BY is_child, started_at) AS service,
    first_value(function ORDER BY is_child, started_at) AS function,
    first_value(outcome ORDER BY is_child, started_at) AS outcome,
    count(*) AS calls,
    count(DISTINCT service) AS services,
    count(*) FILTER (WHERE outcome IN ('error', 'panicked')) AS errors,
    count(*) FILTER (WHERE outcome = 'running') AS running
FROM (
    SELECT
        trace_id, started_at, service, function, outcome,
        parent_id IS NOT NULL AS is_child,
        CAST(started_at AS BIGINT) AS start_ns,
        CAST(started_at AS BIGINT) + duration_ns AS end_ns
    FROM calls
)
GROUP BY trace_id
