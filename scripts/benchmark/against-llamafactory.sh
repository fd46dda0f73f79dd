#!/usr/bin/env bash
# Runs one training job with LLaMA-Factory and with Anneal in turn, checks that both learn the same, and prints the
# ratios of speed and of peak memory.
#
# usage: scripts/benchmark/against-llamafactory.sh [OPTION ...] DATA
#   DATA             rows in alpaca's layout, such as LLaMA-Factory's own data/alpaca_en_demo.json
#   --settings LIST  of the peer, with commas between them; default: all
#                      best           no gradient checkpointing, bf16 where the processor multiplies it (elsewhere
#                                     PyTorch takes many times as long as in f32): its fastest on a CPU
#                      int8           the same, against Anneal's class of 8-bit products; left out where there is none
#                      default        f32, gradient checkpointing
#                      f32            no gradient checkpointing
#                      full           f32, no gradient checkpointing, all weights instead of LoRA
#                      preprocessing  no training: reading and tokenising all rows, nothing cached
#   --steps N        optimizer steps to time, after one that is not; default: 4
#   --rounds N       goes through the settings that often; the fastest run of each program counts; default: 1
#   --threads N      default: the number of processors
#
# The job: SmolLM2-135M-Instruct, LoRA rank 8 on all seven projections, template smollm2, rows cut at 1,024 tokens, 4
# rows x 2 accumulated a step, learning rate 1e-4 with cosine decay, rows in the order of the file, both from one
# adapter. A token is one that is in a row: the peer's padding does not count. Loading and tokenising are not timed.
# Where the peer computes in f32 without checkpointing so does Anneal; against its best setting and its default Anneal
# takes what it takes unless told otherwise (`compute: auto`).
#
# The machine must have nothing else to do. Where it has, OMP_WAIT_POLICY=PASSIVE spares the peer the worst: its threads
# then wait for each other without spinning.
#
# The first use sets LLaMA-Factory up in a virtual environment under the XDG cache folder, at the versions in
# llamafactory/requirements.txt: about 2 GB. pip must find PyTorch's build for CPUs (see PIP_EXTRA_INDEX_URL). Set
# ANNEAL to measure another program than the one that scripts/build makes. Everything measured is kept as JSON in
# .build/benchmark/against-llamafactory/.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../common.sh"
help_if_asked "$@"

settings=best,int8,default,f32,full,preprocessing
steps=4
rounds=1
threads=$(nproc)
data=
while [[ $# -gt 0 ]]; do
  case $1 in
  --settings | --steps | --rounds | --threads)
    [[ $# -ge 2 ]] || fail 2 "$1 needs a value"
    printf -v "${1#--}" '%s' "$2"
    shift
    ;;
  -*) fail 2 "unknown option $1" ;;
  *) data=$(absolute "$1") ;;
  esac
  shift
done
[[ -n $data ]] || fail 2 "name a file of rows; see --help"
[[ -f $data ]] || fail 2 "there is no file $data"
IFS=, read -ra chosen <<<"$settings"
for setting in "${chosen[@]}"; do
  case $setting in
  best | int8 | default | f32 | full | preprocessing) ;;
  *) fail 2 "there is no setting \`$setting\`" ;;
  esac
done
for number in "$steps" "$rounds" "$threads"; do
  [[ $number =~ ^[1-9][0-9]*$ ]] || fail 2 "\`$number\` is not a whole number above 0"
done

anneal=${ANNEAL:-}
if [[ -z $anneal ]]; then anneal=$(scripts/build); else anneal=$(absolute "$anneal"); fi
gguf=$(scripts/get-model)
here=$root/scripts/benchmark/llamafactory
cache=${XDG_CACHE_HOME:-$HOME/.cache}/anneal-benchmark/llamafactory-0.9.5
python=$cache/venv/bin/python

# The peer refuses to load without torchaudio, which only its multimodal data uses: an empty module stands in for it.
# It also works without torchvision, which the requirements leave out for the same reason.
if [[ ! -e $cache/installed ]] || ! cmp -s "$here/requirements.txt" "$cache/installed"; then
  say "Setting up LLaMA-Factory in $cache"
  rm -rf -- "$cache/venv"
  python3 -m venv "$cache/venv"
  "$python" -m pip install --quiet --no-deps --requirement "$here/requirements.txt" >&2
  "$python" -c 'import sysconfig; open(sysconfig.get_path("purelib") + "/torchaudio.py", "w")'
  cp -- "$here/requirements.txt" "$cache/installed"
