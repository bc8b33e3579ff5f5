# Five-field cron expressions, as Debian's cron accepts them.
# shellcheck shell=bash

readonly MONTH_NAMES="jan feb mar apr may jun jul aug sep oct nov dec"
readonly DAY_NAMES="sun mon tue wed thu fri sat"

# Converts a field's value to a number; names count from the lowest value.
# Arguments: value, lowest, highest, names. Prints the number. Exit: 1 when the field does not allow the value.
cron_value() {
  local value="${1,,}" low="$2" high="$3" name number="$2"
  if [[ "$value" =~ ^[0-9]{1,2}$ ]]; then
    ((10#$value >= low && 10#$value <= high)) || return 1
    echo "$((10#$value))"
    return
  fi
  for name in $4; do
    if [ "$name" = "$value" ]; then
      echo "$number"
      return
    fi
    number=$((number + 1))
  done
  return 1
}

# Arguments: item of a list (`*`, `n`, `n-m`, with `/step` after `*` or a range), lowest, highest, names.
# Exit: 0 when cron accepts it.
is_cron_item() {
  local range="${1%%/*}" low="$2" high="$3" names="$4" first last
  if [[ "$1" == */* ]]; then
    [[ "${1#*/}" =~ ^[0-9]{1,2}$ ]] && ((10#${1#*/} >= 1 && 10#${1#*/} <= high)) || return 1
    [[ "$range" == '*' || "$range" == *-* ]] || return 1
  fi
  [ "$range" != '*' ] || return 0
  first="$(cron_value "${range%%-*}" "$low" "$high" "$names")" || return 1
  last="$(cron_value "${range#*-}" "$low" "$high" "$names")" || return 1
  ((first <= last))
}

# Arguments: field, lowest, highest, names. Exit: 0 when every item of the list is valid.
is_cron_field() {
  local items item
  [[ "$1" =~ ^[0-9A-Za-z*,/-]+$ && "$1" != *, ]] || return 1
  IFS=, read -ra items <<<"$1"
  for item in "${items[@]}"; do
    is_cron_item "$item" "$2" "$3" "$4" || return 1
  done
}

# Arguments: schedule. Exit: 0 for five valid fields: minute, hour, day of month, month, day of week (0 and 7: Sunday).
is_cron_schedule() {
  local minute hour day month weekday rest
  [[ "$1" != *$'\n'* ]] || return 1
  read -r minute hour day month weekday rest <<<"$1"
  [ -n "$weekday" ] && [ -z "$rest" ] || return 1
  is_cron_field "$minute" 0 59 '' && is_cron_field "$hour" 0 23 '' && is_cron_field "$day" 1 31 '' &&
    is_cron_field "$month" 1 12 "$MONTH_NAMES" && is_cron_field "$weekday" 0 7 "$DAY_NAMES"
}
