# shellcheck shell=bash
# Sourced by the scripts of this folder: paths, and what this machine provides.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT" || exit 1
STATE="$ROOT/.local"
STACK="${STACK:-dev}"
# shellcheck disable=SC2034 # used by the scripts that source this file
STACK_FILE="${STACK//\//.}" # also for `organization/project/stack`
TARGET="${TARGET:-}"
KIND_CLUSTER=postgres-stack
# shellcheck disable=SC2034 # used by the scripts that source this file
read -ra ARGUMENTS <<<"${ARGS:-}"

say() { printf '%s\n' "$*"; }

die() { # MESSAGE...: what happened, what was left untouched, what to do
  printf 'error: %s\n' "$@" >&2
  exit 1
}

# Whether ARGS names a stack, of which pulumi would take the last one; `-s` may stand among other short options.
args_name_stack() { [[ " ${ARGS:-} " =~ \ (-[a-zA-Z]*s|--stack[\ =]) ]]; }

# The newest Node.js at hand: the machine's own from 22 on, else the one that npm installed.
use_node() {
  local major
  major="$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)"
  if ((major < 22)); then PATH="$ROOT/node_modules/.bin:$PATH"; fi
  PATH="$STATE/bin:$PATH"
  export PATH
}

# run_ts FILE [ARGUMENT...]
run_ts() { node --require ./register.js "$@"; }

cluster_answers() { kubectl --request-timeout=5s get --raw /version >/dev/null 2>&1; }
docker_answers() { docker version >/dev/null 2>&1; }

# Sets TARGET to cluster, kind or embedded, and MISSING to why it is not the preceding one.
decide_target() {
  local context
  MISSING=""
  case "$TARGET" in
    "" | cluster | embedded) ;;
    *) die "TARGET is '$TARGET'; nothing was started. It takes cluster or embedded." ;;
  esac
  context="$(kubectl config current-context 2>/dev/null || true)"
  if ! command -v kubectl >/dev/null; then
    MISSING="no kubectl"
  elif ! cluster_answers; then
    MISSING="kubectl's context '${context:-none}' does not answer"
  fi
  if [[ "$TARGET" == embedded ]]; then
    MISSING="TARGET=embedded"
  elif [[ "$context" == "kind-$KIND_CLUSTER" ]]; then
    TARGET=kind
  elif [[ -z "$MISSING" ]]; then
    TARGET=cluster
    say "Target: cluster, kubectl's context '$context'."
  elif docker_answers; then
    TARGET=kind
  elif [[ "$TARGET" == cluster ]]; then
    die "No cluster: $MISSING, and no Docker daemon to create one. Nothing was started." \
      "Point kubectl at a cluster, start Docker, or use TARGET=embedded."
  else
    TARGET=embedded
    MISSING+=", no Docker daemon"
  fi
  if [[ "$TARGET" == kind ]]; then
    say "Target: the kind cluster '$KIND_CLUSTER' in this machine's Docker."
  fi
}
