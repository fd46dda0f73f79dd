#!/usr/bin/env bash
# Encodes the same texts with HF's `tokenizers` and with Anneal in turn, checks that the ids are the same, and prints the
# ratio of speed.
#
# usage: scripts/benchmark/against-tokenizers.sh [OPTION ...] TEXT ...
#   TEXT                UTF-8 files; each is encoded as one text by one thread, and then line by line by all threads
#   --tokenizer FOLDER  with a tokenizer.json; default: the one of the model that scripts/get-model fetches
#   --threads N         for the lines; default: the number of processors
#   --rounds N          each program's median counts; default: 5
#
# Every time is that of the first pass of a fresh process, so no word is known beforehand, without loading the tokenizer.
# The first use makes a virtual environment under the XDG cache folder, at the version in tokenizers/requirements.txt. Set
# ANNEAL to measure another program than the one that scripts/build makes.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../common.sh"
help_if_asked "$@"

threads=$(nproc)
rounds=5
tokenizer=
texts=()
while [[ $# -gt 0 ]]; do
  case $1 in
  --threads | --rounds | --tokenizer)
    [[ $# -ge 2 ]] || fail 2 "$1 needs a value"
    printf -v "${1#--}" '%s' "$2"
    shift
    ;;
  -*) fail 2 "unknown option $1" ;;
  *) texts+=("$(absolute "$1")") ;;
  esac
  shift
done
[[ ${#texts[@]} -gt 0 ]] || fail 2 "name a text; see --help"
for text in "${texts[@]}"; do [[ -f $text ]] || fail 2 "there is no file $text"; done
for number in "$threads" "$rounds"; do
  [[ $number =~ ^[1-9][0-9]*$ ]] || fail 2 "\`$number\` is not a whole number above 0"
done

anneal=${ANNEAL:-}
if [[ -z $anneal ]]; then anneal=$(scripts/build); else anneal=$(absolute "$anneal"); fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
if [[ -n $tokenizer ]]; then
  tokenizer=$(absolute "$tokenizer")
else
  # The node writes tokenizer.json as HF's library reads it.
  printf 'pipeline: peer\nnodes:\n  tokenizer: {type: load_tokenizer, from: "%s"}\noutputs: [tokenizer]\n' \
    "$(scripts/get-model)" >"$work/peer.yaml"
  (cd -- "$work" && ANNEAL_STORE=$work/store "$anneal" run peer.yaml >&2)
  tokenizer=$work/results/peer/tokenizer
fi
[[ -f $tokenizer/tokenizer.json ]] || fail 2 "there is no tokenizer.json in $tokenizer"

here=$root/scripts/benchmark/tokenizers
cache=${XDG_CACHE_HOME:-$HOME/.cache}/anneal-benchmark/tokenizers
python=$cache/venv/bin/python
if ! cmp -s "$here/requirements.txt" "$cache/installed"; then
  say "Setting up tokenizers in $cache"
  rm -rf -- "$cache"
  python3 -m venv "$cache/venv"
  "$python" -m pip install --quiet --requirement "$here/requirements.txt" >&2
  cp -- "$here/requirements.txt" "$cache/installed"
fi
export RAYON_NUM_THREADS=$threads
"$python" "$here/compare.py" "$anneal" "$tokenizer" "$threads" "$rounds" "${texts[@]}"
