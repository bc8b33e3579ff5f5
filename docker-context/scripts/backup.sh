#!/usr/bin/env bash
# Takes a base backup, then deletes the oldest ones above BACKUP_RETAIN. Run by cron, by a CronJob or by hand; an
# advisory lock keeps two from running at once, wherever they run, and is free again as soon as its holder is gone.
# Arguments: --first (only when the archive has no backup yet, or none that opens with the key of today).
# Environment: PGHOST, PGPORT, PGUSER, PGPASSWORD_FILE (default: the socket), PGDATA, BACKUP_RETAIN, BACKUP_STATUS_FILE.
# Exit: 0 done, or nothing to do (server not accepting, another backup running); 1 the backup or the retention failed.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
. "$LIB/log.sh"
. "$LIB/record.sh"
. "$LIB/environment.sh"
. "$LIB/walg.sh"
. "$LIB/encryption.sh"
. "$LIB/psql.sh"

COMPONENT=backup
# the key is arbitrary; two numbers keep it apart from an application's one-number locks
readonly LOCK_KEY='1886614891, 1'

# Arguments: none. Exit: 0 when the server accepts connections and is not in recovery.
server_is_primary() {
  pg_isready -q -t 10 && [ "$(sql -c 'SELECT pg_is_in_recovery()')" != t ]
}

# Takes the lock in a psql session that lives as long as this script. Exit: 1 when another session holds it.
take_lock() {
  local answer
  coproc SESSION { PGOPTIONS="$UNDISTURBED" exec setpriv --pdeathsig KILL psql -XAtq --no-password 2>&1; }
  echo "SELECT pg_try_advisory_lock($LOCK_KEY);" >&"${SESSION[1]}"
  while IFS= read -r answer <&"${SESSION[0]}" || ! answer='the session ended'; do
    # what a connection says first, such as that of another collation version
    [[ "$answer" == @(WARNING|DETAIL|HINT|NOTICE):* ]] || break
  done
  [[ "$answer" == [tf] ]] || die "the backup lock can't be asked for: $answer; no backup was taken"
  [ "$answer" = t ]
}

# Prints since when the holder of the lock has been at work.
lock_holder() {
  sql -c "SELECT 'since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND (classid, objid) = ($LOCK_KEY)"
}

# Reads the names of the archive's backups into BACKUPS, oldest first. Exit: 1 when it can't be listed; WALG_ERROR says why.
read_backups() {
  walg_within 300 backup-list || return 1
  BACKUPS="$(awk '$1 ~ /^base_/ { print $1 }' <<<"$WALG_OUTPUT")"
}

# Notes the newest backup of the archive with the time of now; without it monitoring can't tell how old the last is.
record_backup() {
  local name now
  read_backups || die "the backup is stored but the archive can't be listed: $WALG_ERROR"
  name="$(tail -n 1 <<<"$BACKUPS")"
  [ -n "$name" ] || die "wal-g reported success but the archive lists no backup"
  TZ=UTC0 printf -v now '%(%F %T)T UTC' -1
  if [ "$BACKUP_STATUS_FILE" = /dev/termination-log ]; then
    echo "$now $name" >"$BACKUP_STATUS_FILE"
  else
    write_record "$BACKUP_STATUS_FILE" "$now $name"
  fi
  info "last good backup: $name at $now"
}

_main() {
  local only_first=false
  case "$#,${1-}" in
    0,) ;;
    1,--first) only_first=true ;;
    *) die "unknown arguments: $*; no backup was taken: backup.sh takes --first or nothing" ;;
  esac
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  load_walg_env || die "no backup was taken: $WALG_ENV or a secret it names can't be read; is a prefix such as WALG_S3_PREFIX set?"
  BACKUP_STATUS_FILE="${BACKUP_STATUS_FILE:-$RECORDS/last-backup}"
  use_server
  if ! server_is_primary; then
    warn "the server does not accept connections or is in recovery: no backup was taken"
    if "$only_first"; then return 1; fi # its Job tries again
    return 0
  fi
  if ! take_lock; then
    info "another backup is running $(lock_holder): nothing to do"
    return 0
  fi
  if "$only_first"; then
    read_backups || die "the archive can't be listed: $WALG_ERROR; no backup was taken"
    if [ -n "$BACKUPS" ] && opens_with_key "$(tail -n 1 <<<"$BACKUPS")"; then
      info "the archive has a backup already: nothing to do"
      return 0
    elif [ -n "$BACKUPS" ]; then
      info "the newest backup does not open with the key of today, which WAL is now archived with, so another is taken: $PROBLEM"
    fi
  fi
  info "backup of $PGDATA begins"
  PGOPTIONS="$UNDISTURBED" walg backup-push "$PGDATA" || die "the backup failed (above); older backups are untouched"
  record_backup
  walg delete retain FULL "$BACKUP_RETAIN" --confirm ||
    die "the backup is good, but backups above the $BACKUP_RETAIN newest could not be deleted (above)"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
