# Rebuilds indexes that this image's C library or ICU orders differently, on a running private server of 17, 18 or 19.
# Reads lines as read.sh writes them. What writes runs by attempt.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

readonly MOST_IN_SESSION=2000         # indexes: a session caches each of them
readonly REINDEXING="$RUN/reindexing" # the index being rebuilt, for the line of progress

# Checks that the volume has room for the new files and for their WAL, which stays until the real server archives it.
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

# Rebuilds the indexes of the lines, then refreshes the recorded versions. Skips an index whose file node differs from its line:
# it was rebuilt before. So this may be killed and called again with the same lines.
# Arguments: socket's folder, file with lines. Exit: 1; PROBLEM says why, and which index.
reindex_changed() {
  local reporter
  awk -F '\t' '$2 == "index"' "$2" >"$BULK/reindex"
  : >"$REINDEXING"
  report_reindex "$1" "$BASHPID" &
  reporter=$!
  reindex_each "$1" "$BULK/reindex"
  kill "$reporter" 2>/dev/null || true
  { wait "$reporter" || true; } 2>/dev/null
  refresh_versions "$1"
}

# Rebuilds the indexes one after the other, in one session per database.
# Arguments: socket's folder, file with lines of indexes. Exit: 1; PROBLEM says why.
reindex_each() {
  local total number=0 said=-1 open='' database oid node bytes name
  total="$(wc -l <"$2")"
  while IFS=$'\t' read -r -u 3 database _ oid node bytes name _; do
    number=$((number + 1))
    echo "collations: reindexing $number of $total: $name of database $database, $((bytes / 1024)) KiB" >"$REINDEXING"
    if ((SECONDS > said)); then
      said="$SECONDS"
      report_progress "$(<"$REINDEXING")"
    fi
    if [ "$database" != "$open" ] || ((number % MOST_IN_SESSION == 0)); then
      if [ -n "$open" ]; then close_session; fi
      printf -v open '%b' "$database"
      open_session "$1" "$open"
      open="$database"
    fi
    reindex_one
    kill_point reindexed:after
  done 3<"$2"
  if [ -n "$open" ]; then close_session; fi
}

# Sets SESSION, the pipes of a psql in a database. Arguments: socket's folder, database. Exit: 1; PROBLEM says why.
open_session() {
  local answer=''
  coproc SESSION { collation_sql "$1" "$2" -v ON_ERROR_STOP=off -c 'SELECT 1' -f -; }
  read -r -u "${SESSION[0]}" answer || true
  [ "$answer" = 1 ] || {
    PROBLEM="database $2 can't be worked in: $(collation_error)"
    return 1
  }
}

close_session() {
  local ended="$SESSION_PID" input="${SESSION[1]}"
  exec {input}>&-
  wait "$ended" || true
}

# Rebuilds the index of reindex_each. A failure of the server, of room or by damage ends the rebuild. A failure of the index
# itself leaves it invalid, so that no query reads it; an index that enforces a rule of the data needs force for that.
reindex_one() {
  local code message
  cat >&"${SESSION[1]}" <<SQL
SELECT coalesce((SELECT format('REINDEX INDEX %s', oid::regclass) FROM pg_class WHERE oid = $oid AND pg_relation_filenode(oid) = $node),
  'SET client_min_messages = error') AS command \\gset
:command;
SELECT :'SQLSTATE', translate(:'LAST_ERROR_MESSAGE', E'\\t\\n', '  ');
SQL
  IFS=$'\t' read -r -u "${SESSION[0]}" code message || code=08006 message="$(collation_error)"
  case "$code" in
    00*) return 0 ;;
    08* | 40* | 53* | 54* | 55* | 57* | 58* | F0* | XX*)
      PROBLEM="index $name of database $database can't be rebuilt: $message ($code). No client was let in, and what is rebuilt stays so: correct the cause and start again"
      return 1
      ;;
  esac
  leave_invalid
}

