# Decides whether to carry out a request, before its archive is read: from its id's outcome and the data on the volume.
# Sets VERDICT; reads REQUEST, JOURNAL, PREFIX_VARIABLE and RESTORE_ID.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly TRIES_FILE="$RECORDS/restore-tries" TRIES_WITHOUT_DATA=3

# Judges REQUEST. Touches nothing; JOURNAL is empty or about a swapped restore. Sets VERDICT and, except for the first two,
# PROBLEM: begin, undo, settled (done before, or under way), spent (it ended badly, its id is used), refused.
judge_request() {
  local id="${REQUEST[id]}" state
  PROBLEM=''
  state="$(outcome_of "$id" state)"
  if [ "${JOURNAL[id]-}" = "$id" ] && [ "${JOURNAL[undo]-}" != true ]; then
    state="done" # swapped, but the new server has not answered yet
  fi
  if [ "$id" = "$CLONE" ]; then
    judge_clone "$state"
  elif [ -z "$PREFIX_VARIABLE" ]; then
    refuse_request "no prefix such as WALG_S3_PREFIX is set, so there is no archive to restore from"
  elif ! is_request_id "$id"; then
    refuse_request "the id must be 1 to 63 letters, digits, dots, underscores or hyphens, and not '$CLONE'"
  elif [ "${REQUEST[undo]}" = true ]; then
    judge_undo "$state"
  elif [ -z "$state" ]; then
    judge_new_restore
  else
    judge_used_id "$state"
  fi
}

# With two requests, the one made by hand, unless under way, yields to a new one of the environment, which came with this start.
drop_second_request() {
  local -A filed
  local state
  [ -e "$REQUEST_FILE" ] && [ -n "${RESTORE_ID-}" ] || return 0
  read_fields filed "$REQUEST_FILE"
  state="$(outcome_of "$RESTORE_ID" state)"
  if [[ "${filed[id]-}" == @("$RESTORE_ID"|"${JOURNAL[id]-}") || -n "$state" ]]; then return 0; fi
  remove_record "$REQUEST_FILE" second-request
  warn "restore ${filed[id]}, asked for by hand, gives way to restore $RESTORE_ID of the environment; it was not carried out: ask again if it is still wanted"
}

# Arguments: what is wrong.
refuse_request() { VERDICT=refused PROBLEM="$(title "${REQUEST[id]}"): $1"; }

judge_new_restore() {
  VERDICT=begin
  if [ "${JOURNAL[step]-}" = swapped ]; then
    refuse_request "the server has not answered yet since $(title "${JOURNAL[id]}"): wait for it, or undo that one"
  elif ! [ -s "$PGDATA/PG_VERSION" ] && [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then
    refuse_request "$PGDATA holds files but no PG_VERSION, so it is no whole cluster: move them away"
  elif is_given_up; then
    refuse_request "$PROBLEM"
  fi
}

# Arguments: state of the id's outcome.
judge_used_id() {
  local id="${REQUEST[id]}" before now
  before="$(outcome_of "$id" request)"
  now="$(request_text REQUEST)"
  if [ "${JOURNAL[id]-}" != "$id" ] && [ "$before" != "$now" ]; then
    refuse_request "this id was used before ($1, $before) and now asks for something else ($now); choose a new id"
  elif [[ "$1" == @(done|undone) ]]; then
    VERDICT=settled PROBLEM="$(title "$id") is $1 since $(outcome_of "$id" at): $(outcome_of "$id" message)"
  else
    VERDICT=spent PROBLEM="$(title "$id") was $1: $(outcome_of "$id" message). For another attempt choose a new id"
  fi
}

# Arguments: state of the id's outcome.
judge_undo() {
  local id="${REQUEST[id]}"
  if [ "$1" = undone ]; then
    VERDICT=settled PROBLEM="restore $id is undone since $(outcome_of "$id" at)"
  elif [ "$1" != "done" ]; then
    refuse_request "can't be undone: it is ${1:-not known}"
  elif ! [ -d "$PRE_RESTORE" ] || [ "$(read_record "$PRE_RESTORE_OF")" != "$id" ]; then
    refuse_request "can't be undone: the data from before it are no longer on the volume"
  else
    VERDICT=undo
  fi
}

# A clone fills an empty volume, once. Arguments: state of its outcome.
judge_clone() {
  local before
  before="$(outcome_of "$CLONE" request)"
  if [ -n "$before" ] && [ "$before" != "$(request_text REQUEST)" ]; then
    refuse_request "this volume was cloned before ($before), and a clone happens once: use a new stack, or restore with RESTORE_FROM"
  elif [ -n "$1" ]; then
    judge_used_id "$1"
  elif [ -n "$(cluster_folders)" ] || [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then
    refuse_request "a clone only fills an empty volume, and this one holds data: use a new stack, or restore with RESTORE_FROM"
  elif [ -z "$(prefix_variable_of "${REQUEST[from]}")" ]; then
    refuse_request "CLONE_FROM: '${REQUEST[from]}' is no prefix: s3://, gs://, azure:// or file:// is needed"
  elif is_given_up; then
    refuse_request "$PROBLEM"
  else
    VERDICT=begin
  fi
}

# Prints the request that the tries on an empty volume are counted for.
tried_text() { printf 'id=%s %s force=%s' "${REQUEST[id]}" "$(request_text REQUEST)" "${REQUEST[force]:-false}"; }

# Exit: 0 when REQUEST has failed too often on this empty volume to be tried again; PROBLEM says how to proceed.
is_given_up() {
  local -A tries
  read_fields tries "$TRIES_FILE"
  [ "${tries[of]-}" = "$(tried_text)" ] && ((tries[count] >= TRIES_WITHOUT_DATA)) || return 1
  PROBLEM="it failed ${tries[count]} times on this empty volume and is not tried again, last: ${tries[message]}. Ways on: another request (with a new id); where only the verification fails, the same one with RESTORE_FORCE=true (restore: {force: true}); or, once the cause is gone, remove $TRIES_FILE"
}

# Counts a restore that failed without old data: each try downloads everything. Arguments: message.
count_try() {
  local -A tries
  read_fields tries "$TRIES_FILE"
  if [ "${tries[of]-}" != "$(tried_text)" ]; then tries=([of]="$(tried_text)" [count]=0); fi
  tries[count]=$((tries[count] + 1)) tries[message]="$1"
  write_record "$TRIES_FILE" "$(print_fields tries)"
}
