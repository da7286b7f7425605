CREATE ROLE watcher LOGIN;
GRANT SELECT ON sessmem.violations, sessmem.stat TO watcher;
GRANT EXECUTE ON FUNCTION sessmem.recorded_violations(), sessmem.stat_events(), sessmem.audit() TO watcher;
