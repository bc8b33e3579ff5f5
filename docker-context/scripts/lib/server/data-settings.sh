# What a server takes from its data and from the container's flags, besides the image's files: the size of a WAL segment, and
# initdb's choices for the locale. No server reads the data's postgresql.conf, where initdb writes such things.
# Sets SERVER_FLAGS, ARCHIVE_SETTINGS and WAL_SEGMENT_BYTES.
# shellcheck shell=bash disable=SC2034 # results are shared between the files

# without log_timezone: the log is in UTC
readonly LOCALE_SETTINGS='lc_messages|lc_monetary|lc_numeric|lc_time|datestyle|timezone|default_text_search_config'
# in the data folder, so that base backups include it; data of an earlier image lack it and keep their settings
readonly LOCALE_FILE=initdb.conf
readonly USUAL_SEGMENT_MIB=16

# Flags of each server with the real one's configuration; boot adds the container's flags. Then the settings of the archive.
SERVER_FLAGS=(-c config_file=/etc/postgresql/postgresql.conf)
ARCHIVE_SETTINGS=()

# Prints what larger segments need, as initdb would write it: PostgreSQL does not start when these are below two segments.
# Arguments: MiB of a segment.
segment_settings() {
  if (($1 > USUAL_SEGMENT_MIB)); then printf 'min_wal_size = %sMB\nmax_wal_size = %sMB\n' "$((5 * $1))" "$((64 * $1))"; fi
}

# Keeps initdb's choices for the locale in a new data folder. Arguments: folder.
keep_locale_settings() {
  sed -nE "/^($LOCALE_SETTINGS)[ =]/p" "$1/postgresql.conf" >"$1/$LOCALE_FILE"
}

# Gives a new data folder the locale settings of the data that it replaces. Arguments: folder of those, new folder.
copy_locale_settings() {
  if [ -e "$1/$LOCALE_FILE" ]; then cp "$1/$LOCALE_FILE" "$2/$LOCALE_FILE"; fi
}

# Writes what a server on these data needs into the file that the image's postgresql.conf includes before conf.d. Call it before
# each start with SERVER_FLAGS. Arguments: data folder; an empty or absent one adds nothing.
# Sets and exports WAL_SEGMENT_BYTES, which archive-wal and fetch-wal inherit from the server.
write_generated_settings() {
  local setting
  WAL_SEGMENT_BYTES="$(control "$1" 'Bytes per WAL segment' || true)"
  export WAL_SEGMENT_BYTES="${WAL_SEGMENT_BYTES:-$((USUAL_SEGMENT_MIB * 1048576))}"
  echo "$((WAL_SEGMENT_BYTES / 1024))" >"$RUN/segment-kib" # for the probes
  {
    echo "# Written at every start: from the data, and for the archive; flags of the server say the latter too."
    segment_settings "$((WAL_SEGMENT_BYTES / 1048576))"
    if [ -e "$1/$LOCALE_FILE" ]; then
      while IFS= read -r setting || [ -n "$setting" ]; do
        if [[ "$setting" =~ ^($LOCALE_SETTINGS)[\ =] ]]; then printf '%s\n' "$setting"; fi
      done <"$1/$LOCALE_FILE"
    fi
    for setting in "${ARCHIVE_SETTINGS[@]}"; do
      printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
    done
  } >"$RUN/generated.conf.new"
  mv -f "$RUN/generated.conf.new" "$RUN/generated.conf"
}
