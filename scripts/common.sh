# shellcheck shell=bash
# What the scripts share. Source it after `set -euo pipefail`; it changes to the root of the repository.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# The folder a script was called from, for paths that the user gives.
# shellcheck disable=SC2034
called_from=$PWD
cd -- "$root" || exit

say() { printf '%s\n' "$*" >&2; }

fail() {
  local status=$1
  shift
  say "$(basename -- "$0"): $*"
  exit "$status"
}

# Prints the comment at the head of the script and ends it when its first argument asks for help.
help_if_asked() {
  case ${1-} in -h | --help) ;; *) return 0 ;; esac
  awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$(absolute "$0")"
  exit 0
}

# A path that the user gave relative to where the script was called.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$called_from/$1" ;; esac; }

# Runs `swift build` with the given arguments. On a terminal its own progress shows; elsewhere a line every tenth.
swift_build() {
  if [[ -t 2 ]]; then
    swift build "$@" >&2
  else
    swift build "$@" 2>&1 | awk '
      match($0, /^\[[0-9]+\/[0-9]+\] /) && !/error|warning/ {
        split(substr($0, 2, RLENGTH - 3), n, "/")
        tenth = int(10 * n[1] / n[2])
        if (tenth != last) { print; fflush() }
        last = tenth
        next
      }
      { print; fflush() }' >&2
  fi
}
