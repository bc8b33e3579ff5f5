# Brings a base backup to the target in the staging folder, with a private server that nobody else reaches and that
# archives nothing, and proves that the result works. Reads JOURNAL and REQUEST.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

readonly RECOVERY_LOG="$RECORDS/recovery.log" # not in memory: a long replay writes much
readonly TRIES=3 REPORT_SECONDS=10
readonly NOT_REACHED=3

# Prints a setting as the real server will have it, or as the data need it when that is more.
# Arguments: setting, field of pg_controldata.
largest() {
  local configured needed
  configured="$(postgres -C "$1" -D "$STAGING" -c config_file=/etc/postgresql/postgresql.conf 2>/dev/null || echo 0)"
  needed="$(control "$STAGING" "$2")"
  echo "$((configured > needed ? configured : needed))"
}

# Starts the private server on the staging folder: its settings are flags, so that nothing stays behind in the data. With
# archive_mode on and no command, what is to be archived waits for the real server. A kill costs nothing that the kernel
# has, so it waits for no disk: stop_private_server does that once, and a restart of the machine begins anew.
start_private_server() {
  local flags=() setting kind="${JOURNAL[kind]}" value="${JOURNAL[target]}" inclusive=on
  # an LSN names the end of what is wanted, a time and a transaction are in it
  if [ "$kind" = lsn ]; then inclusive=off; fi
  for setting in config_file=/etc/postgresql/postgresql.conf fsync=off hot_standby=off archive_mode=on archive_command= archive_library= "restore_command=/usr/local/bin/fetch-wal %f %p" \
    primary_conninfo= "max_prepared_transactions=$(largest max_prepared_transactions 'max_prepared_xacts setting')" \
    recovery_target= recovery_target_name= recovery_target_time= recovery_target_xid= recovery_target_lsn= \
    "recovery_target_inclusive=$inclusive" recovery_target_action=promote "recovery_target_timeline=${JOURNAL[timeline]}"; do
    flags+=(-c "$setting")
  done
  if [ "$kind" != latest ]; then
    flags+=(-c "recovery_target_$kind=$value")
  fi
  start_private "$STAGING" "$RECOVERY_LOG" "$PRIVATE" env RESTORE_OLD_WAL="${JOURNAL[old_wal]}" \
    FOREIGN_TIMELINE="${REQUEST[from]:+${JOURNAL[timeline]}}" WALG_ENV="$(archive_environment)" postgres "${flags[@]}"
}

# Exit: 0 when the private server, which has ended, says that all WAL was replayed before the target came.
server_missed_target() {
  local try
  # the process that writes the log may be a moment behind
  for ((try = 0; try < 20; try++)); do
    if grep -q 'recovery ended before configured recovery target was reached' "$RECOVERY_LOG"; then return 0; fi
    sleep 0.1
  done
  return 1
}

# Waits until the private server has been promoted. Exit: NOT_REACHED when all WAL was replayed before the target came, 1
# when it ended for another reason.
wait_for_promotion() {
  local REPORT_AT=$((SECONDS + REPORT_SECONDS))
  wait_private "$STAGING" report_replay_in_time && return
  if server_missed_target; then return "$NOT_REACHED"; fi
  return 1
}

# Prints the LSN, as a number, at which a segment begins.
# Arguments: segment.
segment_position() { echo "$((16#${1:8:8} * 4294967296 + 16#${1:16:8} * $(control "$STAGING" 'Bytes per WAL segment')))"; }

# Prints the time of the last commit in the newest segment before one, nothing when it has none or is gone.
# Arguments: segment.
commit_time_before() {
  local file before=''
  for file in "$STAGING/pg_wal/"[0-9A-F]*; do
    if [[ "${#file}" -eq "$((${#STAGING} + 32))" && "${file##*/}" < "$1" ]]; then before="$file"; fi
  done
  [ -n "$before" ] || return 0
  TZ=UTC0 pg_waldump -r Transaction "$before" 2>/dev/null | sed -n 's/.*COMMIT \([0-9-]* [0-9:]*\).*/\1+00/p' | tail -n 1 || true
}

report_replay_in_time() {
  ((SECONDS >= REPORT_AT)) || return 0
  report_replay
  REPORT_AT=$((SECONDS + REPORT_SECONDS))
}

