# Runs the same in every database through one psql: ten thousand databases need as many connections, but not as many processes,
# and their names may have any character. Lists that grow with the databases' contents go to the volume for a while.
# shellcheck shell=bash disable=SC2034,SC2154 # results are shared between the files

# a command beside the server mounts the volume read-only
: "${BULK:=$RECORDS/scratch}"
readonly BULK
readonly EACH_ERROR="$BULK/each.error"

# Creates an empty folder for long lists.
empty_bulk() {
  rm -rf "$BULK"
  mkdir -p "$BULK"
}

# Runs a file of psql commands in each database that accepts connections. Prints their output.
# Arguments: socket's folder or host, file of commands, psql's. Exit: psql's; each_problem prints what went wrong.
in_each_database() {
  write_each_script "$1" "$2" >"$BULK/each.sql" 2>"$EACH_ERROR" || return
  private_sql "$1" postgres "${@:3}" -f "$BULK/each.sql" 2>"$EACH_ERROR"
}

# Prints a script that connects to each database in turn, with connection strings, and runs the commands.
# Arguments: socket's folder or host, file of commands.
write_each_script() {
  private_sql "$1" postgres -v host="$1" -v user="$POSTGRES_USER" -v commands="$2" <<'SQL'
WITH each AS (
  SELECT datname, 'port=5432' || string_agg(format(' %s=''%s''', name, replace(replace(value, '\', '\\'), '''', '\''')), '') AS place
    FROM pg_database, LATERAL (VALUES ('host', :'host'), ('user', :'user'), ('dbname', datname)) AS part (name, value)
    WHERE datallowconn AND datconnlimit <> -2 AND datname <> 'template0'
    GROUP BY datname
)
SELECT format(E'\\warn %s\n\\set place %s\n\\connect :"place"\n\\i %s', VARIADIC array_agg(quoted ORDER BY number))
  FROM each, LATERAL (
    SELECT number, '''' || replace(replace(replace(replace(word, '\', '\\'), '''', ''''''), E'\n', '\n'), E'\r', '\r') || '''' AS quoted
      FROM (VALUES (1, 'database ' || translate(datname, E'\n\r', '  ')), (2, place), (3, :'commands')) AS part (number, word)
  ) AS argument
  GROUP BY datname ORDER BY datname
SQL
}

# Prints the last error of these commands, with its database.
each_problem() {
  local words
  words="$(sed -nE '/^database /h; /(ERROR|FATAL): /{ G; s/.*(ERROR|FATAL): *(.*)\n(database .*)/\3: \2/p }' "$EACH_ERROR" | tail -n 1)"
  echo "${words:-$(tail -n 1 "$EACH_ERROR")}"
}
