#!/bin/bash
# Takes a base backup, proves it, and deletes the oldest ones beyond BACKUP_RETAIN. cron, a CronJob or a person runs it. An
# advisory lock prevents concurrent runs, wherever they run; it is free again as soon as its holder is gone.
# Arguments: --first (only when the archive has no base backup, or none that opens with the current key; waits for the server),
#   --new-timeline (only when the current timeline has none; after a restore or an upgrade, the old data may go only then),
#   --take-over (takes no backup: this database takes over the archive from the one that wrote there).
# Environment: PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE (default: the socket), PGDATA, BACKUP_RETAIN, BACKUP_STATUS_FILE,
#   BACKUP_WAIT_SECONDS: how long --first and --new-timeline wait for the server, and for another backup.
# Exit: 0 done, or not needed; 3 skipped (server not accepting, another backup running); 1 failed. When only the retention fails,
# the backup is good: exit 0, and the status says so.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/common/log.sh"
. "$LIB/common/attempt.sh"
. "$LIB/common/record.sh"
. "$LIB/common/watch.sh"
. "$LIB/common/environment.sh"
. "$LIB/common/psql.sh"
. "$LIB/archive/walg.sh"
. "$LIB/archive/objects.sh"
. "$LIB/archive/identity.sh"
. "$LIB/archive/claim.sh"
. "$LIB/archive/marks.sh"
. "$LIB/archive/encryption.sh"
. "$LIB/backup/proof.sh"
. "$LIB/backup/retention.sh"
. "$LIB/backup/status.sh"
. "$LIB/server/tablespaces.sh"

COMPONENT=backup
# the key is arbitrary; two numbers keep it apart from an application's one-number locks
readonly LOCK_KEY='1886614891, 1'
readonly WORK="$RUN/backup.$$"
# beyond this, wal-g keeps no list of files in memory (0.6 KiB each); a restore then goes by what the parts hold
readonly MANY_FILES=100000

# Arguments: none. Exit: 0 when the server accepts connections and is not in recovery.
server_is_primary() {
  pg_isready -q -t 10 && [ "$(sql -c 'SELECT pg_is_in_recovery()')" != t ]
}

# Waits up to PATIENCE seconds for the server. Ends the process when it does not come.
wait_for_server() {
  local end=$((SECONDS + PATIENCE))
  until server_is_primary; do
    if ((SECONDS >= end)); then skip "the server does not accept connections or is in recovery: no backup was taken"; fi
    sleep 1
  done
}

# Takes the lock in a psql session that lives as long as this script. Ends the process when another session keeps the lock.
take_lock() {
  local end=$((SECONDS + PATIENCE)) said=false
  coproc SESSION { PGOPTIONS="$UNDISTURBED" exec setpriv --pdeathsig KILL psql -XAtq --no-password 2>&1; }
  while true; do
    ask_for_lock
    if [ "$LOCKED" = t ]; then return 0; fi
    if ((SECONDS >= end)); then skip "another backup is running $(lock_holder): no backup was taken"; fi
    if [ "$said" = false ]; then info "another backup is running $(lock_holder): waiting for its end"; fi
    said=true
    sleep 2
  done
}

# Sets LOCKED: f when another session holds the lock, else t.
ask_for_lock() {
  local answer
  echo "SELECT pg_try_advisory_lock($LOCK_KEY);" >&"${SESSION[1]}"
  while IFS= read -r answer <&"${SESSION[0]}" || ! answer='the session ended'; do
    # skips what a new connection says, such as a collation version mismatch
    [[ "$answer" == @(WARNING|DETAIL|HINT|NOTICE):* ]] || break
  done
  [[ "$answer" == [tf] ]] || fail "the backup lock can't be asked for: $answer; no backup was taken"
  LOCKED="$answer"
}

# Prints since when the lock's holder has been running.
lock_holder() {
  sql -c "SELECT 'since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND (classid, objid) = ($LOCK_KEY)"
}

# Ends the process unless this database owns the archive. A Job may start before the database's own container has claimed it.
check_identity() {
  local end=$((SECONDS + PATIENCE))
  find_identity "$STORE_SECONDS"
  while [ "$IDENTITY" = unknown ] && ! [ -w "$RECORDS" ] && ((SECONDS < end)); do
    sleep 2
    find_identity "$STORE_SECONDS"
  done
  case "$IDENTITY" in
    owner) ;;
    stranger) fail "no backup was taken: $(stranger_text)" ;;
    *) fail "no backup was taken: whether the archive is this database's can't be asked: $IDENTITY_WHY" ;;
  esac
}

# Only the lock's holder runs, so folders of killed runs can go.
make_work() {
  if compgen -G "$RUN/backup.*" >/dev/null; then rm -rf "$RUN"/backup.*; fi
  mkdir -p "$WORK"
}

