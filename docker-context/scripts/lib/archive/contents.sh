# Reads an archive's contents into files for the planner (lib/planner), which draws the conclusions. Needs WAL-G's environment, so
# callers run by attempt. Functions that fail say why in PROBLEM.
# Sets SEGMENT_BYTES, CLOSED, WALG_OUTPUT and WALG_ERROR; reads PLANS and OLD_WAL.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

# PLANS is the folder with the planner's input, in memory: nothing that grows with the archive goes there.
readonly LIST_SECONDS=300 # without movement
readonly USUAL_SEGMENT_BYTES=16777216

# Prints an LSN as a number.
# Arguments: LSN such as 0/3000060.
lsn_number() { echo "$((16#${1%/*} * 4294967296 + 16#${1#*/}))"; }

# Runs the planner; its lines go to $PLANS/<plan>.plan. Arguments: plan, fields. Exit: 1 when its input is not reliable.
ask_planner() {
  local output="$PLANS/$1.plan"
  if perl "$LIB/planner/planner.pl" "$1" "$PLANS" "${@:2}" >"$output" 2>"$output.err"; then return 0; fi
  PROBLEM="$(tail -n 1 "$output.err")"
  : "${PROBLEM:=the planner ended early ($1)}"
  return 1
}

# Runs wal-g; its output goes to a file, its messages to <file>.err. Arguments: file, wal-g's. Exit: wal-g's, or STOOD_STILL.
walg_to() { run_walg "$LIST_SECONDS" "$NO_BOUND" "${@:2}" >"$1" 2>"$1.err"; }

# Explains a failed walg_to. Arguments: file, exit code, start of the message. Exit: 1 unless the code is 0; PROBLEM says why.
check_walg() {
  if (($2 == 0)); then return 0; fi
  WALG_OUTPUT="$(<"$1.err")"
  read_walg_error "$2"
  case "$2" in
    "$STOOD_STILL") WALG_ERROR="no answer within $LIST_SECONDS s" ;;
    137) WALG_ERROR="wal-g was killed, as happens without enough memory" ;;
  esac
  PROBLEM="$3: $WALG_ERROR"
  return 1
}

# Lists the WAL as ranges. A million names are 100 MB, so they go through a pipe; without GOGC wal-g would take a fifth more
# memory. Exit: wal-g's, or 1 when the list is invalid.
list_wal() {
  local file="$PLANS/wal" bytes="${SEGMENT_BYTES:-$USUAL_SEGMENT_BYTES}" status=(0 0)
  GOGC="${GOGC:-20}" run_walg "$LIST_SECONDS" "$NO_BOUND" st ls wal_005/ 2>"$file.err" |
    perl "$LIB/planner/planner.pl" wal "$PLANS" "segment_bytes=$bytes" >"$file" 2>"$file.list" || status=("${PIPESTATUS[@]}")
  if ((status[0] == 0 && status[1] != 0)); then mv "$file.list" "$file.err"; fi
  return "$((status[0] ? status[0] : status[1]))"
}

# Sets SEGMENT_BYTES from the base backups. Exit: 1 when their list can't be parsed; PROBLEM says why.
read_segment_size() {
  ask_planner segment "bytes=$USUAL_SEGMENT_BYTES" || return
  SEGMENT_BYTES="$(sed -n 's/^bytes=//p' "$PLANS/segment.plan")"
}

# Reads the archive into $PLANS in parallel: backups.json, wal, and our own marks. Takes SEGMENT_BYTES from the base backups when
# it is empty, that is, without data on the volume.
# Arguments: objects below postgres-stack/, or patterns; the file's name is the part before a slash. Exit: 1 when one of them
# can't be read; PROBLEM says why.
read_archive() {
  local mark pids=() status listed="${SEGMENT_BYTES:-$USUAL_SEGMENT_BYTES}"
  walg_to "$PLANS/backups.json" backup-list --json --detail &
  pids+=($!)
  list_wal &
  pids+=($!)
  for mark in "$@"; do
    # as a pattern, so that a missing object is no error
    walg_to "$PLANS/${mark%%/*}" st cat --glob "postgres-stack/$mark" &
    pids+=($!)
  done
  for mark in backups.json wal "$@"; do
    status=0
    wait "${pids[0]}" || status=$?
    pids=("${pids[@]:1}")
    case "$mark" in
      backups.json)
        check_walg "$PLANS/$mark" "$status" "the archive's backups can't be listed" || return
        if [ -z "$SEGMENT_BYTES" ]; then read_segment_size || return; fi
        ;;
      wal)
        if ((SEGMENT_BYTES != listed)); then
          status=0
          list_wal || status=$?
        fi
        check_walg "$PLANS/$mark" "$status" "the archive's WAL can't be listed" || return
        ;;
      *) check_walg "$PLANS/${mark%%/*}" "$status" "the archive's postgres-stack/$mark can't be read" || return ;;
    esac
  done
}

