# The work of an upgrade: the old server and its archive, pg_upgrade, and what it leaves to be done. Functions that fail say why
# in PROBLEM.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly UPGRADE_WORK="$RUN/upgrade" # pg_upgrade's own scripts, the old server's settings
readonly PG_UPGRADE_LOG="$RECORDS/pg_upgrade.log"
readonly NEW_LOG="$RUN/new-cluster.log"
readonly FEW_CONNECTIONS=50 # each brings its locks, whose memory costs time at each of the many starts
readonly MANY_LOCKS=2000    # for each connection: pg_dump locks every table of a database at once

# Settings with which the old server opens its data: its own are not in this image. What it takes from the control file, it
# would otherwise refuse to start without.
write_old_settings() {
  install -d -m 0700 "$UPGRADE_WORK"
  echo "local all all peer map=container" >"$UPGRADE_WORK/pg_hba.conf"
  cat >"$UPGRADE_WORK/old.conf" <<EOF
hba_file = '$UPGRADE_WORK/pg_hba.conf'
ident_file = '/etc/postgresql/pg_ident.conf'
max_connections = $FEW_CONNECTIONS
max_locks_per_transaction = $MANY_LOCKS
max_prepared_transactions = $(old_control 'max_prepared_xacts setting')
max_replication_slots = 500
wal_level = $(old_control 'wal_level setting')
track_commit_timestamp = $(old_control 'track_commit_timestamp setting')
archive_mode = on
huge_pages = off
jit = off
autovacuum = off
log_timezone = 'UTC'
log_min_messages = error # every connection would warn of another collation version
EOF
}

# Starts the old server on its data, with its archive. Ends the boot when it does not start.
start_old_server() {
  write_old_settings
  start_private "$OLD" "$UPGRADE_LOG" "$PRIVATE" env LD_LIBRARY_PATH="$OLD_LIBRARIES" WALG_ENV="$(
    if [ "$REHEARSAL" = false ]; then old_archive_environment; fi
  )" "$OLD_BIN/postgres" -c "config_file=$UPGRADE_WORK/old.conf" -c "archive_command=$(
    if [ "$REHEARSAL" = false ]; then echo '/usr/local/bin/archive-wal %p'; fi
  )"
  wait_private "$OLD" || {
    PROBLEM="the old server does not start ($(sed -n 's/.* FATAL:  //p' "$UPGRADE_LOG" | tail -n 1))"
    refuse_with_server
  }
}

# Archives all WAL of the old server and looks which base backup leads here. Sets WAY_BACK; without a fresh one it is empty, and
# NO_WAY_BACK says why. Exit: 1 when the WAL can't be archived; PROBLEM says why.
seek_way_back() {
  archive_all_wal || return
  NO_WAY_BACK=''
  if ! WAY_BACK="$(fresh_backup)"; then NO_WAY_BACK="$WAY_BACK" WAY_BACK=''; fi
}

# Takes a base backup unless a fresh one leads here. Exit: 1 when the archive does not lead back; PROBLEM says why.
back_up_old() {
  if [ -z "$WAY_BACK" ]; then
    info "$NO_WAY_BACK: taking a base backup of PostgreSQL $OLD_MAJOR first"
    if ! env WALG_ENV="$(old_archive_environment)" PGHOST="$PRIVATE" PGPORT=5432 PGUSER="$POSTGRES_USER" backup.sh; then
      PROBLEM="the base backup before it failed (above): correct the archive's access, or what the log says"
      return 1
    fi
    PG_UPGRADE_BACKUP_MAX_AGE=1000000000 seek_way_back || return
    if [ -z "$WAY_BACK" ]; then
      PROBLEM="the base backup that was just taken does not lead back: $NO_WAY_BACK"
      return 1
    fi
  fi
  info "the way back is base backup $WAY_BACK of PostgreSQL $OLD_MAJOR"
}

