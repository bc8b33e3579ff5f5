# Rebuilds indexes whose order is another one with this image's C library or ICU, on a running private server of 17, 18 or 19.
# Reads lines as collation-read.sh writes them.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

# Looks whether the volume has room for the new files and for their WAL, which waits for the real server to be archived.
# Arguments: file with lines. Exit: 1 when it has not; PROBLEM says so.
check_reindex_room() {
  local needed free
  needed="$(awk -F '\t' '$2 == "index" { sum += $5; if ($5 > most) most = $5 } END { printf "%.0f", sum + most }' "$1")"
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  ((free >= needed)) || {
    PROBLEM="rebuilding the indexes needs about $((needed / MIB)) MiB of room, found $((free / MIB)) MiB: grow the volume"
    return 1
  }
}

# Rebuilds the indexes of the lines and refreshes the recorded versions when all of them are done. One that has another file
# node than its line was rebuilt before and is left alone, so that this may be killed and called again with the same lines.
# Arguments: socket's folder, file with lines. Exit: 1; PROBLEM says why, and which index.
reindex_changed() {
  local reporter status=0
  report_reindex "$1" &
  reporter=$!
  reindex_each "$1" "$2" || status=$?
  kill "$reporter" 2>/dev/null || true
  { wait "$reporter" || true; } 2>/dev/null
  ((status == 0)) && refresh_versions "$1"
}

# Arguments: socket's folder, file with lines. Exit: 1; PROBLEM says why.
reindex_each() {
  local total number=0 database kind oid node bytes name
  total="$(awk -F '\t' '$2 == "index"' "$2" | wc -l)"
  while IFS=$'\t' read -r database kind oid node bytes name _; do
    if [ "$kind" != index ]; then continue; fi
    number=$((number + 1))
    report_progress "collations: reindexing $number of $total: $name of database $database, $((bytes / 1024)) KiB"
    interruptible reindex_one "$1" "$database" "$oid" "$node" || {
      PROBLEM="index $name of database $database can't be rebuilt: $(collation_error)"
      return 1
    }
    kill_point reindexed:after
  done <"$2"
}

# Arguments: socket's folder, database, oid, file node before.
reindex_one() {
  collation_sql "$1" "$2" -v oid="$3" -v node="$4" <<'SQL'
SELECT format('REINDEX INDEX %s', oid::regclass) FROM pg_class WHERE oid = :oid AND pg_relation_filenode(oid) = :node \gexec
SQL
}

# Beside reindex_each: adds to the line of progress how far the present index is.
# Arguments: socket's folder.
report_reindex() {
  local quiet line COLLATION_ERROR=/dev/null
  # to read from where nothing comes is to sleep without a further process
  exec {quiet}<> <(:)
  while ! read -r -t "$REPORT_SECONDS" -u "$quiet"; do
    line="$(
      collation_sql "$1" postgres -F ' ' <<'SQL'
SELECT phase || ',', blocks_done, 'of', blocks_total, 'blocks,', tuples_done, 'of', tuples_total, 'entries'
  FROM pg_stat_progress_create_index LIMIT 1
SQL
    )" || true
    if [ -n "$line" ]; then report_progress "$(sed 's/; .*//' "$PROGRESS_LINE"); $line"; fi
  done
}

# Refreshes the recorded versions that differ, in every database that can be looked into, and in template0, which new databases
# are copied from. Arguments: socket's folder. Exit: 1; PROBLEM says why.
refresh_versions() {
  local database databases status=0
  if ! databases="$(private_databases "$1" 2>"$COLLATION_ERROR")" || ! set_template0_open "$1" true; then
    PROBLEM="the databases can't be listed: $(collation_error)"
    return 1
  fi
  while IFS= read -r database; do
    refresh_database "$1" "$database" || {
      PROBLEM="the versions of database $database can't be refreshed: $(collation_error)"
      status=1
      break
    }
    kill_point refreshed:after
  done <<<"$databases"$'\n'template0
  set_template0_open "$1" false || {
    PROBLEM="template0 can't be closed again: $(collation_error)"
    return 1
  }
  return "$status"
}

# Arguments: socket's folder, true or false. A kill in between is made good by the next call.
set_template0_open() { collation_sql "$1" postgres -c "ALTER DATABASE template0 ALLOW_CONNECTIONS $2"; }

# Arguments: socket's folder, database.
refresh_database() {
  collation_sql "$1" "$2" <<'SQL'
BEGIN;
SELECT format('ALTER COLLATION %s REFRESH VERSION', oid::regcollation) FROM pg_collation
  WHERE collversion <> pg_collation_actual_version(oid) AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) \gexec
SELECT format('ALTER DATABASE %I REFRESH COLLATION VERSION', datname) FROM pg_database
  WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid) \gexec
COMMIT;
SQL
}