# Fetches a timeline's history. Arguments: timeline, where it is (archive, local, none). Exit: 1 when it can't be read.
read_history() {
  local history status=0 file="$PLANS/history"
  printf -v history '%08X.history' "$1"
  case "$2" in
    archive)
      run_walg 120 "$NO_BOUND" wal-fetch "$history" "$file" >"$file.err" 2>&1 || status=$?
      check_walg "$file" "$status" "the history of timeline $1 can't be fetched" && return
      PROBLEM+="; correct the archive's access, or give the key that it was made with"
      return 1
      ;;
    local) cp "$OLD_WAL/$history" "$file" ;;
    *)
      PROBLEM="the archive holds no history of timeline $1"
      return 1
      ;;
  esac
}

# Adds the time of a segment's last commit to the file commits: `none` without any, `closed` when unreadable: CLOSED says why.
# Arguments: the segment's object, or local:SEGMENT.
read_commit() {
  local segment="${1#local:}" folder file status=0 time=closed
  segment="${segment:0:24}"
  # 16 MiB are too much for the folder in memory
  folder="$(mktemp -d)"
  file="$folder/$segment"
  if [[ "$1" == local:* ]]; then
    ln -s "$OLD_WAL/$segment" "$file"
  else
    walg_to "$file" st cat "wal_005/$1" --decrypt --decompress || status=$?
  fi
  if ((status == 0)) && [ -s "$file" ]; then
    time="$(last_commit_of "$file")"
  else
    CLOSED="$(sed -n 's/^ERROR: [0-9/]* [0-9:.]* \(download the file: \)\?//p' "$file.err" | tail -n 1)"
    redact CLOSED
    : "${CLOSED:=it is empty, or did not come within $LIST_SECONDS s}"
  fi
  rm -rf "$folder"
  echo "$segment ${time:-none}" >>"$PLANS/commits"
}

# Prints when a segment's last transaction ended, nothing when none did. Arguments: file.
last_commit_of() {
  local end='(COMMIT|ABORT)(_PREPARED)? ([0-9]+: )?([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+) UTC'
  # pg_waldump ends with an error at the end of a segment
  { TZ=UTC0 LC_ALL=C pg_waldump -r Transaction "$1" 2>/dev/null || true; } | sed -nE "s/.*desc: $end.*/\\4Z/p" | tail -n 1
}

# Runs the planner until it needs no further history or commit time. Arguments: plan, fields. Exit: as ask_planner, or 1 when one
# of these can't be read.
ask_until_known() {
  local -A answer=()
  while true; do
    ask_planner "$@" || return
    read_fields answer "$PLANS/$1.plan"
    if [ -n "${answer[history]-}" ]; then
      read_history "${answer[timeline]}" "${answer[history]}" || return
    elif [ -n "${answer[ask]-}" ]; then
      read_commit "${answer[ask]}"
    else
      return 0
    fi
  done
}

# Compares the parts that a base backup had with the stored ones. Exit: 1 when it is damaged, 2 when that can't be determined;
# PROBLEM says why.
# Arguments: backup.
is_whole_backup() {
  local folder="basebackups_005/$1" parts manifest status=0
  walg_to "$PLANS/parts" st ls -r "$folder/" &
  parts=$!
  walg_to "$PLANS/manifest" st cat --glob "postgres-stack/backups/$1.json" &
  manifest=$!
  wait "$parts" || status=$?
  check_walg "$PLANS/parts" "$status" "the parts of $1 can't be listed" || return 2
  status=0
  wait "$manifest" || status=$?
  check_walg "$PLANS/manifest" "$status" "our list of the parts of $1 can't be read" || return 2
  echo unreadable=true >"$PLANS/parts.plan"
  if [ -s "$PLANS/manifest" ]; then ask_planner parts "backup=$1" source=manifest || return 2; fi
  if ! grep -qx 'unreadable=true' "$PLANS/parts.plan"; then
    :
  elif grep -q ' files_metadata\.json *$' "$PLANS/parts"; then
    check_metadata "$1" || return 2
  else
    walg_to "$PLANS/sentinel" st cat "${folder}_backup_stop_sentinel.json" || status=$?
    check_walg "$PLANS/sentinel" "$status" "the sentinel of $1 can't be read" || return 2
    ask_planner parts "backup=$1" source=sentinel || return 2
  fi
  PROBLEM="$(sed -n 's/^problem=//p' "$PLANS/parts.plan")"
  [ -z "$PROBLEM" ]
}

# Checks the parts against WAL-G's own list, which names every file of the database, so through a pipe. Exit: 1 when unreadable.
# Arguments: backup.
check_metadata() {
  local status=(0 0) file="$PLANS/metadata"
  run_walg "$LIST_SECONDS" "$NO_BOUND" st cat "basebackups_005/$1/files_metadata.json" 2>"$file.err" |
    ask_planner parts "backup=$1" source=metadata || status=("${PIPESTATUS[@]}")
  check_walg "$file" "${status[0]}" "the list of the parts of $1 can't be read" || return
  if ((status[1] == 0)); then return 0; fi
  PROBLEM="$(tail -n 1 "$PLANS/parts.plan.err")"
  return 1
}
