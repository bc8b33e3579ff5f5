# Recovers a base backup to the target in the staging folder, with a private server that nobody else reaches and that archives
# nothing, and proves that the result works. Reads JOURNAL and REQUEST.
# Sets RECOVERED; reads SERVER_FLAGS and SERVER.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # arrays and results are shared between the files

readonly RECOVERY_LOG="$RECORDS/recovery.log" # not in memory: a long replay logs a lot
readonly TRIES=3 REPORT_SECONDS=10

# Prints a setting as the real server will have it, or the data's minimum when that is higher.
# Arguments: data folder, setting, field of pg_controldata.
largest() {
  local configured needed
  configured="$(postgres -C "$2" -D "$1" "${SERVER_FLAGS[@]}" 2>/dev/null || echo 0)"
  needed="$(control "$1" "$3")"
  echo "$((configured > needed ? configured : needed))"
}

# Sets flags: those of every private server that ends recovery. With archive_mode on and no command, segments wait for the real
# server to archive them. Log lines show the process and the SQLSTATE.
# Arguments: data folder.
recovery_flags() {
  local setting
  write_generated_settings "$1"
  flags=("${SERVER_FLAGS[@]}")
  for setting in hot_standby=off archive_mode=on archive_command= archive_library= \
    primary_conninfo= recovery_end_command= archive_cleanup_command= 'log_line_prefix=%m [%p] %b %e ' \
    "max_prepared_transactions=$(largest "$1" max_prepared_transactions 'max_prepared_xacts setting')" \
    recovery_target= recovery_target_name= recovery_target_time= recovery_target_xid= recovery_target_lsn= recovery_target_action=promote; do
    flags+=(-c "$setting")
  done
}

# Starts the private server on the staging folder. Its settings are flags, so that nothing stays behind in the data. It runs
# without fsync: a kill loses nothing that the kernel has, stop_private_server syncs once, and a restart of the machine begins
# again. A replay that would create a tablespace must fail: it would write into the folder that the old data use.
start_private_server() {
  local flags kind="${JOURNAL[kind]}" inclusive=on
  forbid_tablespaces "$STAGING"
  recovery_flags "$STAGING"
  # an LSN names the end of what is wanted; a time or a transaction is included
  if [ "$kind" = lsn ]; then inclusive=off; fi
  flags+=(-c fsync=off -c "restore_command=/usr/local/bin/fetch-wal %f %p" -c "recovery_target_inclusive=$inclusive"
    -c "recovery_target_timeline=${JOURNAL[timeline]}")
  if [ "$kind" != latest ]; then
    flags+=(-c "recovery_target_$kind=${JOURNAL[target]}")
  fi
  start_private "$STAGING" "$RECOVERY_LOG" "$PRIVATE" env RESTORE_OLD_WAL="${JOURNAL[old_wal]}" PROMISED_WAL="${JOURNAL[promised]-}" \
    FOREIGN_TIMELINE="${REQUEST[from]:+${JOURNAL[timeline]}}" WALG_ENV="$(archive_environment)" postgres "${flags[@]}"
}

# Exit: 0 when the private server, which has ended, replayed all WAL before the target: SQLSTATE F0000 of the startup process.
# A wrong configuration has the same code, but from the postmaster.
server_missed_target() { [ "${JOURNAL[kind]}" != latest ] && in_recovery_log ' startup F0000 '; }

# Exit: 0 when replay reached a CREATE TABLESPACE: SQLSTATE 42501, because pg_tblspc is not writable.
replay_made_tablespace() { in_recovery_log ' startup 42501 .*pg_tblspc/'; }

# Arguments: pattern of a line. Exit: 0 when the log of the private server, which has ended, has such a line.
in_recovery_log() {
  local try
  # the process that writes the log may lag behind
  for ((try = 0; try < 5; try++)); do
    if grep -q -- "$1" "$RECOVERY_LOG"; then return 0; fi
    sleep 0.1
  done
  return 1
}

# Prints the LSN, as a number, at which a segment begins.
# Arguments: segment.
segment_position() { echo "$((16#${1:8:8} * 4294967296 + 16#${1:16:8} * $(control "$STAGING" 'Bytes per WAL segment')))"; }

# Prints the time of the last commit in the newest segment before a given one, nothing when there is none.
# Arguments: segment.
commit_time_before() {
  local file before=''
  for file in "$STAGING/pg_wal/"[0-9A-F]*; do
    if [[ "${#file}" -eq "$((${#STAGING} + 32))" && "${file##*/}" < "$1" ]]; then before="$file"; fi
  done
  [ -n "$before" ] || return 0
  LC_ALL=C TZ=UTC0 pg_waldump -r Transaction "$before" 2>/dev/null | sed -n 's/.*COMMIT \([0-9-]* [0-9:]*\).*/\1+00/p' | tail -n 1 || true
}

report_replay_in_time() {
  ((SECONDS >= REPORT_AT)) || return 0
  report_replay
  say_still_reading
  REPORT_AT=$((SECONDS + REPORT_SECONDS))
}

# Reads the segment from the startup process's title. Keeps recover's REPLAY_* across calls.
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

