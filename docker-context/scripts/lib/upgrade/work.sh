# The work of an upgrade on the old data: the old server, its archive, pg_upgrade. Functions that fail say why in PROBLEM.
# Sets SERVER; reads OLD, OLD_LIBRARIES, OLD_BIN, OLD_MAJOR, UPGRADE and REHEARSAL.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly UPGRADE_WORK="$RUN/upgrade" # pg_upgrade's own scripts, the old server's settings
readonly PG_UPGRADE_LOG="$RECORDS/pg_upgrade.log"
readonly FEW_CONNECTIONS=50 # each has its locks, whose memory takes time at each of the many starts
readonly MANY_LOCKS=2000    # at least, per connection: pg_dump locks every table of a database at once

# Writes settings with which the old server opens its data: its own are not in this image. It refuses to start without those that
# come from the control file. Arguments: locks per connection.
write_old_settings() {
  local segment
  segment=$(($(old_control 'Bytes per WAL segment') / MIB))
  install -d -m 0700 "$UPGRADE_WORK"
  echo "local all all peer map=container" >"$UPGRADE_WORK/pg_hba.conf"
  cat >"$UPGRADE_WORK/old.conf" <<SETTINGS
hba_file = '$UPGRADE_WORK/pg_hba.conf'
ident_file = '/etc/postgresql/pg_ident.conf'
max_connections = $FEW_CONNECTIONS
max_locks_per_transaction = $1
max_prepared_transactions = $(old_control 'max_prepared_xacts setting')
max_replication_slots = 500
min_wal_size = $((2 * segment))MB
max_wal_size = $((segment > 512 ? 2 * segment : 1024))MB
wal_level = $(old_control 'wal_level setting')
track_commit_timestamp = $(old_control 'track_commit_timestamp setting')
archive_mode = on
huge_pages = off
jit = off
autovacuum = off
event_triggers = off
max_logical_replication_workers = 0
lc_messages = 'C'
log_timezone = 'UTC'
log_min_messages = error # every connection would warn of another collation version
SETTINGS
}

# Starts the old server on its data, with its archive. Ends the boot when it does not start.
start_old_server() {
  write_old_settings "$MANY_LOCKS"
  start_private "$OLD" "$UPGRADE_LOG" "$PRIVATE" env LD_LIBRARY_PATH="$OLD_LIBRARIES" \
    WAL_SEGMENT_BYTES="$(old_control 'Bytes per WAL segment')" WALG_ENV="$(
      if [ "$REHEARSAL" = false ]; then old_archive_environment; fi
    )" "$OLD_BIN/postgres" -c "config_file=$UPGRADE_WORK/old.conf" -c "archive_command=$(
      if [ "$REHEARSAL" = false ]; then echo '/usr/local/bin/archive-wal %p'; fi
    )"
  if ! wait_private "$OLD"; then
    SERVER=''
    refuse_with_server "the old server does not start ($(sed -n 's/.* FATAL:  //p' "$UPGRADE_LOG" | tail -n 1))"
  fi
}

# Archives all WAL of the old server and finds the base backup that leads here. Sets WAY_BACK; without a fresh one it is empty,
# and NO_WAY_BACK says why. Sets STATUS and, when the WAL can't be archived, PROBLEM. Arguments: maximum age in seconds.
seek_way_back() {
  local PG_UPGRADE_BACKUP_MAX_AGE="$1"
  WAY_BACK='' NO_WAY_BACK=''
  attempt archive_all_wal
  if ((STATUS != 0)); then return 0; fi
  attempt fresh_backup >"$BULK/way-back"
  if ((STATUS == 0)); then WAY_BACK="$(<"$BULK/way-back")"; else NO_WAY_BACK="$(<"$BULK/way-back")"; fi
  STATUS=0 PROBLEM=''
}

# Takes a base backup unless a fresh one leads here. Sets STATUS and, when the archive does not lead back, PROBLEM.
back_up_old() {
  if [ -z "$WAY_BACK" ]; then
    info "${NO_WAY_BACK:-no base backup is known}: taking a base backup of PostgreSQL $OLD_MAJOR first"
    attempt env WALG_ENV="$(old_archive_environment)" PGHOST="$PRIVATE" PGPORT=5432 PGUSER="$POSTGRES_USER" backup.sh
    if ((STATUS != 0)); then
      PROBLEM="the base backup before it was not taken (exit code $STATUS, above): correct the archive's access, or what the log says"
      return 0
    fi
    seek_way_back 1000000000
    if ((STATUS == 0)) && [ -z "$WAY_BACK" ]; then
      STATUS=1 PROBLEM="the base backup that was just taken does not lead back: $NO_WAY_BACK"
    fi
  fi
  if ((STATUS == 0)); then info "the way back is base backup $WAY_BACK of PostgreSQL $OLD_MAJOR"; fi
}