# Sets SYSTEM, SEGMENT_BYTES, TIMELINE and ARCHIVE_MODE from the server, and tells wal-g the segment size.
ask_server() {
  local answer
  answer="$(sql -F ' ' -c "SELECT system_identifier, (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'),
    left(pg_walfile_name(pg_current_wal_lsn()), 8), current_setting('archive_mode') FROM pg_control_system()")" || fail "no backup was taken: the server can't be asked (above)"
  read -r SYSTEM SEGMENT_BYTES TIMELINE ARCHIVE_MODE <<<"$answer"
  TIMELINE=$((16#$TIMELINE))
  export WALG_PG_WAL_SIZE=$((SEGMENT_BYTES / 1048576))
}

# Lists the base backups. Ends the process when MODE needs no further one.
check_need() {
  local newest timeline=''
  if [ "$MODE" = --new-timeline ]; then timeline="$TIMELINE"; fi
  own_backups_into "$WORK/before" "$timeline" || fail "no backup was taken: the archive can't be listed: $PROBLEM"
  newest="$(tail -n 1 "$WORK/before")"
  if [ -z "$newest" ] || [ -z "$MODE" ]; then return 0; fi
  if [ "$MODE" = --first ] && opens_with_key "$newest"; then
    finish "the archive has a backup already: $newest"
  elif [ "$MODE" = --first ]; then
    info "the newest backup does not open with the key of today, which WAL is now archived with, so another is taken: $PROBLEM"
  elif list_objects "$WORK/objects" && grep -qxF "backups/$newest.json" "$WORK/objects"; then
    finish "timeline $TIMELINE has a backup already: $newest"
  fi
}

# Writes into WORK/base the newest base backup of the live history, on which an increment builds. wal-g would take the newest in
# the archive, and an increment on that misses what another timeline changed. Runs by attempt.
choose_base() {
  gather_history
  list_backups_into "$WORK/backups.json"
  perl "$LIB/planner/planner.pl" backups "$WORK" "system=$SYSTEM" "live=$TIMELINE" >"$WORK/base" 2>"$WORK/base.err" ||
    not_known "$(tail -n 1 "$WORK/base.err")"
}

# Sets BASE: wal-g's options for an increment on the right base backup, none when increments are off. Ends the process when
# the base backup can't be determined.
read_base() {
  BASE=()
  if [[ "${WALG_DELTA_MAX_STEPS:-0}" == 0 ]]; then return 0; fi
  attempt choose_base
  if ((STATUS != 0)); then fail "no backup was taken: what an increment is to be made on can't be told: ${PROBLEM:-above}"; fi
  BASE=(--delta-from-name "$(tail -n 1 "$WORK/base")")
  if [ -z "${BASE[1]}" ]; then BASE=(--full); fi
}

push_backup() {
  local files
  files="$(find "$PGDATA/base" "$PGDATA/global" -type f -printf '.' 2>/dev/null | wc -c || true)" # files may vanish meanwhile
  if ((files > MANY_FILES)) && [ -z "${WALG_USE_RATING_COMPOSER-}${WALG_USE_COPY_COMPOSER-}${WALG_USE_DATABASE_COMPOSER-}" ]; then
    info "$files files: wal-g keeps no list of them"
    export WALG_WITHOUT_FILES_METADATA=true
  fi
  info "backup of $PGDATA begins"
  DOING="the backup failed (above); older backups are untouched"
  PGOPTIONS="$UNDISTURBED" walg backup-push "$PGDATA" "${BASE[@]}"
  DOING="the backup is stored, but whether it is good can't be told (above)"
}

take_backup() {
  local name
  attempt check_archiving
  if ((STATUS != 0)); then fail "no backup was taken: ${PROBLEM:-WAL is not archived (above)}"; fi
  read_base
  # while this archive belonged to another database, histories were archived elsewhere
  attempt store_histories
  if ((STATUS != 0)); then fail "no backup was taken: the histories of its timelines can't be stored: ${PROBLEM:-above}"; fi
  push_backup
  attempt prove_backup "$WORK/before"
  if ((STATUS != 0)); then fail "the backup is not good: ${PROBLEM:-there is no proof (above)}; older backups are untouched"; fi
  name="$(<"$WORK/name")"
  retain_backups "$name"
  record_backup "$name" "$RETENTION"
}

# Sets RETENTION to its result. Keeps older backups when a restore of this one would be refused. Arguments: base backup.
retain_backups() {
  local tablespaces
  tablespaces="$(tablespaces_in "$PGDATA")"
  if [ -n "$tablespaces" ]; then
    RETENTION="retention skipped: tablespaces are not covered ($tablespaces), so a restore of it is refused, and older backups are kept"
    warn "$1: $RETENTION. Move what is in them to pg_default and drop them"
    return 0
  fi
  attempt apply_retention
  if ((STATUS == 0)); then
    RETENTION="retention done: $(<"$WORK/retention")"
    return 0
  fi
  RETENTION="retention failed: ${PROBLEM:-ended early (above)}"
  error "the backup $1 is good, but those above the $BACKUP_RETAIN newest could not all be deleted: ${PROBLEM:-above}. Nothing else was touched; the next backup tries again"
}

take_over() {
  find_identity "$STORE_SECONDS" human
  if [ "$IDENTITY" != owner ]; then fail "the archive was not taken over: $IDENTITY_WHY"; fi
  info "the archive is this database's"
  write_status "done" "the archive is this database's"
}

_main() {
  cd / # only root may enter cron's folder
  case "$#,${1-}" in
    0,) MODE='' PATIENCE=0 ;;
    1,--first | 1,--new-timeline) MODE="$1" PATIENCE="${BACKUP_WAIT_SECONDS:-600}" ;;
    1,--take-over) MODE="$1" PATIENCE=0 ;;
    *) die "unknown arguments: $*; no backup was taken: backup.sh takes --first, --new-timeline, --take-over or nothing" ;;
  esac
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  BACKUP_STATUS_FILE="${BACKUP_STATUS_FILE:-$RECORDS/last-backup}"
  trap end_with_words EXIT
  load_walg_env || fail "no backup was taken: $WALG_ENV or a secret it names can't be read; is a prefix such as WALG_S3_PREFIX set?"
  if [ "$MODE" = --take-over ]; then
    take_over
    return
  fi
  use_server
  wait_for_server
  check_identity
  take_lock
  make_work
  ask_server
  check_need
  take_backup
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
