# Fetches a base backup into the staging folder. A stalled fetch is killed and restarted a few times; a hopeless one is not.
# Reads JOURNAL and REQUEST.
# Sets POSITION; reads BYTES and WALG_ERROR.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # arrays and results are shared between the files

readonly FETCH_TRIES=3 NOT_WORTH_IT=3
readonly FETCH_ERRORS="$RUN/fetch-errors"

# Runs by attempt. Exit: 1; PROBLEM says why.
fetch_backup() {
  local try found
  # volumes are not sized for a third copy
  rm -rf "$PRE_RESTORE" "$UNDONE" "$PRE_RESTORE_OF"
  for ((try = 1; try <= FETCH_TRIES; try++)); do
    rm -rf "$STAGING"
    mkdir -p "${STAGING%/*}"
    mkdir -m 0700 "$STAGING"
    report_progress "fetching: ${JOURNAL[backup]}, $((JOURNAL[bytes] / MIB)) MiB, into $STAGING"
    attempt run_fetch
    if ((STATUS == 0)); then break; fi
    PROBLEM="base backup ${JOURNAL[backup]} can't be fetched (attempt $try of $FETCH_TRIES): $PROBLEM"
    if ((STATUS == NOT_WORTH_IT || try == FETCH_TRIES)); then return 1; fi
    warn "$PROBLEM"
    interruptible sleep "$((try * 5))"
  done
  found="$(tablespaces_in "$STAGING")"
  if [ -n "$found" ] || [ -s "$STAGING/tablespace_map" ]; then
    PROBLEM="base backup ${JOURNAL[backup]} has tablespaces ($(paste -sd ' ' "$STAGING/tablespace_map" 2>/dev/null || true) $found), which is not covered: choose one that was taken before or after them (RESTORE_BACKUP)"
    return 1
  fi
  rm -f "$STAGING/standby.signal"
  touch "$STAGING/recovery.signal"
}

# Runs by attempt, in whose child it loads the credentials. Exit: 0, 1, or NOT_WORTH_IT for another attempt; PROBLEM says why.
run_fetch() {
  local lines relay walg began="$EPOCHSECONDS" most=0 BYTES=0 status=0
  # shellcheck disable=SC1090 # written by the entrypoint
  if ! . "$(archive_environment)"; then
    PROBLEM="a file with the store's credentials can't be read"
    return 1
  fi
  export WALG_TAR_DISABLE_FSYNC=true # stop_private_server syncs
  # after a broken connection wal-g resumes within a part, instead of waiting a minute and restarting the part
  export WALG_S3_RANGE_BATCH_ENABLED="${WALG_S3_RANGE_BATCH_ENABLED:-true}"
  rm -f "$FETCH_ERRORS"
  exec {lines}> >(keep_errors | relay)
  relay=$!
  setpriv --pdeathsig KILL wal-g backup-fetch "$STAGING" "${JOURNAL[backup]}" >&"$lines" 2>&1 &
  walg=$!
  exec {lines}>&-
  wait_while_moving "$walg" "$RESTORE_STALL_SECONDS" "$NO_BOUND" look_at_fetch "$walg" || status=$?
  wait "$relay" || true
  if ((status == 0)) && [ -s "$STAGING/PG_VERSION" ] && [ -s "$STAGING/backup_label" ] && [ -s "$STAGING/global/pg_control" ]; then
    return 0
  fi
  explain_fetch "$status"
}

# Passes wal-g's lines on. Keeps its errors and logs them as warnings: the restore reports what they lead to.
keep_errors() {
  local line said
  while IFS= read -r line; do
    if [[ "$line" == ERROR:* ]]; then
      said="${line#ERROR: * * }"
      redact said
      printf '%s\n' "$said" >>"$FETCH_ERRORS"
    fi
    printf '%s\n' "${line/#ERROR:/WARNING:}"
  done
}

# Reports the fetch's progress. Sets POSITION: the bytes read, and after an error, when wal-g reads parts again, only the growth
# of the staging folder. Keeps run_fetch's most and BYTES across calls.
# Arguments: wal-g's pid.
look_at_fetch() {
  local staged rest
  # files may vanish meanwhile
  staged="$(du -s --apparent-size -B1 "$STAGING" 2>/dev/null | cut -f 1)" || true
  staged="${staged:-0}"
  most=$((staged > most ? staged : most))
  if ! [ -s "$FETCH_ERRORS" ]; then
    bytes_read "$1"
  fi
  POSITION=$((most + BYTES))
  rest="$(estimate "$staged" "${JOURNAL[bytes]}" "$began")"
  if ((STILL >= RESTORE_STALL_SECONDS / 3)); then
    rest=", nothing has come for $STILL s (limit $RESTORE_STALL_SECONDS s)"
  fi
  report_progress "fetching: $((staged / MIB)) of $((JOURNAL[bytes] / MIB)) MiB$rest"
  say_still_reading
}

# Sets PROBLEM to why a fetch failed, as far as that is known.
# Arguments: exit code of the fetch. Exit: NOT_WORTH_IT when another attempt would fail the same way, else 1.
explain_fetch() {
  local advice="name an older base backup with RESTORE_BACKUP (restore.sh --backup)" folder how part answer status=0
  folder="basebackups_005/${JOURNAL[backup]}/tar_partitions"
  how="wal-g ended with $1"
  if (($1 == STOOD_STILL)); then
    how="nothing came for $RESTORE_STALL_SECONDS s"
  fi
  if ! walg_within "$((RESTORE_STALL_SECONDS < 30 ? RESTORE_STALL_SECONDS : 30))" st ls "$folder/"; then
    PROBLEM="$how, and the archive can't be read ($WALG_ERROR)"
    return 1
  fi
  # read the part that wal-g failed on alone: only an archive that answers can prove damage
  part="$(sed -n 's/^Extraction error in \([^:]*\):.*/\1/p' "$FETCH_ERRORS" 2>/dev/null | tail -n 1)"
  if [ -n "$part" ]; then
    answer="$(run_walg "$RESTORE_STALL_SECONDS" "$NO_BOUND" st cat "$folder/$part" --decrypt --decompress 2>&1 >/dev/null)" || status=$?
    if ((status == 1)); then
      answer="${answer#ERROR: * * }"
      redact answer
      PROBLEM="its part $part can't be read ($answer): $advice"
      return "$NOT_WORTH_IT"
    fi
  fi
  PROBLEM="$how, although the archive answers (last error: $(tail -n 1 "$FETCH_ERRORS" 2>/dev/null || echo none)); if it is damaged, $advice"
  return 1
}
