# Encryption of the archive: which key is set, whether it works, and whether it opens an archive. wal-g stores in plain text when
# its key is empty, and a key that encrypts but does not decrypt would only show at a restore: both end the boot.
# Sets WALG_OUTPUT and WALG_ERROR; reads CHOICE, PLANNING, PLANS, REQUEST and CLOSED.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # results are shared between the files

readonly KEYS=(WALG_PGP_KEY WALG_PGP_KEY_PASSPHRASE WALG_LIBSODIUM_KEY)
readonly SAMPLE="a text that postgres-stack encrypts and decrypts"
readonly LIBSODIUM_BYTES=32

# Sets the keys' *_FILE variables from a folder, such as a mounted Secret, whose files are named like the keys' variables.
# Arguments: prefix of the variables' names (nothing, or CLONE_).
read_key_folder() {
  local name folder_variable="$1ENCRYPTION_FOLDER"
  local folder="${!folder_variable-}"
  [ -n "$folder" ] || return 0
  unset "$folder_variable"
  if ! [ -e "$folder/WALG_PGP_KEY" ] && ! [ -e "$folder/WALG_LIBSODIUM_KEY" ]; then
    refuse "$folder_variable: $folder holds neither WALG_PGP_KEY nor WALG_LIBSODIUM_KEY"
  fi
  for name in "${KEYS[@]}"; do
    if [ -e "$folder/$name" ]; then
      export "$1${name}_FILE=$folder/$name"
    fi
  done
}

# Prints the variable that holds the key; nothing when none does.
key_variable() {
  local name
  for name in WALG_PGP_KEY WALG_PGP_KEY_PATH WALG_LIBSODIUM_KEY WALG_LIBSODIUM_KEY_PATH; do
    if [ -n "${!name-}" ]; then
      echo "$name"
      return
    fi
  done
}

# Checks the keys of this server's archive, alone and together, and that wal-g decrypts what it encrypts with them.
check_encryption() {
  local name key problem sodium="${WALG_LIBSODIUM_KEY-}" LC_ALL=C # counts bytes
  for name in WALG_PGP_KEY WALG_LIBSODIUM_KEY; do
    if [ -n "${!name+set}" ] && [ -z "${!name}" ]; then
      refuse "$name: is empty, so nothing would be encrypted: give the key, or leave the variable out"
    fi
  done
  key="$(key_variable)"
  if [ -n "${WALG_PGP_KEY-}" ] && [ -n "${WALG_LIBSODIUM_KEY-}" ]; then
    refuse "WALG_PGP_KEY and WALG_LIBSODIUM_KEY are both set: keep one of them"
  elif [[ -n "${WALG_PGP_KEY_PASSPHRASE-}" && "$key" != WALG_PGP_KEY* ]]; then
    refuse "WALG_PGP_KEY: needed with WALG_PGP_KEY_PASSPHRASE"
  elif [ "${WALG_LIBSODIUM_KEY_TRANSFORM:-none}" = none ] && ((${#sodium} > LIBSODIUM_BYTES)); then
    refuse "WALG_LIBSODIUM_KEY: longer than the $LIBSODIUM_BYTES bytes that wal-g uses: set WALG_LIBSODIUM_KEY_TRANSFORM to hex or base64, or cut it"
  elif [ -n "$key" ] && ! problem="$(try_key)"; then
    refuse "$key: $problem"
  fi
}

# Encrypts a text with the keys and reads it back, in a separate folder. Runs in a subshell, because it exports them.
# Prints what is wrong. Exit: 1 when something is.
try_key() {
  local folder name
  if ! folder="$(mktemp -d 2>&1)"; then
    echo "it can't be tried: $folder"
    return 1
  fi
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$folder'" EXIT
  for name in "${KEYS[@]}"; do
    export "${name?}"
  done
  unset "${PREFIXES[@]}"
  export WALG_FILE_PREFIX="$folder"
  echo "$SAMPLE" >"$folder/sample"
  if ! walg_within 60 st put "$folder/sample" stored; then
    echo "wal-g can't encrypt with it ($WALG_ERROR); nothing is archived rather than in plain: give another key, or use an image whose wal-g can"
  elif walg_within 60 st cat --glob --decompress 'stored.*' && [[ "$WALG_OUTPUT" == *"$SAMPLE"* ]]; then
    echo "wal-g stores in plain although it is set; nothing is archived rather than that: use another wal-g"
  elif ! walg_within 60 st cat --glob --decrypt --decompress 'stored.*' || [[ "$WALG_OUTPUT" != *"$SAMPLE"* ]]; then
    echo "what wal-g encrypts with it can't be read again ($WALG_ERROR), so no backup could be restored: the private key is needed, and its passphrase in WALG_PGP_KEY_PASSPHRASE if it has one"
  else
    return 0
  fi
  return 1
}

# Reads an object of the archive completely. Needs WAL-G's environment. Exit: 1 when it can't be read; WALG_ERROR says why.
# Arguments: path, options of `wal-g st cat`.
read_object() {
  if WALG_OUTPUT="$({ run_walg 300 "$NO_BOUND" st cat "$@" | wc -c; } 2>&1)" && [ "$WALG_OUTPUT" != 0 ]; then return 0; fi
  WALG_ERROR="$(sed -n 's/^ERROR: [0-9/]* [0-9:.]* \(download the file: \)\?//p' <<<"$WALG_OUTPUT" | tail -n 1)"
  redact WALG_ERROR
  : "${WALG_ERROR:=there is no such object, or no answer within 300 s}"
  return 1
}

# Reads the smallest part of a base backup with the current key, so that a lost or wrong key shows before hours of download.
# Exit: 1 when it can't be read; PROBLEM says why.
# Arguments: backup.
opens_with_key() {
  local part="basebackups_005/$1/tar_partitions/pg_control.tar.*" key reason
  key="$(key_variable)"
  if read_object "$part" --glob --decrypt --decompress; then return 0; fi
  reason="$WALG_ERROR"
  if [ -n "$key" ] && read_object "$part" --glob --decompress; then
    PROBLEM="base backup $1 is not encrypted, but $key is set: to restore it, start without the key"
  elif [ -n "$key" ]; then
    PROBLEM="base backup $1 can't be read with the key in $key ($reason): give the key that it was made with"
  elif [[ "$reason" == *magic* ]]; then
    PROBLEM="base backup $1 is encrypted, and no key is set: give the one that it was made with, in WALG_PGP_KEY or WALG_LIBSODIUM_KEY (for a clone CLONE_WALG_PGP_KEY or CLONE_WALG_LIBSODIUM_KEY)"
  else
    PROBLEM="base backup $1 can't be read ($reason); if it is damaged, name an older one with RESTORE_BACKUP (restore.sh --backup)"
  fi
  return 1
}

# Like opens_with_key, also for the base backups that an increment builds on, and for the WAL at the target, because the key may
# have changed in between. The planner names the segments to read. Runs in the preflight.
# Arguments: backup.
archive_opens_with_key() {
  local key name segment CLOSED=''
  for name in ${CHOICE[$1_chain]}; do opens_with_key "$name" || return; done
  key="$(key_variable)"
  if [ -z "$key" ]; then return 0; fi
  ask_until_known key "${PLANNING[@]}" "promised=${CHOICE[$1_promised]}" || return
  segment="$(sed -n 's/^segment=//p' "$PLANS/key.plan")"
  if [ -z "$segment" ]; then return 0; fi
  PROBLEM="WAL segment $segment, needed to reach the target ${REQUEST[to]}, can't be read with the key in $key ($CLOSED), which opens base backup $1: if the key was changed in between, give both as one key ring"
  return 1
}
