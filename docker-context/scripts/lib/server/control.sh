# Reads the control file of a data folder.
# shellcheck shell=bash

# Prints a field of pg_controldata.
# Arguments: data folder, field.
control() {
  LC_ALL=C pg_controldata -D "$1" 2>/dev/null | while IFS= read -r line; do
    if [[ "$line" =~ ^"$2":\ *(.*) ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
  done
}