# Completes the last segment and waits until nothing is left to be archived. Exit: 1 when nothing moves for two deadlines.
archive_all_wal() {
  local waiting left='' since="$SECONDS"
  private_sql "$PRIVATE" postgres -c 'SELECT pg_switch_wal()' >/dev/null || return
  while true; do
    waiting="$(private_sql "$PRIVATE" postgres -c "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")" || return
    if [ "$waiting" = 0 ]; then return 0; fi
    if [ "$waiting" != "$left" ]; then left="$waiting" since="$SECONDS"; fi
    if ((SECONDS - since > 2 * ARCHIVE_DEADLINE)); then
      PROBLEM="$waiting segments of PostgreSQL $OLD_MAJOR can't be archived (above): correct the archive's access"
      return 1
    fi
    interruptible sleep 0.2
  done
}

# Initialises a new cluster with what has to be the same. Nothing waits for the disk: pg_upgrade does that once, at its end.
# Arguments: folder. Exit: initdb's.
make_new_cluster() {
  local options=(-D "$1" -U "$POSTGRES_USER" -A trust --no-instructions --no-sync --wal-segsize="$(($(old_control 'Bytes per WAL segment') / MIB))")
  if [ "$(old_control 'Data page checksum version')" != 0 ]; then
    options+=(--data-checksums)
  elif ((PG_MAJOR >= 18)); then
    options+=(--no-data-checksums)
  fi
  mkdir -p "${1%/*}"
  interruptible initdb "${options[@]}" >"$NEW_LOG" 2>&1
}

# Arguments: pid of make_new_cluster. Exit: 1 when it failed; PROBLEM says why.
new_cluster_is_made() {
  wait "$1" || {
    PROBLEM="the new cluster can't be initialised: $(tail -n 1 "$NEW_LOG")"
    return 1
  }
}

# Looks which indexes the new image orders otherwise: the lines have the versions from before, as the old server knows them;
# those of now are asked of the new cluster, which is still empty. They go into the file, for the rebuild that follows the upgrade.
# Arguments: file with lines of read_collations, folder of the new cluster, file. Exit: 1 unless that is allowed; PROBLEM has
# the indexes.
check_new_collations() {
  take_new_versions "$2" "$1" || return
  affected_collations "$1" >"$3"
  if [ -s "$3" ] && [ "$PG_REINDEX_COLLATIONS" != true ]; then
    PROBLEM="$(describe_change "$3"). With the new version they may be in the wrong order: allow to rebuild just these with PG_REINDEX_COLLATIONS=true (upgrade: {reindexCollations: true}), or use an image of PostgreSQL $PG_MAJOR on the release of Debian that the data come from"
    return 1
  fi
}

# Puts the versions that this image provides into the lines. Only ICU's need a server. Arguments: folder of the new cluster, file.
take_new_versions() {
  local old_server="${SERVER-}" socket="$RUN/new" status=0
  if ! cut -f 8 "$2" | grep -qx i; then
    take_versions_from '' "$2"
    return
  fi
  start_private "$1" "$NEW_LOG" "$socket" postgres -c fsync=off -c autovacuum=off
  if ! wait_private "$1"; then
    PROBLEM="the new cluster does not start ($(sed -n 's/.* FATAL:  //p' "$NEW_LOG" | tail -n 1))"
    status=1
  else
    take_versions_from "$socket" "$2" || status=1
    stop_private || status=1
  fi
  SERVER="$old_server"
  return "$status"
}

# Runs pg_upgrade, which looks at everything again before it begins. Exit: 1; PROBLEM says what it found.
run_pg_upgrade() {
  local status=0 settings="-c hba_file=$UPGRADE_WORK/pg_hba.conf -c ident_file=/etc/postgresql/pg_ident.conf"
  settings+=" -c max_connections=$FEW_CONNECTIONS -c max_locks_per_transaction=$MANY_LOCKS"
  install -d -m 0700 "$PRIVATE"
  (
    cd "$UPGRADE_WORK" || exit
    PGOPTIONS="$UNDISTURBED" with_old_libraries pg_upgrade -b "$OLD_BIN" -B "$(new_programs)" -d "$OLD" -D "$NEW_STAGING" \
      -U "$POSTGRES_USER" -s "$PRIVATE" -j "$(nproc)" "--${UPGRADE[mode]}" \
      -o "-c config_file=$UPGRADE_WORK/old.conf -c archive_command=" -O "$settings"
  ) > >(tee "$PG_UPGRADE_LOG" | relay_pg_upgrade) 2>&1 &
  wait $! || status=$?
  if ((status != 0)); then
    PROBLEM="pg_upgrade: $(pg_upgrade_words)"
    return 1
  fi
}

