#!/bin/bash
# Checks an upgrade to this image's major from outside the server's container. Commands:
#   --check      says whether the next start of this image, with PG_UPGRADE, would upgrade the data on the volume; for people
#   --preflight  the same for the request of the environment (PG_UPGRADE_*); leaves its result as the pod's termination message
#   --report     waits for its outcome and prints it: `done: ` or `failed: ` and the message
#   --clone-for-rehearsal, --rehearse   run with the image of the old, then of the new major, on an empty, disposable volume:
#                clone the archive, upgrade the clone, and print a report in Markdown
# Environment: PG_UPGRADE_*; PGHOST, PGUSER, PGPASSWORD_FILE: the old server, which, if it runs, answers what only a server
# knows. Exit: 0, or 1 when the upgrade was refused.
set -Eeuo pipefail

readonly LIB="${BASH_SOURCE[0]%/*}/lib"
if [[ "${1-}" == @(--check|--preflight) ]]; then BULK=/tmp/upgrade; fi # the volume is mounted read-only
. "$LIB/common/log.sh"
. "$LIB/common/attempt.sh"
. "$LIB/common/record.sh"
. "$LIB/common/watch.sh"
. "$LIB/common/environment.sh"
. "$LIB/common/psql.sh"
. "$LIB/common/progress.sh"
. "$LIB/archive/walg.sh"
. "$LIB/archive/objects.sh"
. "$LIB/archive/identity.sh"
. "$LIB/archive/claim.sh"
. "$LIB/archive/marks.sh"
. "$LIB/archive/encryption.sh"
. "$LIB/archive/contents.sh"
. "$LIB/archive/empty.sh"
. "$LIB/server/control.sh"
. "$LIB/server/tablespaces.sh"
. "$LIB/server/data-settings.sh"
. "$LIB/server/volume.sh"
. "$LIB/server/private.sh"
. "$LIB/server/databases.sh"
. "$LIB/server/tables.sh"
. "$LIB/request/request.sh"
. "$LIB/request/journal.sh"
. "$LIB/request/verdict.sh"
. "$LIB/restore/preflight.sh"
. "$LIB/restore/look.sh"
. "$LIB/restore/reading.sh"
. "$LIB/restore/fetch.sh"
. "$LIB/restore/recovery.sh"
. "$LIB/restore/steps.sh"
. "$LIB/restore/branch.sh"
. "$LIB/restore/swap.sh"
. "$LIB/upgrade/request.sh"
. "$LIB/upgrade/stash.sh"
. "$LIB/upgrade/check.sh"
. "$LIB/upgrade/work.sh"
. "$LIB/upgrade/new-cluster.sh"
. "$LIB/upgrade/steps.sh"
. "$LIB/upgrade/undo.sh"
. "$LIB/upgrade/rehearsal.sh"
. "$LIB/collation/read.sh"
. "$LIB/collation/reindex.sh"
. "$LIB/collation/guard.sh"

COMPONENT=upgrade
readonly REPORT_DEADLINE=600
readonly SCRATCH=/tmp/new-cluster

# Ends the process with an error, which is the pod's termination message. Arguments: message.
reject() { die_with_message "upgrade $PG_UPGRADE would be refused: $1. Nothing was touched"; }

check() {
  local VERDICT PROBLEM answer
  judge_upgrade
  case "$VERDICT" in
    settled) info "$PROBLEM: nothing to do" && return ;;
    refused) reject "$PROBLEM" ;;
  esac
  name_old_programs "$OLD_MAJOR"
  attempt check_old_data
  ((STATUS == 0)) || reject "${PROBLEM:-$UNSAID}"
  use_server
  if pg_isready -q -t 10; then
    attempt check_with_server
    ((STATUS == 0)) || reject "${PROBLEM:-$UNSAID}"
  else
    info "no server of PostgreSQL $OLD_MAJOR answers here: prepared transactions, slots, extensions and collations are looked at when the upgrade begins"
  fi
  attempt fresh_backup >"$RUN/way-back"
  answer="$(<"$RUN/way-back")"
  if ((STATUS == 0)); then
    answer="base backup $answer of PostgreSQL $OLD_MAJOR is fresh and complete"
  else
    answer="$answer: a base backup comes first, while the server is down"
  fi
  info "upgrade $PG_UPGRADE from PostgreSQL $OLD_MAJOR to $PG_MAJOR (mode $PG_UPGRADE_MODE) would begin; $answer"
}

