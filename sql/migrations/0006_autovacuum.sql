-- Raw emotions come and, after their retention, go at the same pace. The default waits until a fifth of
-- the table is dead (two million of ten million rows) and then has all indexes to clean at once; a
-- fiftieth keeps each pass short, the pages seen and frozen early, and the estimates of the planner near.
-- The daily sums need nothing of their own: their updates stay in the page (fillfactor 50, no index on
-- what changes), where the next one prunes them.
ALTER TABLE emotional_events SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