# Prints why the private server ended: the last error of fetch-wal, or else of the server.
last_words() {
  local words
  words="$(sed -n 's/.* ERROR \[fetch-wal\] \(.*\); recovery stops here.*/\1/p' "$RECOVERY_LOG" | tail -n 1)"
  echo "${words:-$(sed -n 's/.* FATAL:  //p' "$RECOVERY_LOG" | tail -n 1)}"
}

# Runs the private server until it is promoted. A storage error stops it, and a new start continues from there.
# Sets RECOVERED: promoted, missed (replayed all WAL before the target), or failed, after TRIES; PROBLEM says why.
recover() {
  local try REPORT_AT REPLAY_BEGAN='' REPLAY_FROM='' REPLAY_TIME=''
  RECOVERED=failed PROBLEM=''
  for ((try = 1; try <= TRIES; try++)); do
    REPORT_AT=$((SECONDS + REPORT_SECONDS))
    start_private_server
    attempt wait_private "$STAGING" report_replay_in_time
    # prefetches of wal-g that still run
    end_fetches "$STAGING"
    if ((STATUS == 0)); then
      RECOVERED=promoted
      return
    elif server_missed_target; then
      RECOVERED=missed
      PROBLEM="all WAL was replayed and the target ${JOURNAL[to]} did not come; the last commit in it: $(
        sed -n 's/.*last completed transaction was at log time //p' "$RECOVERY_LOG" | tail -n 1
      )"
      return
    elif replay_made_tablespace; then
      PROBLEM="WAL between base backup ${JOURNAL[backup]} and the target creates a tablespace, which is not covered: its files would be written into the folder that is in use. Choose a target before that, or a base backup that was taken after it was dropped"
      return
    fi
    warn "recovery stopped (attempt $try of $TRIES, above)"
    ((try == TRIES)) || interruptible sleep "$((try * 5))"
  done
  PROBLEM="recovery failed $TRIES times: $(last_words)"
}

# Proves that the promoted private server holds what was wanted: the right system, a new timeline, all promised WAL, no
# tablespace, and readable tables. With force, damage and missing WAL only cause warnings. Sets PROBLEM, empty when all is well.
verify() {
  local answer
  PROBLEM=''
  answer="$(private_sql "$PRIVATE" postgres -c "SELECT pg_is_in_recovery(), system_identifier, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()" 2>&1)" || true
  if [[ "$answer" != "f|${JOURNAL[system]}|"* ]] || ((16#${answer:(-24):8} <= JOURNAL[timeline])); then
    PROBLEM="the restored server is not the one expected (system ${JOURNAL[system]}, a timeline after ${JOURNAL[timeline]}): $answer"
    return
  fi
  JOURNAL[new_timeline]="$((16#${answer:(-24):8}))"
  if [ -e "$STAGING/recovery.signal" ] || [ -e "$STAGING/standby.signal" ]; then
    PROBLEM="the restored data still ask for recovery"
    return
  fi
  check_promise
  [ -z "$PROBLEM" ] || pass_by_force
  if [ -n "$PROBLEM" ]; then return; fi
  attempt read_all_tables "$PRIVATE"
  rm -rf "$BULK"
  if ((STATUS == 0)); then PROBLEM=''; else pass_by_force; fi
}

# With force, turns PROBLEM into a warning and empties it; else adds how to force it.
pass_by_force() {
  if [ "${REQUEST[force]:-false}" = true ]; then
    warn "passed over by force: $PROBLEM"
    PROBLEM=''
  else
    PROBLEM+=". Another base backup may be whole (RESTORE_BACKUP); RESTORE_FORCE=true (restore: {force: true}, restore.sh --force) takes the data as they are"
  fi
}

# Compares what was replayed with the end that the plan promised: the new timeline begins in its last segment, or later. Other
# targets than latest prove themselves by being reached. Sets PROBLEM when WAL is missing.
check_promise() {
  local history last begins="${JOURNAL[promised]-}"
  [ "${JOURNAL[kind]}" = latest ] && [ -n "$begins" ] || return 0
  begins=$((${begins##*-} * $(control "$STAGING" 'Bytes per WAL segment')))
  printf -v history '%s/pg_wal/%08X.history' "$STAGING" "${JOURNAL[new_timeline]}"
  last="$(awk '$1 ~ /^[0-9]+$/ { last = $2 } END { print last }' "$history")"
  if [ -z "$last" ] || (($(lsn_number "$last") < begins)); then
    PROBLEM="WAL was replayed to ${last:-an unknown position}, and the archive promised it to $(printf '%X/%X' "$((begins >> 32))" "$((begins & 0xffffffff))") and further"
  fi
}

# Stops the private server with a checkpoint and syncs all data to the disk. Sets PROBLEM when the shutdown was not clean, or the
# data are not on the disk.
stop_private_server() {
  PROBLEM=''
  stop_private || true
  rm -rf "$STAGING/pg_wal/.wal-g"
  if [ "$(control "$STAGING" 'Database cluster state')" != 'shut down' ]; then
    PROBLEM="the private server did not stop cleanly (above)"
  elif sync -f "$STAGING"; then
    PROBLEM=''
  else
    PROBLEM="the restored data can't be written to the disk (above)"
  fi
}
