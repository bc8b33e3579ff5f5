# The work of an upgrade on the new data: the new cluster before pg_upgrade fills it, and what is left to do after that. What
# writes runs by attempt. Functions that fail say why in PROBLEM.
# Reads OLD, SERVER_FLAGS and PG_REINDEX_COLLATIONS.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly NEW_LOG="$RUN/new-cluster.log"

# Initialises a new cluster with what must be the same. Nothing is synced to the disk: pg_upgrade does that once, at its end.
# Arguments: folder. Exit: initdb's; new_cluster_problem prints why.
make_new_cluster() {
  local options=(-D "$1" -U "$POSTGRES_USER" -A trust --no-instructions --no-sync --wal-segsize="$(($(old_control 'Bytes per WAL segment') / MIB))")
  if [ "$(old_control 'Data page checksum version')" != 0 ]; then
    options+=(--data-checksums)
  elif ((PG_MAJOR >= 18)); then
    options+=(--no-data-checksums)
  fi
  mkdir -p "${1%/*}"
  interruptible initdb "${options[@]}" >"$NEW_LOG" 2>&1
  copy_locale_settings "$OLD" "$1"
}

new_cluster_problem() { echo "the new cluster can't be initialised: $(tail -n 1 "$NEW_LOG")"; }

# Starts the new cluster, still empty, as the real server will start, with ALTER SYSTEM's settings, to learn what it rejects.
# Keeps those settings as $BULK/altered.conf; if it rejects any, leaves all of them out, with a warning.
# Arguments: folder of the new cluster. Exit: 1; PROBLEM says why.
try_new_settings() {
  local file=postgresql.auto.conf words
  cp "$1/$file" "$BULK/initdb.conf"
  cp "$1/$file" "$BULK/altered.conf"
  if ! grep -q '^[^#]' "$OLD/$file" 2>/dev/null; then
    start_as_real "$1"
    return
  fi
  cp "$OLD/$file" "$1/$file"
  attempt start_as_real "$1"
  words="$PROBLEM"
  cp "$BULK/initdb.conf" "$1/$file"
  if ((STATUS == 0)); then
    cp "$OLD/$file" "$BULK/altered.conf"
    return 0
  fi
  start_as_real "$1"
  warn_later "settings made with ALTER SYSTEM were left out, PostgreSQL $PG_MAJOR does not take them ($words): $(grep '^[^#]' "$OLD/$file" | paste -sd ' ')"
}

# Starts a server with the real one's settings, and stops it. Arguments: folder of the new cluster. Exit: 1; PROBLEM says why.
start_as_real() {
  write_generated_settings "$1"
  start_private "$1" "$NEW_LOG" "$RUN/new" postgres "${SERVER_FLAGS[@]}" -c fsync=off -c archive_mode=off -c autovacuum=off
  if ! wait_private "$1"; then
    PROBLEM="$(sed -n 's/.* FATAL:  //p' "$NEW_LOG" | tail -n 1)"
    PROBLEM="PostgreSQL $PG_MAJOR does not start with these settings: ${PROBLEM:-$(tail -n 1 "$NEW_LOG")}"
    return 1
  fi
  stop_private
}

# Finds the indexes that the new image orders differently: the lines have the old server's versions, and the new, still empty
# cluster gives today's. Writes them into the file, for the rebuild that follows the upgrade.
# Arguments: file with lines of read_collations, folder of the new cluster, file. Exit: 1 unless that is allowed; PROBLEM has
# the indexes.
check_new_collations() {
  take_new_versions "$2" "$1"
  affected_collations "$1" >"$3"
  if [ -s "$3" ] && [ "$PG_REINDEX_COLLATIONS" != true ]; then
    PROBLEM="$(describe_change "$3"). With the new version they may be in the wrong order: allow to rebuild just these with PG_REINDEX_COLLATIONS=true (upgrade: {reindexCollations: true}), or use an image of PostgreSQL $PG_MAJOR on the release of Debian that the data come from"
    return 1
  fi
}

# Puts the versions that this image provides into the lines. Only ICU's need a server. Arguments: folder of the new cluster, file.
take_new_versions() {
  if ! awk -F '\t' '$8 == "i" { found = 1 } END { exit !found }' "$2"; then
    take_versions_from '' "$2"
    return
  fi
  start_private "$1" "$NEW_LOG" "$RUN/new" postgres -c fsync=off -c autovacuum=off
  if ! wait_private "$1"; then
    PROBLEM="the new cluster does not start ($(sed -n 's/.* FATAL:  //p' "$NEW_LOG" | tail -n 1))"
    return 1
  fi
  take_versions_from "$RUN/new" "$2"
  stop_private
}

# Checks and completes the new server while it runs. Only damage fails, and with force not even that: other problems are warnings
# in the outcome. Exit: 1; PROBLEM says what is damaged.
settle_new_server() {
  attempt read_all_tables "$PRIVATE"
  if ((STATUS != 0)); then
    if [ "$PG_UPGRADE_FORCE" != true ]; then return 1; fi
    warn_later "the upgraded data are served by force (PG_UPGRADE_FORCE), although ${PROBLEM:-$UNSAID}"
  fi
  update_extensions
  complete_statistics
  if ! [ -s "$UPGRADE_COLLATIONS" ]; then refresh_versions "$PRIVATE"; fi
}

# Updates each extension to this image's version, independently of the others.
update_extensions() {
  local problem
  cat >"$BULK/extensions.sql" <<SQL
\\set ON_ERROR_STOP off
\\o $BULK/extensions-here.sql
SELECT format(E'ALTER EXTENSION %I UPDATE;\n\\\\if :ERROR\n\\\\echo %s of database :DBNAME, :LAST_ERROR_MESSAGE\n\\\\endif', name, name)
  FROM pg_available_extensions WHERE installed_version <> default_version ORDER BY name;
\\o
\\i $BULK/extensions-here.sql
\\set ON_ERROR_STOP on
SQL
  attempt in_each_database "$PRIVATE" "$BULK/extensions.sql" >"$BULK/extensions"
  if ((STATUS != 0)); then each_problem >>"$BULK/extensions"; fi
  while IFS= read -r problem; do
    warn_later "an extension stays at its version, it can't be updated: $problem"
  done <"$BULK/extensions"
}

# PostgreSQL 18 and later keep the planner's statistics; creates the rest in one pass, because nobody is served between stages.
complete_statistics() {
  local options=(--analyze-only)
  if ((PG_MAJOR >= 18)); then options+=(--missing-stats-only); fi
  private_vacuumdb "${options[@]}" >/dev/null 2>"$BULK/vacuumdb" ||
    warn_later "statistics are not complete, autovacuum makes them later: $(tail -n 1 "$BULK/vacuumdb")"
}