# Arguments of reindex_one. Exit: 1 for an index that enforces a rule of the data, without force; PROBLEM says so.
leave_invalid() {
  local rule
  cat >&"${SESSION[1]}" <<SQL
SELECT indisunique OR indisexclusion FROM pg_index WHERE indexrelid = $oid;
SQL
  read -r -u "${SESSION[0]}" rule
  if [ "$rule" != f ] && [ "${PG_UPGRADE_FORCE:-false}" != true ]; then
    PROBLEM="index $name of database $database can't be rebuilt: $message ($code). No client was let in, and what is rebuilt stays so. Ways on: correct the cause and start again; put back ${before:-the image from before} with ${permit:-PG_REINDEX_COLLATIONS=true}, which rebuilds those back: duplicates can be removed there; or PG_UPGRADE_FORCE=true (upgrade: {force: true}) leaves the index invalid"
    return 1
  fi
  cat >&"${SESSION[1]}" <<SQL
UPDATE pg_index SET indisvalid = false, indisready = indisunique OR indisexclusion WHERE indexrelid = $oid;
SELECT :'SQLSTATE';
SQL
  read -r -u "${SESSION[0]}" rule
  if [ "$rule" != 00000 ]; then
    PROBLEM="index $name of database $database can neither be rebuilt ($message) nor be made invalid ($rule)"
    return 1
  fi
  warn_later "index $name of database $database could not be rebuilt ($message) and is invalid, so no query uses it: correct the cause, then REINDEX INDEX"
}

# Beside reindex_each: logs the current index and its progress.
# Arguments: socket's folder, pid; ends when that process ends.
report_reindex() {
  local quiet line COLLATION_ERROR=/dev/null
  # reading from a pipe that nobody writes to sleeps without another process
  exec {quiet}<> <(:)
  while ! read -r -t "$REPORT_SECONDS" -u "$quiet" && kill -0 "$2" 2>/dev/null; do
    line="$(
      collation_sql "$1" postgres -F ' ' <<'SQL'
SELECT phase || ',', blocks_done, 'of', blocks_total, 'blocks,', tuples_done, 'of', tuples_total, 'entries'
  FROM pg_stat_progress_create_index LIMIT 1
SQL
    )" || true
    report_progress "$(<"$REINDEXING")${line:+; $line}"
  done
}

# Refreshes outdated recorded versions in every database that accepts connections, and in template0, from which new databases are
# copied. A failure is only a warning: the rebuild puts an index in order, not what the catalog says of it.
# Arguments: socket's folder.
refresh_versions() {
  local problem
  # each statement separately, so that a failure leaves the others alone
  cat >"$BULK/refresh.sql" <<SQL
\\set ON_ERROR_STOP off
\\o $BULK/refresh-these.sql
SELECT statement || E';\n\\\\if :ERROR\n\\\\echo :DBNAME: :LAST_ERROR_MESSAGE\n\\\\endif' FROM (
  SELECT format('ALTER COLLATION %s REFRESH VERSION', oid::regcollation) AS statement FROM pg_collation
    WHERE collversion <> pg_collation_actual_version(oid) AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
  UNION ALL
  SELECT format('ALTER DATABASE %I REFRESH COLLATION VERSION', datname) FROM pg_database
    WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)
) AS stale;
\\o
\\i $BULK/refresh-these.sql
\\set ON_ERROR_STOP on
SQL
  attempt in_each_database "$1" "$BULK/refresh.sql" >"$BULK/refreshed"
  if ((STATUS != 0)); then each_problem >>"$BULK/refreshed"; fi
  kill_point refreshed:after
  attempt refresh_template0 "$1" >>"$BULK/refreshed"
  if ((STATUS != 0)); then collation_error >>"$BULK/refreshed"; fi
  while IFS= read -r problem; do
    warn_later "the recorded version of a collation can't be refreshed, so sessions warn of it: $problem"
  done <"$BULK/refreshed"
}

# Arguments: socket's folder. The next call repairs what a kill in between leaves.
refresh_template0() {
  collation_sql "$1" postgres -c "ALTER DATABASE template0 ALLOW_CONNECTIONS true"
  collation_sql "$1" template0 -f "$BULK/refresh.sql"
  collation_sql "$1" postgres -c "ALTER DATABASE template0 ALLOW_CONNECTIONS false"
}