# Completes the last segment and waits until everything is archived. Exit: 1 when nothing moves for two deadlines.
archive_all_wal() {
  local waiting left='' since="$SECONDS"
  private_sql "$PRIVATE" postgres -c 'SELECT pg_switch_wal()' >/dev/null
  while true; do
    waiting="$(private_sql "$PRIVATE" postgres -c "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")"
    if [ "$waiting" = 0 ]; then return 0; fi
    if [ "$waiting" != "$left" ]; then left="$waiting" since="$SECONDS"; fi
    if ((SECONDS - since > 2 * ARCHIVE_DEADLINE)); then
      PROBLEM="$waiting segments of PostgreSQL $OLD_MAJOR can't be archived (above): correct the archive's access"
      return 1
    fi
    interruptible sleep 0.2
  done
}

# Runs pg_upgrade, which repeats all its checks before it begins. Exit: 1; PROBLEM says what it found.
run_pg_upgrade() {
  local locks new options="$ALONE" settings="-c hba_file=$UPGRADE_WORK/pg_hba.conf -c ident_file=/etc/postgresql/pg_ident.conf -c lc_messages=C"
  locks="$(locks_for "$FEW_CONNECTIONS" "$(nproc)" "$BULK/objects")"
  write_old_settings "$locks"
  settings+=" -c max_connections=$FEW_CONNECTIONS -c max_locks_per_transaction=$locks"
  install -d -m 0700 "$PRIVATE"
  # else each database's own, as pg_dump uses it
  if [ "$(<"$BULK/encodings")" != 0 ]; then options+=" $AS_IT_IS"; fi
  prepare_new_programs
  new="$(new_programs)"
  cd "$UPGRADE_WORK" || return
  PGOPTIONS="$options" with_old_libraries env -u LC_ALL LC_MESSAGES=C pg_upgrade -b "$OLD_BIN" -B "$new" -d "$OLD" -D "$NEW_STAGING" \
    -U "$POSTGRES_USER" -s "$PRIVATE" -j "$(nproc)" "--${UPGRADE[mode]}" \
    -o "-c config_file=$UPGRADE_WORK/old.conf -c archive_command=" -O "$settings" 2>&1 | tee "$PG_UPGRADE_LOG" | relay_pg_upgrade || {
    PROBLEM="pg_upgrade: $(pg_upgrade_words)"
    return 1
  }
}

# Exit: 0 when only the old server knows attribute versions.
must_leave_versions_out() { grep -q pg_attver "$OLD_BIN/postgres" && ! grep -q pg_attver "/usr/lib/postgresql/$PG_MAJOR/bin/postgres"; }

# Creates a folder of this image's programs with our pg_restore (lib/upgrade/pg_restore), if that is needed.
prepare_new_programs() {
  if must_leave_versions_out; then
    mkdir -p "$UPGRADE_WORK/bin"
    ln -sf "/usr/lib/postgresql/$PG_MAJOR/bin"/* "$UPGRADE_WORK/bin/"
    ln -sf "$LIB/upgrade/pg_restore" "$UPGRADE_WORK/bin/"
  fi
}

# Prints the folder of this image's programs that pg_upgrade is to use.
new_programs() {
  if must_leave_versions_out; then echo "$UPGRADE_WORK/bin"; else echo "/usr/lib/postgresql/$PG_MAJOR/bin"; fi
}

# Logs pg_upgrade's lines in our own format, without each connection's warning about a collation version mismatch, which is
# checked separately, and without its closing advice, which the next steps follow.
relay_pg_upgrade() {
  local line told=false noise='WARNING:  database .* has a collation version mismatch'
  while IFS= read -r line; do
    if [[ "$line" =~ ^(.*)$noise ]]; then line="${BASH_REMATCH[1]}"; fi
    if [[ "$line" == "Checking for extension updates"* ]]; then told=true; fi
    if [ "$told" = false ] && [[ "$line" == *[a-z]* && "$line" != @(DETAIL|HINT):* ]]; then info "pg_upgrade: ${line%"${line##*[![:space:]]}"}"; fi
  done
}

# Prints pg_upgrade's output from its first error on, with the lists that it refers to.
pg_upgrade_words() {
  local list words
  words="$(sed -n '/fatal\|failure\|error:/I,$p' "$PG_UPGRADE_LOG" | grep '[a-z]')"
  for list in $(grep -o '/[^ "]*\.\(txt\|log\)' <<<"$words" || true); do
    if [ -r "$list" ]; then words+=" $(grep -v 'collation version' "$list" | tail -c 1000)"; fi
  done
  tr -s ' \n' '  ' <<<"${words:-it ended without a word (above)}"
}