# Prints the folder with the programs of this image that pg_upgrade is to use: with another pg_restore (lib/pg_restore) where
# only the old server knows versions of attributes.
new_programs() {
  local bin="/usr/lib/postgresql/$PG_MAJOR/bin"
  if grep -q pg_attver "$OLD_BIN/postgres" && ! grep -q pg_attver "$bin/postgres"; then
    mkdir -p "$UPGRADE_WORK/bin"
    ln -sf "$bin"/* "$UPGRADE_WORK/bin/"
    ln -sf "$LIB/pg_restore" "$UPGRADE_WORK/bin/"
    bin="$UPGRADE_WORK/bin"
  fi
  echo "$bin"
}

# Logs pg_upgrade's lines as our own, but for what each connection says of another collation version, which is looked at for
# itself, and for its advice at the end, which the next steps follow.
relay_pg_upgrade() {
  local line told=false noise='WARNING:  database .* has a collation version mismatch'
  while IFS= read -r line; do
    if [[ "$line" =~ ^(.*)$noise ]]; then line="${BASH_REMATCH[1]}"; fi
    if [[ "$line" == "Checking for extension updates"* ]]; then told=true; fi
    if [ "$told" = false ] && [[ "$line" == *[a-z]* && "$line" != @(DETAIL|HINT):* ]]; then info "pg_upgrade: ${line%"${line##*[![:space:]]}"}"; fi
  done
}

# Prints what pg_upgrade says from its first error on, with the lists that it refers to.
pg_upgrade_words() {
  local list words
  words="$(sed -n '/fatal\|failure\|error:/I,$p' "$PG_UPGRADE_LOG" | grep '[a-z]')"
  for list in $(grep -o '/[^ "]*\.\(txt\|log\)' <<<"$words" || true); do
    if [ -r "$list" ]; then words+=" $(grep -v 'collation version' "$list" | tail -c 1000)"; fi
  done
  tr -s ' \n' '  ' <<<"${words:-it ended without a word (above)}"
}

# pg_upgrade leaves ALTER SYSTEM's settings behind. Those that this server does not take are left out as a whole, and said.
copy_altered_settings() {
  local file=postgresql.auto.conf answer
  if ! grep -q '^[^#]' "$OLD/$file" 2>/dev/null; then return 0; fi
  cp "$NEW_STAGING/$file" "$NEW_STAGING/$file.initdb"
  cp "$OLD/$file" "$NEW_STAGING/$file"
  if ! answer="$(postgres -D "$NEW_STAGING" -c config_file=/etc/postgresql/postgresql.conf -C shared_buffers 2>&1)"; then
    cp "$NEW_STAGING/$file.initdb" "$NEW_STAGING/$file"
    warn "settings made with ALTER SYSTEM were left out, PostgreSQL $PG_MAJOR does not take them (${answer//$'\n'/ }): $(grep '^[^#]' "$OLD/$file" | paste -sd ' ')"
  fi
  rm "$NEW_STAGING/$file.initdb"
}

# Brings extensions to the version that this image has. Exit: 1; PROBLEM says which fails.
update_extensions() {
  local database answer
  while IFS= read -r database; do
    answer="$(
      private_sql "$PRIVATE" "$database" 2>&1 <<'SQL'
SELECT format('ALTER EXTENSION %I UPDATE', name) FROM pg_available_extensions
  WHERE installed_version <> default_version \gexec
SQL
    )" || {
      PROBLEM="extensions of database $database can't be updated: $answer"
      return 1
    }
  done < <(private_databases "$PRIVATE")
}

# PostgreSQL 18 and later keep the planner's statistics; the rest is made here, in one pass: nobody is served between stages.
complete_statistics() {
  local options=(--analyze-only) answer
  if ((PG_MAJOR >= 18)); then options+=(--missing-stats-only); fi
  answer="$(private_vacuumdb "${options[@]}" 2>&1)" ||
    warn "statistics are not complete, autovacuum makes them later: ${answer//$'\n'/ }"
}
