# Makes: nothing. Checks what `report_to: [tensorboard, trainer_state]` wrote: TensorBoard's own loader reads the numbers of
#        metrics.jsonl from the event file, and transformers loads trainer_state.json.
# With:  requirements.txt of this folder (transformers 5.6.2), and tensorboard 2.20 (it needs no TensorFlow).
# Run:   python scripts/reference/check_training_reports.py results/PIPELINE/NODE/metrics
import json
import pathlib
import struct
import sys

from tensorboard.backend.event_processing import event_file_loader
from transformers.trainer_callback import TrainerState


def tag(name):
    return "eval/" + name[5:] if name.startswith("eval_") else "train/" + name


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def main(folder):
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    wanted = [(r["step"], tag(k), float32(v)) for r in records for k, v in r.items() if k not in ("step", "epoch")]
    found, times = [], []
    for path in sorted(folder.glob("tensorboard/*tfevents*")):
        # The raw loader checks both checksums of every record; the event loader gives scalars as tensors.
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            times.append(event.wall_time)
            found += [(event.step, v.tag, v.simple_value) for v in event.summary.value]
    assert found == wanted, (found[:5], wanted[:5])
    assert times == sorted(times)
    state = TrainerState.load_from_json(str(folder / "trainer_state.json"))
    assert len(state.log_history) == len(records) and state.global_step == max(r["step"] for r in records)
    losses = [(entry["step"], entry["loss"]) for entry in state.log_history if "loss" in entry]
    assert losses == [(r["step"], r["loss"]) for r in records if "loss" in r]
    print(f"{len(found)} scalars of {len(records)} records agree; last time {times[-1]:.0f}, epoch {state.epoch}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
