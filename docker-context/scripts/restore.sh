#!/bin/bash
# Restores by hand. Checks a restore and writes a request, which the next start of the container carries out; never stops the
# server. Commands:
#   --list                     shows the recovery window, base backups, past restores and the one under way
#   --check --to TARGET        says whether this restore would be accepted
#   --to TARGET [--id ID]      requests it; each id works once (default: by-hand and the time)
#   --undo [--id ID]           requests the data from before the last restore
#   --cancel                   withdraws the request, as long as the data folders were not exchanged
# Commands for the request of the environment (RESTORE_*, CLONE_*), which run beside the server's container and leave their
# result as the pod's termination message:
#   --preflight                says whether the next start would accept it
#   --report                   waits for its outcome and prints it: `done: ` or `failed: ` and the message
# Options with --to: --from PREFIX/MAJOR, --backup NAME, --timeline NUMBER, --discard-old (keeps no copy of the old data), --force
# (only warns about damage that the verification finds).
# TARGET: latest, a time with zone, lsn:..., xid:... or name:... Exit: 0, or 1 when the restore was refused.
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
. "$LIB/archive/contents.sh"
. "$LIB/archive/empty.sh"
. "$LIB/server/control.sh"
. "$LIB/server/data-settings.sh"
. "$LIB/server/volume.sh"
. "$LIB/request/request.sh"
. "$LIB/request/journal.sh"
. "$LIB/request/verdict.sh"
. "$LIB/restore/preflight.sh"
. "$LIB/restore/look.sh"

COMPONENT=restore
readonly REPORT_DEADLINE=600
readonly RESTART="restart the container to begin (docker restart, or kubectl delete pod: the StatefulSet starts it again)"

# Reads the arguments into COMMAND and REQUEST.
read_arguments() {
  COMMAND=''
  REQUEST=([id]='' [to]='' [from]='' [backup]='' [timeline]='' [keep_old]=true [undo]=false [force]=false)
  while (($# > 0)); do
    case "$1" in
      --list | --check | --undo | --cancel | --preflight | --report) COMMAND="$1" ;;
      --discard-old) REQUEST[keep_old]=false ;;
      --force) REQUEST[force]=true ;;
      --to | --id | --from | --backup | --timeline)
        (($# > 1)) || die "$1 needs a value; nothing was asked for"
        REQUEST[${1#--}]="$2"
        if [ "$1" = --to ]; then COMMAND="${COMMAND:---to}"; fi
        shift
        ;;
      *) die "unknown argument '$1'; nothing was asked for: see the head of ${BASH_SOURCE[0]}" ;;
    esac
    shift
  done
  [ -n "$COMMAND" ] || die "nothing was asked for: --list, --check --to, --to, --undo or --cancel"
}

# Sets PREFIX_VARIABLE from the entrypoint's file; empty when nothing is archived.
read_prefix_variable() {
  PREFIX_VARIABLE=''
  if [ -e "$WALG_ENV" ]; then
    PREFIX_VARIABLE="$(sed -n 's/^export \(WALG_[A-Z0-9]*_PREFIX\)=.*/\1/p' "$WALG_ENV")"
  elif [[ "$COMMAND" != @(--preflight|--report) ]]; then
    die "no prefix such as WALG_S3_PREFIX is set, so there is no archive to restore from"
  fi
}

# Ends the process with an error. Only --preflight leaves a termination message: elsewhere it would replace the server's.
# Arguments: message.
reject() { if [ "$COMMAND" = --preflight ]; then die_with_message "$1"; else die "$1"; fi; }

list() {
  local file id PROBLEM
  # shellcheck disable=SC2034 # written by read_fields
  local -A outcome
  REQUEST[to]=latest
  look_at_plan
  if [ -n "$PROBLEM" ]; then echo "not ready for a restore: $PROBLEM"; fi
  if [ -n "${PLAN[window]-}" ]; then
    sed 's/; base backups: /\nbase backups:\n  /; s/), base_/)\n  base_/g' <<<"${PLAN[window]}"
  fi
  echo "former restores:"
  for file in "$OUTCOMES"/*.restore; do
    [ -e "$file" ] || continue
    id="${file##*/}"
    read_fields outcome "$file"
    echo "  ${id%.restore} ${outcome[state]} at ${outcome[at]} (${outcome[request]}): ${outcome[message]}"
  done
  read_restore_journal
  if [ -n "${JOURNAL[id]-}" ]; then echo "under way: ${JOURNAL[id]}, step ${JOURNAL[step]}"; fi
  read_request
  if [ -e "$REQUEST_FILE" ]; then echo "asked for, at the next start: ${REQUEST[id]} ($(request_text REQUEST) undo=${REQUEST[undo]})"; fi
}

check() {
  local PROBLEM
  look_at_plan
  [ -z "$PROBLEM" ] || reject "$(title "${REQUEST[id]}") would be refused: $PROBLEM. Nothing was touched"
  info "$(title "${REQUEST[id]}") would use ${PLAN[backups]%% *} and timeline ${PLAN[timeline]}. ${PLAN[window]}; ${PLAN[room]}"
}

ask() {
  local now state
  TZ=UTC0 printf -v now '%(%Y%m%d-%H%M%S)T' -1
  : "${REQUEST[id]:=by-hand-$now}"
  is_request_id "${REQUEST[id]}" || die "--id: 1 to 63 letters, digits, dots, underscores or hyphens are needed"
  state="$(outcome_of "${REQUEST[id]}" state)"
  [ -z "$state" ] || die "--id: ${REQUEST[id]} was used before; nothing was asked for"
  check
  lock_requests
  write_record "$REQUEST_FILE" "$(print_fields REQUEST)"
  info "restore ${REQUEST[id]} is asked for: $RESTART"
}

undo() {
  local last
  # locked to the end, so that nothing removes what an accepted undo needs
  lock_requests
  last="$(read_record "$PRE_RESTORE_OF")"
  : "${REQUEST[id]:=$last}"
  if [ -z "$last" ] || [ "${REQUEST[id]}" != "$last" ] || ! [ -d "$PRE_RESTORE" ]; then
    die "nothing to undo: the data from before ${REQUEST[id]:-a restore} are not on the volume"
  fi
  REQUEST[undo]=true
  write_record "$REQUEST_FILE" "$(print_fields REQUEST)"
  info "the undoing of restore $last is asked for: $RESTART"
}

cancel() {
  [ -e "$REQUEST_FILE" ] || die "nothing was asked for by restore.sh; a request of the environment is withdrawn there"
  lock_requests
  remove_record "$REQUEST_FILE" cancel
  info "the request is withdrawn; a restore under way goes back to the old data at the next start"
}

# Exit: 0 when the journal is about the request.
is_under_way() {
  read_restore_journal
  [ "${JOURNAL[id]-}" = "${REQUEST[id]}" ]
}

preflight() {
  local VERDICT PROBLEM
  read_environment_request
  if is_under_way; then
    info "$(title "${REQUEST[id]}") is under way, at step ${JOURNAL[step]}"
    return
  fi
  judge_request
  case "$VERDICT" in
    settled) info "$PROBLEM: nothing to do" ;;
    spent | refused) reject "$PROBLEM. Nothing was touched" ;;
    undo) check_undo ;;
    begin)
      check
      if [ "${REQUEST[id]}" = "$CLONE" ]; then check_archive_is_empty; fi
      ;;
  esac
}