fi
export HF_HUB_OFFLINE=1 DISABLE_VERSION_CHECK=1
if [[ ! -e $cache/start/adapter ]]; then
  say "Making the model folder and the first adapter"
  rm -rf -- "$cache/start" "$cache/start.new"
  "$python" "$here/prepare.py" "$gguf" "$cache/start.new" >&2
  mv -- "$cache/start.new" "$cache/start"
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
results=$root/.build/benchmark/against-llamafactory
rm -rf -- "$results"
mkdir -p -- "$results" "$work/peer"
printf '{"job": {"file_name": "%s"}}\n' "$data" >"$work/peer/dataset_info.json"
system='You are a helpful AI assistant named SmolLM, trained by Hugging Face'

# The peer's configuration of a setting.
peer_configuration() {
  cat <<END
model_name_or_path: $cache/start/model
stage: sft
do_train: true
dataset_dir: $work/peer
dataset: job
template: smollm2
default_system: $system
cutoff_len: 1024
preprocessing_num_workers: 1
per_device_train_batch_size: 4
gradient_accumulation_steps: 2
learning_rate: 1.0e-4
lr_scheduler_type: cosine
max_steps: $((steps + 1))
disable_shuffling: true
use_cpu: true
logging_steps: 1
save_strategy: "no"
report_to: none
output_dir: $work/peer/output
END
  if [[ $1 != full ]]; then
    printf 'finetuning_type: lora\nadapter_name_or_path: %s\n' "$cache/start/adapter"
  else
    printf 'finetuning_type: full\n'
  fi
  if [[ $1 != default ]]; then echo 'disable_gradient_checkpointing: true'; fi
  if [[ $1 == best || $1 == int8 ]] && grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then echo 'bf16: true'; fi
}

# The same job as a pipeline.
pipeline() {
  local compute=f32 model=adapter
  case $1 in best | default) compute=auto ;; int8) compute=int8 ;; full) model=base ;; esac
  cat <<END
pipeline: job
nodes:
  tokenizer: {type: load_tokenizer, from: $cache/start/model}
  rows: {type: load_dataset, from: "$data", format: alpaca}
  chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
  tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 1024, overlong: truncate}
  base: {type: load_model, from: $cache/start/model, compute: $compute}
END
  if [[ $model == adapter ]]; then
    echo "  adapter: {type: attach_adapter, model: base, from: $cache/start/adapter}"
  fi
  cat <<END
  tuned:
    type: train
    model: $model
    data: tokens.train
    max_steps: $((steps + 1))
    batch_size: 8
    learning_rate: 1.0e-4
    schedule: {type: cosine}
    shuffle: false
    threads: $threads
outputs: [tuned.metrics]
END
}

# Runs a command of the peer; its output goes to a log, which is shown when it fails.
peer() {
  OMP_NUM_THREADS=$threads "$python" "$@" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    fail 1 'LLaMA-Factory failed'
  }
}

# Runs a node of a pipeline in a store, and keeps what the run was.
ours() (
  cd -- "$work/ours"
  export ANNEAL_STORE=$3
  "$anneal" run "$1" "$2" --force "$2" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    fail 1 'Anneal failed'
  }
  "$anneal" show --json >"$work/show.json"
)

# One setting, first the peer, then Anneal.
measure() {
  local setting=$1 name=$results/$1.$2
  rm -rf -- "$work/peer/output"
  mkdir -p -- "$work/ours"
  peer_configuration "$setting" >"$work/peer/$setting.yaml"
  pipeline "$setting" >"$work/ours/$setting.yaml"
  say "round $2, $setting: LLaMA-Factory"
  if [[ $setting == preprocessing ]]; then
    rm -rf -- "$work/peer/fresh" "$work/fresh"
    HF_DATASETS_CACHE=$work/peer/fresh peer "$here/preprocess.py" "$work/peer/$setting.yaml" "$name.peer.json"
    say "round $2, $setting: Anneal"
    ours "$setting.yaml" tokens "$work/fresh"
    "$python" "$here/ours.py" "$name.ours.json" "$work/show.json"
  else
    HF_DATASETS_CACHE=$work/peer/cache peer "$here/train.py" "$work/peer/$setting.yaml" "$name.peer.json"
    say "round $2, $setting: Anneal"
    ours "$setting.yaml" tuned "$work/store"
    "$python" "$here/ours.py" "$name.ours.json" "$work/show.json" "$work/ours/results/job/tuned/metrics.jsonl"
  fi
}

if [[ " ${chosen[*]} " == *' int8 '* ]] && ! "$anneal" env | grep -q '^compute available.*int8'; then
  say 'int8: left out, this processor lacks what that takes'
  for index in "${!chosen[@]}"; do [[ ${chosen[index]} != int8 ]] || unset "chosen[$index]"; done
fi
for ((round = 1; round <= rounds; round++)); do
  for setting in "${chosen[@]}"; do measure "$setting" "$round"; done
done
"$python" "$here/compare.py" "$results"
