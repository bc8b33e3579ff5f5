# What the running server holds that new settings leave no room for: a scratch server, which holds nothing, starts without that
# room. Needs FOLDER and ALTERED, a file for what ALTER SYSTEM says; sql asks the running server.
# Sets ANSWERS and WAL_SEGMENT_MB.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

# Asks the running server what a scratch server must have in common with it. If none answers, logs that but refuses nothing: a
# changed setting may be what it needs. Sets ANSWERS, WAL_SEGMENT_MB, and the file ALTERED.
ask_running() {
  ANSWERS=false WAL_SEGMENT_MB=16
  : >"$ALTERED"
  if ! pg_isready -q -t 5; then
    info "no server answers at $PGHOST: what it holds (slots, prepared transactions and the like) was not asked"
    return 0
  fi
  attempt running_facts
  if ((STATUS != 0)); then
    warn "the server at $PGHOST answers, but can't be asked what it holds (above): the settings are tried without it"
    return 0
  fi
  ANSWERS=true WAL_SEGMENT_MB="$(cat "$FOLDER/wal-segment")"
  if [ "$(cat "$FOLDER/major")" != "$PG_MAJOR" ]; then : >"$ALTERED"; fi # the upgrade handles them
}

# Writes the segment size, the major, and what ALTER SYSTEM sets, except for files, which a scratch server lacks.
running_facts() {
  sql -c "SELECT setting::bigint / 1048576 FROM pg_settings WHERE name = 'wal_segment_size'" >"$FOLDER/wal-segment"
  sql -c "SELECT current_setting('server_version_num')::int / 10000" >"$FOLDER/major"
  sql >"$ALTERED" <<'SQL'
SELECT format('%s = ''%s''', name, replace(replace(setting, '\', '\\'), '''', ''''''))
  FROM pg_file_settings
  WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name NOT LIKE 'ssl%' AND name NOT LIKE '%file'
  ORDER BY seqno
SQL
}

# Prints, for a message, which settings of ALTER SYSTEM were tried too.
also_altered() {
  if [ -s "$ALTERED" ]; then
    printf ' and those that ALTER SYSTEM made on the server that runs (%s)' "$(cut -d ' ' -f 1 "$ALTERED" | paste -sd ' ')"
  fi
}

# Runs a function in each database of the running server; skips one that can't be asked, with a warning.
# Arguments: function and its arguments; PGDATABASE is the database's.
ask_each_database() {
  local list="$FOLDER/databases" database
  sql -0 -c 'SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname' >"$list"
  while IFS= read -r -d '' database; do
    PGDATABASE="$database" "$@" || warn "database $database can't be asked what it holds (above)"
  done <"$list"
}

# Prints what does not fit the settings, one line each: what a start counts, and what it checks.
# Arguments: settings to come, as a JSON object.
held_problems() {
  sql -v wanted="$1" <<'SQL'
WITH wanted AS (SELECT :'wanted'::json AS value),
  held(setting, kind, holder, remedy) AS (
    SELECT 'max_replication_slots', 'replication slots', quote_ident(slot_name),
        'drop those that nobody reads: SELECT pg_drop_replication_slot(name)'
      FROM pg_replication_slots WHERE NOT temporary
    UNION ALL
    SELECT CASE WHEN value->>'max_active_replication_origins' IS NULL -- before 18
        THEN 'max_replication_slots' ELSE 'max_active_replication_origins' END,
        'replication origins', quote_literal(external_id), 'drop those of nobody: SELECT pg_replication_origin_drop(name)'
      FROM wanted, pg_replication_origin_status
    UNION ALL
    SELECT 'max_prepared_transactions', 'prepared transactions', format('%L in database %I', gid, database),
        'end them there: COMMIT PREPARED name or ROLLBACK PREPARED name'
      FROM pg_prepared_xacts
    UNION ALL
    SELECT 'max_wal_senders', 'replication connections', format('%L of role %I', application_name, usename),
        'end those that nobody needs'
      FROM pg_stat_replication
    UNION ALL
    SELECT 'max_logical_replication_workers', 'enabled subscriptions', format('%I in database %I', subname, datname),
        'disable those that nobody needs: ALTER SUBSCRIPTION name DISABLE'
      FROM pg_subscription JOIN pg_database ON pg_database.oid = subdbid WHERE subenabled
  ),
  counted AS (
    SELECT setting, kind, remedy, count(*) AS held, (array_agg(holder ORDER BY holder))[:5] AS first
      FROM held GROUP BY setting, kind, remedy
  ),
  locks AS (SELECT count(*) AS held FROM pg_locks WHERE pid IS NULL),
  standby(setting) AS (
    VALUES ('max_connections'), ('max_worker_processes'), ('max_wal_senders'), ('max_prepared_transactions'),
      ('max_locks_per_transaction')
  )
SELECT format('- %s = %s is too few for %s %s (%s%s): raise it, or %s.', setting, value->>setting, held, kind,
    array_to_string(first, ', '), CASE WHEN held > 5 THEN ', ...' END, remedy)
  FROM wanted, counted WHERE held > (value->>setting)::bigint
UNION ALL
-- from 19 on, a slot switches logical decoding on by itself above minimal
SELECT format('- wal_level = %s is not enough for replication slot %I (%s): leave %s, or drop the slot if nobody reads it: '
    'SELECT pg_drop_replication_slot(%L).', value->>'wal_level', slot_name,
    CASE WHEN plugin IS NULL THEN 'physical' ELSE format('logical, database %I, plugin %s', database, plugin) END,
    CASE WHEN plugin IS NULL THEN 'replica' ELSE 'logical' END, slot_name)
  FROM wanted, pg_replication_slots
  WHERE NOT temporary AND (value->>'wal_level' = 'minimal'
    OR value->>'wal_level' = 'replica' AND plugin IS NOT NULL AND (value->>'server_version_num')::int < 190000)
UNION ALL
SELECT format('- max_locks_per_transaction = %s leaves no room for the %s locks of prepared transactions (pg_locks): raise it, '
    'or end them with COMMIT PREPARED or ROLLBACK PREPARED.',
    value->>'max_locks_per_transaction', held)
  FROM wanted, locks
  WHERE held > (value->>'max_locks_per_transaction')::bigint * ((value->>'max_connections')::bigint
    + (value->>'max_worker_processes')::bigint + (value->>'max_wal_senders')::bigint
    + coalesce(value->>'autovacuum_worker_slots', value->>'autovacuum_max_workers')::bigint
    + (value->>'max_prepared_transactions')::bigint)
UNION ALL
-- a standby that has less of them than its primary stops to replay, and does not start
SELECT format('- %s = %s is more than the %s of now, and standby %L of role %I replays only with as much of its own: '
    'raise it there first, and end its connection while this server restarts.',
    setting, value->>setting, current_setting(setting), s.application_name, s.usename)
  FROM wanted, standby, pg_stat_replication AS s JOIN pg_stat_activity AS a USING (pid)
  WHERE a.datid IS NULL AND s.replay_lsn IS NOT NULL AND (value->>setting)::bigint > current_setting(setting)::bigint
UNION ALL
SELECT format('- track_commit_timestamp = off forgets when rows were committed, by which subscription %1$I in database %2$I '
    'tells conflicts: leave it on, or disable the subscription: ALTER SUBSCRIPTION %1$I DISABLE.', subname, datname)
  FROM wanted, pg_subscription JOIN pg_database ON pg_database.oid = subdbid
  WHERE subenabled AND current_setting('track_commit_timestamp') = 'on' AND value->>'track_commit_timestamp' = 'off'
SQL
}

# Prints the settings that name an object that no database has: PostgreSQL trusts the name at its start, and each use fails.
# Arguments: settings to come, as a JSON object.
missing_objects() {
  local found="$FOLDER/found" missing="$FOLDER/missing"
  found_objects "$1" >"$found" # most are in every database
  unfound "$1" "$found" >"$missing"
  if [ -s "$missing" ]; then
    ask_each_database found_objects "$1" >>"$found"
    unfound "$1" "$found"
  fi
}

# Prints the objects that were not found. Arguments: settings to come, file of what was found.
unfound() {
  sql -v wanted="$1" -v found="$(sort -u "$2")" <<'SQL'
SELECT format('- %s = %s: no database has such %s: make it first, or correct the name.',
    setting, :'wanted'::json->>setting, kind)
  FROM (VALUES ('default_text_search_config', 'a text search configuration'),
    ('default_table_access_method', 'an access method'), ('default_tablespace', 'a tablespace')) AS named(setting, kind)
  WHERE setting <> ALL (string_to_array(:'found', E'\n')) AND :'wanted'::json->>setting <> ''
SQL
}

# Prints the settings whose object exists in the database. Arguments: settings to come, as a JSON object.
found_objects() {
  sql -v wanted="$1" <<'SQL'
WITH wanted AS (SELECT :'wanted'::json AS value), config AS (SELECT value->>'default_text_search_config' AS name FROM wanted)
SELECT 'default_text_search_config' FROM config, pg_ts_config JOIN pg_namespace ON pg_namespace.oid = cfgnamespace
  WHERE lower(replace(name, '"', '')) IN (lower(cfgname), lower(nspname || '.' || cfgname))
UNION SELECT 'default_table_access_method' FROM wanted, pg_am
  WHERE amtype = 't' AND amname = value->>'default_table_access_method'
UNION SELECT 'default_tablespace' FROM wanted, pg_tablespace WHERE spcname = value->>'default_tablespace'
SQL
}