# Asks the running old server, and an empty cluster for this image's collations. Exit: 1; PROBLEM says why.
check_with_server() {
  empty_bulk
  check_old_server "$PGHOST"
  read_collations "$PGHOST" "$OLD_COLLATIONS"
  attempt make_new_cluster "$SCRATCH"
  if ((STATUS != 0)); then
    PROBLEM="$(new_cluster_problem)"
    return 1
  fi
  check_new_collations "$OLD_COLLATIONS" "$SCRATCH" "$BULK/affected"
}

# Checks the only thing that can be checked of an undo from here: whether there is something to undo.
check_undo() {
  local state
  state="$(undone_upgrade state)"
  if [[ "$state" != @(done|undone) ]]; then
    die_with_message "upgrade $PG_UPGRADE can't be undone: it is ${state:-not known}. Nothing was touched"
  elif [ "$(undone_upgrade from)" != "$PG_MAJOR" ]; then
    die_with_message "upgrade $PG_UPGRADE can't be undone by the image of PostgreSQL $PG_MAJOR: that needs the one of $(undone_upgrade from). Nothing was touched"
  fi
  info "upgrade $PG_UPGRADE can be undone"
}

preflight() {
  if [ "${UPGRADE[id]-}" = "$PG_UPGRADE" ]; then
    info "upgrade $PG_UPGRADE is under way, at step ${UPGRADE[step]}"
  elif [ "$PG_UPGRADE_UNDO" = true ]; then
    check_undo
  else
    check
  fi
}

report() {
  local state wanted="done" word=failed message end=$((SECONDS + REPORT_DEADLINE))
  if [ "$PG_UPGRADE_UNDO" = true ]; then wanted=undone; fi
  while true; do
    read_upgrade_journal
    state="$(upgrade_outcome "$PG_UPGRADE" state)"
    message="$(upgrade_outcome "$PG_UPGRADE" message)"
    if [ "$state" = "$wanted" ] || { [ "$state" = failed ] && [ -z "${UPGRADE[step]-}" ]; }; then break; fi
    if [ "$wanted" = "done" ] && [ -z "$state" ] && [ -z "${UPGRADE[step]-}" ] && [ -s "$PGDATA/PG_VERSION" ]; then
      state="done" message="the data are of PostgreSQL $PG_MAJOR already"
      break
    fi
    message="it has come to nothing within $REPORT_DEADLINE s; the log of the database says why"
    if ((SECONDS >= end)); then break; fi
    interruptible sleep 1
  done
  if [ "$state" = "$wanted" ]; then word="done"; fi
  leave_message "$word: upgrade $PG_UPGRADE: $message"
  info "$word: upgrade $PG_UPGRADE: $message"
}

_main() {
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  export POSTGRES_USER="${POSTGRES_USER:-${PGUSER:-postgres}}"
  export PG_UPGRADE="${PG_UPGRADE-check}"
  read_upgrade
  REHEARSAL=false PREFIX_VARIABLE=''
  if [ -e "$WALG_ENV" ]; then
    PREFIX_VARIABLE="$(sed -n 's/^export \(WALG_[A-Z0-9]*_PREFIX\)=.*/\1/p' "$WALG_ENV")"
  fi
  case "${1-}" in
    --check | --preflight) preflight ;;
    --report) report ;;
    --clone-for-rehearsal) clone_for_rehearsal ;;
    --rehearse) rehearse ;;
    *) die "unknown arguments: $*; nothing was touched: upgrade.sh takes --check, --preflight, --report, --clone-for-rehearsal or --rehearse" ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