# The startup process shows the segment it replays in its title. Keeps REPLAY_* of recover from one call to the next.
report_replay() {
  local pid title doing segment='' position start time end="${JOURNAL[end]}"
  for pid in $(pgrep -P "$SERVER" || true); do
    title="$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
    if [[ "$title" =~ startup\ (recovering|waiting\ for)\ ([0-9A-F]{24}) ]]; then
      doing=replays segment="${BASH_REMATCH[2]}"
      if [ "${BASH_REMATCH[1]}" = "waiting for" ]; then doing="waits for"; fi
      break
    fi
  done
  if [ -z "$segment" ]; then
    report_progress "recovering: the private server is busy before or after the replay"
    return
  fi
  position="$(segment_position "$segment")"
  start="$(segment_position "${JOURNAL[backup]:5:24}")"
  : "${REPLAY_BEGAN:=$EPOCHSECONDS}" "${REPLAY_FROM:=$position}"
  time="$(commit_time_before "$segment")"
  REPLAY_TIME="${time:-$REPLAY_TIME}"
  report_progress "recovering: $doing $segment, $(((position - start) / MIB)) of at most $(((end - start) / MIB)) MiB of WAL${REPLAY_TIME:+, commits up to $REPLAY_TIME}$(
    estimate "$((position - REPLAY_FROM))" "$((end - REPLAY_FROM))" "$REPLAY_BEGAN"
  )"
}

# Prints why the private server ended: what fetch-wal said last, or else the server.
last_words() {
  local words
  words="$(sed -n 's/.* ERROR \[fetch-wal\] \(.*\); recovery stops here.*/\1/p' "$RECOVERY_LOG" | tail -n 1)"
  echo "${words:-$(sed -n 's/.* FATAL:  //p' "$RECOVERY_LOG" | tail -n 1)}"
}

# Runs the private server until it has been promoted. A storage error stops it, and a new start goes on where it was.
# Exit: NOT_REACHED, or 1 after TRIES failures; PROBLEM says why.
recover() {
  local try status REPLAY_BEGAN='' REPLAY_FROM='' REPLAY_TIME=''
  for ((try = 1; try <= TRIES; try++)); do
    status=0
    start_private_server
    wait_for_promotion || status=$?
    # what wal-g still fetches ahead
    end_fetches "$STAGING"
    case "$status" in
      0) return ;;
      "$NOT_REACHED")
        PROBLEM="all WAL was replayed and the target ${JOURNAL[to]} did not come; the last commit in it: $(
          sed -n 's/.*last completed transaction was at log time //p' "$RECOVERY_LOG" | tail -n 1
        )"
        return "$NOT_REACHED"
        ;;
    esac
    warn "recovery stopped (attempt $try of $TRIES, above)"
    ((try == TRIES)) || interruptible sleep "$((try * 5))"
  done
  PROBLEM="recovery failed $TRIES times: $(last_words)"
  return 1
}

# Proves that the promoted private server holds what was wanted: the right system, a new timeline, and in each database the
# first and the last block of every table, which PostgreSQL checks against their checksums. Exit: 1; PROBLEM says why.
verify() {
  local answer
  answer="$(private_sql "$PRIVATE" postgres -c "SELECT pg_is_in_recovery(), system_identifier, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()" 2>&1)" || true
  if [[ "$answer" != "f|${JOURNAL[system]}|"* ]] || ((16#${answer:(-24):8} <= JOURNAL[timeline])); then
    PROBLEM="the restored server is not the one expected (system ${JOURNAL[system]}, a timeline after ${JOURNAL[timeline]}): $answer"
    return 1
  fi
  JOURNAL[new_timeline]="$((16#${answer:(-24):8}))"
  if [ -e "$STAGING/recovery.signal" ] || [ -e "$STAGING/standby.signal" ]; then
    PROBLEM="the restored data still ask for recovery"
    return 1
  fi
  read_all_tables "$PRIVATE"
}

# Stops the private server with a checkpoint and brings all data to the disk. Exit: 1 when they are not shut down cleanly,
# or not on the disk; PROBLEM says so.
stop_private_server() {
  stop_private || true
  rm -rf "$STAGING/pg_wal/.wal-g"
  if [ "$(control "$STAGING" 'Database cluster state')" != 'shut down' ]; then
    PROBLEM="the private server did not stop cleanly (above)"
    return 1
  elif ! sync -f "$STAGING"; then
    PROBLEM="the restored data can't be written to the disk (above)"
    return 1
  fi
}