# Refuses to undo a restore that keeps no copy of the old data: they may be gone when the undo runs.
check_undo() {
  local request
  request="$(outcome_of "${REQUEST[id]}" request)"
  if [[ "${request:-${JOURNAL[request]-}}" == *keep_old=false* ]]; then
    reject "restore ${REQUEST[id]} can't be undone from here: it was to keep no copy of the old data, which are removed once the base backup after it is there. Nothing was touched; restore.sh --undo in the running container keeps them, if they are still there"
  fi
  info "restore ${REQUEST[id]} can be undone"
}

# Sets ANSWER: done or failed, with PROBLEM, or empty while the request has no outcome.
look_for_outcome() {
  ANSWER=''
  read_restore_journal
  if [ "${JOURNAL[id]-}" = "${REQUEST[id]}" ] && [ "${JOURNAL[step]}" != finishing ]; then return 0; fi
  judge_request
  case "$VERDICT" in
    begin | undo) ;;
    settled) ANSWER="done" ;;
    *) ANSWER=failed ;;
  esac
}

report() {
  local VERDICT PROBLEM ANSWER end=$((SECONDS + REPORT_DEADLINE))
  read_environment_request
  look_for_outcome
  while [ -z "$ANSWER" ]; do
    if ((SECONDS >= end)); then
      ANSWER=failed PROBLEM="$(title "${REQUEST[id]}") has come to nothing within $REPORT_DEADLINE s; the log of the database says why"
      break
    fi
    interruptible sleep 1
    look_for_outcome
  done
  leave_message "$ANSWER: $PROBLEM"
  info "$ANSWER: $PROBLEM"
}

_main() {
  run_as_postgres "${BASH_SOURCE[0]}" "$@"
  read_arguments "$@"
  read_prefix_variable
  case "$COMMAND" in
    --list) list ;;
    --check) check ;;
    --to) ask ;;
    --undo) undo ;;
    --cancel) cancel ;;
    --preflight) preflight ;;
    --report) report ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  _main "$@"
fi
