# What an archive holds: base backups, WAL segments, timelines. LSNs and sizes are plain numbers, times microseconds.
# Needs WAL-G's environment, so callers are subshells. Functions that fail say why in PROBLEM.
# shellcheck shell=bash disable=SC2034,SC2154 # arrays and results are shared between the files

declare -A BACKUP_START=() BACKUP_FINISH=() BACKUP_TIME=() BACKUP_SYSTEM=() BACKUP_VERSION=() BACKUP_SIZE=()
declare -A STORED=() STORED_AS=()
readonly FAR=9223372036854775807

# Prints the value of a key of a JSON object without nesting.
# Arguments: object, key.
json_value() {
  if [[ "$1" =~ \"$2\":[[:space:]]*\"?([^\",}]*) ]]; then
    printf '%s' "${BASH_REMATCH[1]}"
  fi
}

# Prints microseconds since 1970.
# Arguments: time, as date(1) reads it.
epoch() { date -u -d "$1" +%s%6N; }

# Prints a time for humans.
# Arguments: microseconds since 1970.
show_time() { TZ=UTC0 printf '%(%F %T)T+00' "$(($1 / 1000000))"; }

# Prints an LSN as a number.
# Arguments: LSN such as 0/3000060.
lsn_number() { echo "$((16#${1%/*} * 4294967296 + 16#${1#*/}))"; }

# Reads the base backups. Sets BACKUPS, oldest first, and the BACKUP_* of each.
read_backup_details() {
  local object name
  if ! walg_within 300 backup-list --json --detail; then
    PROBLEM="the archive's backups can't be listed: $WALG_ERROR"
    return 1
  fi
  while IFS= read -r object; do
    name="$(json_value "$object" backup_name)"
    [[ "$name" == base_* && "$object" == *'"finish_time"'* ]] || continue
    BACKUP_START[$name]="$(json_value "$object" start_lsn)"
    BACKUP_FINISH[$name]="$(json_value "$object" finish_lsn)"
    BACKUP_TIME[$name]="$(epoch "$(json_value "$object" finish_time)")"
    BACKUP_SYSTEM[$name]="$(json_value "$object" system_identifier)"
    BACKUP_VERSION[$name]="$(json_value "$object" pg_version)"
    BACKUP_SIZE[$name]="$(json_value "$object" uncompressed_size)"
  done < <(sed -n 's/^\[\(.*\)\]$/\1/p' <<<"$WALG_OUTPUT" | sed 's/},[[:space:]]*{/}\n{/g')
  mapfile -t BACKUPS < <(for name in "${!BACKUP_TIME[@]}"; do echo "${BACKUP_TIME[$name]} $name"; done | sort -n | cut -d ' ' -f 2)
}

# Reads times and full names of the stored segments and timeline histories into STORED and STORED_AS.
read_stored_wal() {
  local type size day clock zone abbreviation name
  if ! TZ=UTC0 walg_within 300 st ls wal_005/; then
    PROBLEM="the archive's WAL can't be listed: $WALG_ERROR"
    return 1
  fi
  # shellcheck disable=SC2034 # columns that are not needed
  while read -r type size day clock zone abbreviation name; do
    if [[ "$type" == obj && "$name" =~ ^([0-9A-F]{24}|[0-9A-F]{8}\.history)(\.[a-z0-9]+)?$ ]]; then
      STORED[${BASH_REMATCH[1]}]="$day $clock $zone" STORED_AS[${BASH_REMATCH[1]}]="$name"
    fi
  done <<<"$WALG_OUTPUT"
}

# Arguments: name of a segment or of a history. Exit: 0 when the archive, or the data to be replaced, have it.
have_wal() { [ -n "${STORED[$1]-}" ] || { [ -n "$OLD_WAL" ] && [ -f "$OLD_WAL/$1" ]; }; }

# Prints when a segment or a history was stored; the time of the local file when it was not.
# Arguments: name, which must be there.
wal_time() {
  if [ -n "${STORED[$1]-}" ]; then
    epoch "${STORED[$1]}"
  else
    epoch "$(stat -c %y "$OLD_WAL/$1")"
  fi
}

# Sets SEGMENT, a segment's name. No subshell, because there can be very many.
# Arguments: timeline, number of the segment.
name_segment() {
  local of_log=$((4294967296 / SEGMENT_BYTES))
  printf -v SEGMENT '%08X%08X%08X' "$1" "$(($2 / of_log))" "$(($2 % of_log))"
}

# Prints the newest timeline that the archive has anything of.
newest_timeline() {
  local name newest=0
  for name in "${!STORED[@]}"; do
    newest=$((16#${name:0:8} > newest ? 16#${name:0:8} : newest))
  done
  echo "$newest"
}

# Reads through which timelines one has come. Sets PATH_TIMELINES, its own the last, and PATH_ENDS, the LSN at which each
# was left.
# Arguments: timeline.
read_timeline_path() {
  local history timeline end reason file="$RUN/history.$BASHPID"
  printf -v history '%08X.history' "$1"
  PATH_TIMELINES=() PATH_ENDS=()
  if (($1 > 1)); then
    rm -f "$file"
    if [ -n "${STORED[$history]-}" ] && ! walg_within 120 wal-fetch "$history" "$file"; then
      PROBLEM="the history of timeline $1 can't be fetched: $WALG_ERROR; correct the archive's access, or give the key that it was made with"
      return 1
    elif [ -z "${STORED[$history]-}" ] && ! { [ -n "$OLD_WAL" ] && cp "$OLD_WAL/$history" "$file" 2>/dev/null; }; then
      PROBLEM="the archive holds no history of timeline $1"
      return 1
    fi
    while read -r timeline end reason; do
      if [[ "$timeline" =~ ^[0-9]+$ ]]; then
        PATH_TIMELINES+=("$timeline") PATH_ENDS+=("$(lsn_number "$end")")
      fi
    done <"$file"
    rm -f "$file"
  fi
  PATH_TIMELINES+=("$1") PATH_ENDS+=("$FAR")
}

# Finds the first segment that is missing between a backup and the end of the path's last timeline. Sets GAP (its name, or
# empty), LAST_NAME (the last segment before the gap or the end), SEGMENTS (how many up to there) and END (LSN after it).
# Arguments: backup, number of the last segment that must exist (-1: as far as the archive goes).
follow_wal() {
  local index=0 number last timeline=$((16#${1:5:8}))
  GAP='' LAST_NAME='' SEGMENTS=0 END=0
  number=$((BACKUP_START[$1] / SEGMENT_BYTES))
  while ((PATH_TIMELINES[index] != timeline)); do index=$((index + 1)); done
  for (( ; index < ${#PATH_TIMELINES[@]}; index++)); do
    # a segment in which the timeline changes is read from the new one
    last=$((PATH_ENDS[index] == FAR ? $2 : PATH_ENDS[index] / SEGMENT_BYTES - 1))
    while ((last < 0 || number <= last)); do
      name_segment "${PATH_TIMELINES[index]}" "$number"
      if ! have_wal "$SEGMENT"; then
        if ((last >= 0)) || stored_after "$SEGMENT"; then
          GAP="$SEGMENT"
        fi
        return 0
      fi
      LAST_NAME="$SEGMENT" SEGMENTS=$((SEGMENTS + 1)) number=$((number + 1)) END=$((number * SEGMENT_BYTES))
    done
  done
}

# Arguments: segment. Exit: 0 when the archive has a later one of the same timeline.
stored_after() {
  local name
  for name in "${!STORED[@]}"; do
    if [[ "${name:0:8}" == "${1:0:8}" && "$name" > "$1" && ${#name} -eq 24 ]]; then return 0; fi
  done
  return 1
}

# Compares the parts that a base backup lists with those stored. Exit: 1 when one is missing; PROBLEM says which.
# Arguments: backup.
is_whole_backup() {
  local part stored folder="basebackups_005/$1"
  if ! walg_within 300 st ls "$folder/tar_partitions/"; then
    PROBLEM="the parts of $1 can't be listed: $WALG_ERROR"
    return 1
  fi
  stored="$(awk '$1 == "obj" { print $NF }' <<<"$WALG_OUTPUT")"
  while IFS= read -r part; do
    if ! grep -qxF -- "$part" <<<"$stored"; then
      PROBLEM="base backup $1 is damaged: its part $part is missing"
      return 1
    fi
  done < <(timeout 600 wal-g st cat "$folder/files_metadata.json" 2>/dev/null | grep -o '"[^"]*\.tar[^"/]*":\[' | cut -d '"' -f 2)
  if ! grep -q '^pg_control\.tar' <<<"$stored"; then
    PROBLEM="base backup $1 is damaged: its part pg_control is missing"
    return 1
  fi
}
