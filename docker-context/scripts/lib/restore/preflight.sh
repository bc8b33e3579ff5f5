# Before anything is touched: which base backup, which timeline, is all WAL available, is there room? The answer is PLAN.
# Sets CHOICE, PLANS, OLD_WAL, SEGMENT_BYTES and PLANNING; reads REQUEST, PREFIX_VARIABLE, TARGET_KIND, TARGET, TARGET_EPOCH and
# SERVER_FLAGS.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly STAGING="$PGDATA.restore" PRE_RESTORE="$PGDATA.pre-restore" UNDONE="$PGDATA.undone"
# the id of the restore that set .pre-restore aside
readonly PRE_RESTORE_OF="$RECORDS/pre-restore"
readonly RESTORE_ENV="$RUN/restore.env"
readonly MIB=1048576
readonly FETCHED_AHEAD=10 # segments, by wal-g

declare -A PLAN=() CHOICE=()

# Writes the WAL-G environment of the archive that the request reads from. Prints its path.
archive_environment() {
  local from="${REQUEST[from]%/}"
  if [ "${REQUEST[id]}" = "$CLONE" ]; then
    echo "$CLONE_ENV"
    return
  elif [ -z "$from" ]; then
    echo "$WALG_ENV"
    return
  fi
  printf '. %s || return 1\n%s\n' "$WALG_ENV" "$(export_line "$PREFIX_VARIABLE" "${from#file://}")" >"$RESTORE_ENV"
  echo "$RESTORE_ENV"
}

# Makes PLAN for REQUEST: backups (the suitable ones, newest first), kind, target, timeline, system, live, old_wal, bytes, end
# (LSN after the available WAL), promised (that WAL, as TIMELINE:FIRST-LAST in segment numbers), room, window, and problem: why
# the request is refused, or empty. Touches nothing. Call it plainly.
plan_restore() {
  PLANS="$RUN/plans.$BASHPID"
  PLAN=()
  mkdir -p "$PLANS"
  # in a child, because it loads the credentials
  attempt make_plan "$PLANS/plan"
  read_fields PLAN "$PLANS/plan"
  PLAN[problem]=''
  if ((STATUS != 0)); then PLAN[problem]="${PROBLEM:-the preflight ended early}"; fi
  rm -rf "$PLANS"
}

# Arguments: file for PLAN. Exit: 1 when the request is refused; PROBLEM says why.
make_plan() {
  PLAN=([timeline]='')
  PROBLEM="a secret of the archive can't be read"
  # shellcheck disable=SC1090 # written by the entrypoint or just now
  . "$(archive_environment)"
  PROBLEM=''
  check_request
  read_present_data
  read_archive_for_target
  make_choice
  print_fields PLAN >"$1"
  PROBLEM="${CHOICE[problem]-}"
  [ -z "$PROBLEM" ]
  choose_backups
  print_fields PLAN >"$1"
  check_room "$1"
}

# Reads the data to be replaced. Sets OLD_WAL (empty for a restore from another archive, or without data), SEGMENT_BYTES (empty
# then), PLAN[system], LIVE_TIMELINE and LIVE_SEGMENT (number of the last segment that crash recovery does not need).
read_present_data() {
  local redo
  OLD_WAL='' SEGMENT_BYTES='' LIVE_TIMELINE='' LIVE_SEGMENT=-1
  PLAN[system]=''
  # damaged data don't prevent a restore
  if [ -s "$PGDATA/PG_VERSION" ] && [ -z "${REQUEST[from]}" ]; then
    PLAN[system]="$(control "$PGDATA" 'Database system identifier' || true)"
  fi
  if [ -z "${PLAN[system]}" ]; then return 0; fi
  OLD_WAL="$PGDATA/pg_wal"
  SEGMENT_BYTES="$(control "$PGDATA" 'Bytes per WAL segment')"
  LIVE_TIMELINE="$(control "$PGDATA" "Latest checkpoint's TimeLineID")"
  redo="$(lsn_number "$(control "$PGDATA" "Latest checkpoint's REDO location")")"
  LIVE_SEGMENT=$((redo / SEGMENT_BYTES))
  # without pg_wal there is only what the archive has
  find "$OLD_WAL/" -maxdepth 2 -type f -printf '%P %T@\n' >"$PLANS/local" 2>/dev/null || true
}

# Reads the archive, with its marks for what the data to be replaced can't tell.
read_archive_for_target() {
  local marks=()
  if [ -z "$LIVE_TIMELINE" ]; then marks+=(live.json reach.json); fi
  if [[ "$TARGET_KIND" = time && -z "${REQUEST[timeline]}" && "$LIVE_TIMELINE" != 1 ]]; then marks+=('timelines/*.json'); fi
  read_archive "${marks[@]}"
}

# Sets CHOICE, the planner's answer to this request, and PLANNING, its input; copies the answer into PLAN.
make_choice() {
  local name
  PLANNING=("kind=$TARGET_KIND" "target=$TARGET" "epoch=$TARGET_EPOCH" "to=${REQUEST[to]}" "backup=${REQUEST[backup]}"
    "by_name=${REQUEST[timeline]}" "live=$LIVE_TIMELINE" "live_segment=$LIVE_SEGMENT" "segment_bytes=$SEGMENT_BYTES"
    "system=${PLAN[system]}" "major=$PG_MAJOR" "now=$(date +%s%6N)")
  ask_until_known restore "${PLANNING[@]}"
  read_fields CHOICE "$PLANS/restore.plan"
  for name in timeline live window; do PLAN[$name]="${CHOICE[$name]-}"; done
}

# Chooses the newest whole base backup of the candidates; if only replay shows whether the target came after a backup, chooses all
# of them, to be tried in turn. Sets PLAN. Exit: 1 when there is none; PROBLEM says why.
choose_backups() {
  local name fit=() damage=''
  for name in ${CHOICE[candidates]}; do
    PROBLEM="${CHOICE[${name}_problem]}"
    [ -z "$PROBLEM" ]
    STATUS=1 PROBLEM="${CHOICE[${name}_damage]}"
    if [ -z "$PROBLEM" ]; then attempt chain_is_whole "$name"; fi
    if ((STATUS == 1)); then
      damage="$PROBLEM"
      warn "$damage; looking for an older one"
      continue
    fi
    if ((STATUS == 0)); then attempt archive_opens_with_key "$name"; fi
    if ((STATUS != 0 && ${#fit[@]} > 0)); then break; fi
    ((STATUS == 0))
    fit+=("$name")
    if [[ "$TARGET_KIND" != @(xid|name) ]]; then break; fi
  done
  PROBLEM="$damage"
  ((${#fit[@]} > 0))
  PROBLEM=''
  PLAN[kind]="$TARGET_KIND" PLAN[target]="$TARGET" PLAN[old_wal]="$OLD_WAL"
  PLAN[backups]="${fit[*]}"
  PLAN[system]="${CHOICE[${fit[0]}_system]}" PLAN[bytes]="${CHOICE[${fit[0]}_bytes]}"
  # of the oldest, whose WAL includes that of the others
  PLAN[end]="${CHOICE[${fit[-1]}_end]}" PLAN[promised]="${CHOICE[${fit[-1]}_promised]}" PLAN[wal]="${CHOICE[${fit[-1]}_wal]}"
}

# Arguments: backup. Exit: as is_whole_backup, also for the base backups that an increment builds on.
chain_is_whole() {
  local name
  for name in ${CHOICE[$1_chain]}; do is_whole_backup "$name"; done
}

# Prints a setting in MiB, as the server will have it. Arguments: setting, its default.
setting_mib() {
  local folder="$PGDATA"
  # ALTER SYSTEM counts too
  if ! [ -s "$PGDATA/PG_VERSION" ]; then folder="$RUN"; fi
  postgres -C "$1" -D "$folder" "${SERVER_FLAGS[@]}" 2>/dev/null || echo "$2"
}

# Checks that a second copy fits on the volume: the largest candidate, and WAL, of which recovery keeps max_wal_size,
# wal_keep_size, what is prefetched, and the new timeline's first segments. An earlier restore's leftovers are removed first, so
# they count as free. Arguments: file for PLAN. Exit: 1 with PROBLEM.
check_room() {
  local bytes="${PLAN[bytes]}" wal kept free old
  wal="${PLAN[wal]}"
  if ((wal > FETCHED_AHEAD * SEGMENT_BYTES)); then
    kept=$((($(setting_mib max_wal_size 1024) + $(setting_mib wal_keep_size 0)) * MIB + FETCHED_AHEAD * SEGMENT_BYTES))
    wal=$((wal < kept ? wal : kept))
  fi
  wal=$((wal + 2 * SEGMENT_BYTES))
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  for old in "$STAGING" "$PRE_RESTORE" "$UNDONE"; do
    if [ -d "$old" ]; then free=$((free + $(du -s -B1 "$old" | cut -f 1))); fi
  done
  PLAN[room]="room needed $(((bytes + wal) / MIB)) MiB, found $((free / MIB)) MiB"
  print_fields PLAN >"$1"
  PROBLEM="the volume is too small for a second copy: ${PLAN[room]}; grow it"
  ((bytes + wal <= free))
  PROBLEM=''
}
