# Checks whether an archive is empty, as it must be before a new database writes there.
# Reads PREFIX_VARIABLE, WALG_OUTPUT and WALG_ERROR.
# shellcheck shell=bash

readonly LIST_ATTEMPTS=5

# Checks that the archive is empty: a new cluster's segments would collide with old ones. Exit: 1 when it is not, or can't be
# listed; PROBLEM says so.
archive_is_empty() {
  local attempt folder listing="$RUN/archive-listing"
  [ -n "$PREFIX_VARIABLE" ] || return 0
  folder="$(versioned_prefix "${!PREFIX_VARIABLE}")"
  for ((attempt = 1; ; attempt++)); do
    if interruptible list_archive "$listing"; then
      break
    elif ((attempt >= LIST_ATTEMPTS)); then
      PROBLEM="the archive $folder can't be listed ($(<"$listing")), so it is not known to be empty: correct the prefix or the credentials"
      return 1
    fi
    warn "the archive $folder can't be listed (attempt $attempt of $LIST_ATTEMPTS): $(<"$listing")"
    interruptible sleep "$((attempt * 2))"
  done
  if [ -s "$listing" ]; then
    PROBLEM="the archive $folder already holds data ($(paste -sd ' ' "$listing")): choose another prefix for a new database, or restore the one that is there"
    return 1
  fi
}

# Refuses to initialise a database on an archive that is not empty.
check_archive_is_empty() {
  local PROBLEM
  archive_is_empty || die "$PROBLEM. The volume is empty, and nothing was initialised"
}

# Writes the listing of the prefix, or the error, into a file. Runs in a subshell.
# Arguments: file. Exit: wal-g's.
list_archive() {
  load_walg_env
  if [ -n "${WALG_FILE_PREFIX-}" ]; then
    # wal-g leaves empty folders where it only looked
    find "$WALG_FILE_PREFIX" -type f -print -quit >"$1" 2>&1
  elif walg_within 20 st ls; then
    awk '$1 == "dir" || $1 == "obj" { print $NF }' <<<"$WALG_OUTPUT" >"$1"
  else
    echo "$WALG_ERROR" >"$1"
    return 1
  fi
}
