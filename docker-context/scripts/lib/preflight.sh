# Before anything is touched: which base backup, which timeline, is all WAL there, is there room? The answer is PLAN.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly STAGING="$PGDATA.restore" PRE_RESTORE="$PGDATA.pre-restore" UNDONE="$PGDATA.undone"
# the id of the restore that .pre-restore was set aside for
readonly PRE_RESTORE_OF="$RECORDS/pre-restore"
readonly RESTORE_ENV="$RUN/restore.env"
readonly MIB=1048576

declare -A PLAN=()

# Prints a field of pg_controldata.
# Arguments: data folder, field.
control() { LC_ALL=C pg_controldata -D "$1" 2>/dev/null | sed -n "s/^$2: *//p"; }

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

# Makes PLAN for REQUEST: backups (fit for it, the newest first), kind, target, timeline, system, live, old_wal, bytes, end,
# room, window.
# Touches nothing. Exit: 1 when the request is refused; PLAN[problem] says why.
# Runs in a subshell of its own, because it loads the credentials, and hands over through a file.
plan_restore() {
  local file="$RUN/restore-plan"
  rm -f "$file"
  interruptible write_plan "$file" || true
  read_fields PLAN "$file"
  : "${PLAN[problem]=the preflight ended early}"
  [ -z "${PLAN[problem]}" ]
}

# Arguments: file.
write_plan() {
  local PROBLEM=''
  # shellcheck disable=SC1090 # written by the entrypoint or just now
  if ! . "$(archive_environment)"; then
    PROBLEM="a secret of the archive can't be read"
  else
    check_request && read_present_data && read_backup_details && read_stored_wal && choose_timeline && choose_backups || true
  fi
  PLAN[problem]="$PROBLEM"
  print_fields PLAN >"$1"
}

# Reads what the data to be replaced are. Sets OLD_WAL (empty: a restore from another archive, or no data), SEGMENT_BYTES,
# PLAN[system], LIVE_TIMELINE and LIVE_SEGMENT (number of the last segment that crash recovery does not need).
read_present_data() {
  local redo
  OLD_WAL='' SEGMENT_BYTES=$((16 * MIB)) LIVE_TIMELINE='' LIVE_SEGMENT=-1
  PLAN[system]=''
  if [ -s "$PGDATA/PG_VERSION" ] && [ -z "${REQUEST[from]}" ]; then
    PLAN[system]="$(control "$PGDATA" 'Database system identifier')"
  fi
  # damaged data are no reason against a restore
  [ -n "${PLAN[system]}" ] || return 0
  OLD_WAL="$PGDATA/pg_wal"
  SEGMENT_BYTES="$(control "$PGDATA" 'Bytes per WAL segment')"
  LIVE_TIMELINE="$(control "$PGDATA" "Latest checkpoint's TimeLineID")"
  redo="$(lsn_number "$(control "$PGDATA" "Latest checkpoint's REDO location")")"
  LIVE_SEGMENT=$((redo / SEGMENT_BYTES))
}

