# Base backups by cron inside the container, for plain Docker.
# Reads BACKUP_SCHEDULE.
# shellcheck shell=bash

readonly CRON_PID=/run/crond.pid

# Arguments: schedule. Exit: 1 when crontab(1) rejects it; 0 also where crontab can't run: not root, or not installed.
crontab_accepts() {
  ((EUID == 0)) && command -v crontab >/dev/null || return 0
  crontab -n - <<<"$1 true" >/dev/null 2>&1
}

# Installs the crontab and starts the daemon; afterwards CRON_PID exists unless that failed, which must not keep the database from
# starting. The job starts as root, because only root may write to PID 1's log; gosu makes it postgres. Must run as root.
start_cron() {
  local table
  rm -f "$CRON_PID"
  command -v cron >/dev/null || return 0
  table="PATH=$PATH
$BACKUP_SCHEDULE gosu postgres backup.sh >/proc/1/fd/2 2>&1"
  if crontab - <<<"$table" && env -i PATH="$PATH" TZ=UTC cron; then
    info "base backups run at '$BACKUP_SCHEDULE' (UTC)"
  fi
}