# Chooses the timeline that was in use at the target: the present one, or for a time before it began, where it came from.
# Sets PATH_TIMELINES, PATH_ENDS, and PLAN[live]: true when it is the present one, whose newest WAL is on the volume.
choose_timeline() {
  local wanted="${REQUEST[timeline]:-${LIVE_TIMELINE:-$(newest_timeline)}}" last history
  if ((wanted == 0)); then
    PROBLEM="the archive holds no WAL"
    return 1
  fi
  read_timeline_path "$wanted" || return
  while [ "$TARGET_KIND" = time ] && [ -z "${REQUEST[timeline]}" ] && ((${#PATH_TIMELINES[@]} > 1)); do
    printf -v history '%08X.history' "${PATH_TIMELINES[-1]}"
    if ! have_wal "$history" || (($(wal_time "$history") <= TARGET_EPOCH)); then break; fi
    unset 'PATH_TIMELINES[-1]' 'PATH_ENDS[-1]'
    PATH_ENDS[-1]="$FAR"
  done
  last="${PATH_TIMELINES[-1]}"
  PLAN[timeline]="$last"
  PLAN[live]=false
  if [ "$last" = "$LIVE_TIMELINE" ]; then PLAN[live]=true; else LIVE_SEGMENT=-1; fi
}

# Arguments: backup. Exit: 0 when it is of this system and major and lies on the path of the timelines.
is_on_path() {
  local index
  [ "$((BACKUP_VERSION[$1] / 10000))" = "$PG_MAJOR" ] || return 1
  [ -z "${PLAN[system]}" ] || [ "${BACKUP_SYSTEM[$1]}" = "${PLAN[system]}" ] || return 1
  for index in "${!PATH_TIMELINES[@]}"; do
    if ((16#${1:5:8} == PATH_TIMELINES[index])); then
      ((BACKUP_FINISH[$1] <= PATH_ENDS[index]))
      return
    fi
  done
  return 1
}

# Arguments: backup. Exit: 0 when it ended before the target, as far as that can be known.
ends_before_target() {
  case "$TARGET_KIND" in
    time) ((${BACKUP_TIME[$1]} < TARGET_EPOCH)) ;;
    lsn) ((BACKUP_FINISH[$1] <= $(lsn_number "$TARGET"))) ;;
  esac
}

# Chooses the newest whole base backup that ended before the target. Whether a name or a transaction came before or after a
# backup shows only in replaying, so for those all are kept, to be tried in turn. Sets PLAN.
choose_backups() {
  local index name usable=() fit=()
  for name in "${BACKUPS[@]}"; do
    if is_on_path "$name"; then usable+=("$name"); fi
  done
  if ((${#usable[@]} == 0)); then
    PROBLEM="the archive holds no base backup of this database (system ${PLAN[system]:-any}, PostgreSQL $PG_MAJOR) on timeline ${PLAN[timeline]}"
    return 1
  fi
  describe_window "${usable[@]}"
  for ((index = ${#usable[@]} - 1; index >= 0; index--)); do
    name="${usable[index]}"
    if [[ -n "${REQUEST[backup]}" && "$name" != "${REQUEST[backup]}" ]] || ! ends_before_target "$name"; then continue; fi
    follow_wal "$name" "$LIVE_SEGMENT"
    check_reach "$name" || return
    if is_whole_backup "$name"; then
      archive_opens_with_key "$name" || break
      fit+=("$name")
      [[ "$TARGET_KIND" == @(xid|name) ]] || break
    else
      warn "$PROBLEM; looking for an older one"
    fi
  done
  if ((${#fit[@]} == 0)); then
    PROBLEM="${PROBLEM:-no base backup${REQUEST[backup]:+ ${REQUEST[backup]}} ended before the target ${REQUEST[to]}}"
    return 1
  fi
  PROBLEM=''
  PLAN[kind]="$TARGET_KIND" PLAN[target]="$TARGET" PLAN[old_wal]="$OLD_WAL"
  PLAN[backups]="${fit[*]}"
  PLAN[system]="${BACKUP_SYSTEM[${fit[0]}]}"
  PLAN[end]="$END"
  check_room "${fit[@]}"
}

# Checks that WAL reaches from a backup to the target without a gap; follow_wal has been there. Exit: 1 with PROBLEM.
# Arguments: backup.
check_reach() {
  local reached=0
  [ -z "$LAST_NAME" ] || reached="$(wal_time "$LAST_NAME")"
  if [ -z "$GAP" ] && [ "${PLAN[live]}" = true ]; then
    reached="$(date +%s%6N)"
  fi
  case "$TARGET_KIND" in
    time) ((TARGET_EPOCH > reached)) || return 0 ;;
    lsn) (($(lsn_number "$TARGET") > END)) && ! { [ -z "$GAP" ] && [ "${PLAN[live]}" = true ]; } || return 0 ;;
    *) [ -n "$GAP" ] || return 0 ;;
  esac
  if [ -n "$GAP" ]; then
    PROBLEM="WAL segment $GAP, needed between base backup $1 and the target ${REQUEST[to]}, is missing in the archive; from that backup WAL reaches to $(show_time "$reached")"
  else
    PROBLEM="the target ${REQUEST[to]} is after the end of the archive at $(show_time "$reached")"
  fi
  return 1
}

# Sets PLAN[window]: what can be reached, from one gap in the WAL to the next, and the backups.
# Arguments: usable backups, oldest first.
describe_window() {
  local name end='' list=() ranges=()
  for name in "$@"; do
    list+=("$name (ended $(show_time "${BACKUP_TIME[$name]}"), $((${BACKUP_SIZE[$name]} / MIB)) MiB)")
    # what begins before the end of the last range lies in it
    if ((${#ranges[@]} > 0)) && { [ -z "$GAP" ] || ((${BACKUP_START[$name]} < END)); }; then continue; fi
    follow_wal "$name" "$LIVE_SEGMENT"
    if [ -z "$GAP" ] && [ "${PLAN[live]}" = true ]; then
      end=now
    elif [ -n "$LAST_NAME" ]; then
      end="$(show_time "$(wal_time "$LAST_NAME")")"
    else
      end="$(show_time "${BACKUP_TIME[$name]}")"
    fi
    ranges+=("from $(show_time "${BACKUP_TIME[$name]}") to $end${GAP:+ ($GAP is missing)}")
  done
  printf -v end '%s, ' "${ranges[@]}"
  printf -v list '%s, ' "${list[@]}"
  PLAN[window]="reachable on timeline ${PLAN[timeline]}: ${end%, }; base backups: ${list%, }"
}

# Checks that a second copy fits on the volume: the largest candidate (an increment needs its base too) and WAL, of which
# recovery keeps about a GiB. What an earlier restore left is removed first, so it counts as free. Exit: 1 with PROBLEM.
# Arguments: backups.
check_room() {
  local name bytes=0 wal free old
  for name in "${BACKUPS[@]}" "$@"; do
    bytes="$((${BACKUP_SIZE[$name]} > bytes ? ${BACKUP_SIZE[$name]} : bytes))"
    if [ "$name" = "$1" ]; then break; fi
  done
  wal=$(((SEGMENTS > 64 ? 64 : SEGMENTS) * SEGMENT_BYTES + 2 * SEGMENT_BYTES))
  free="$(df --output=avail -B1 "$VOLUME" | tail -n 1)"
  for old in "$STAGING" "$PRE_RESTORE" "$UNDONE"; do
    if [ -d "$old" ]; then free=$((free + $(du -s -B1 "$old" | cut -f 1))); fi
  done
  PLAN[bytes]="$bytes"
  PLAN[room]="room needed $(((bytes + wal) / MIB)) MiB, found $((free / MIB)) MiB"
  if ((bytes + wal > free)); then
    PROBLEM="the volume is too small for a second copy: ${PLAN[room]}; grow it"
    return 1
  fi
}
