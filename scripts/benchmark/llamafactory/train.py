# Trains with LLaMA-Factory and writes down what each step cost.
# Run:      python train.py CONFIG.yaml OUT.json
#
# The trainer is LLaMA-Factory's own (`run_exp`, what `llamafactory-cli train` calls) with a callback beside it that
# reads the clock and the logs. A step ends when its optimizer step has; the first one begins when training does, so
# that loading and tokenising are outside. The sampler is sequential: step n takes rows n × batch onwards. Its tokens
# are counted without padding; positions are what the batches are made of, padded to the longest row of each.
import json
import resource
import sys
import time
from pathlib import Path

import yaml
from llamafactory.train.tuner import run_exp
from transformers import TrainerCallback

IGNORED = -100


class Steps(TrainerCallback):
    def __init__(self):
        self.clocks, self.logs, self.rows = [], [], []

    def on_train_begin(self, args, state, control, train_dataloader=None, **kwargs):
        dataset, count = train_dataloader.dataset, self.rows_a_step(args) * state.max_steps
        self.rows = [(len(row["input_ids"]), sum(label != IGNORED for label in row["labels"]))
                     for row in dataset.select(range(min(count, len(dataset))))]
        self.read_clocks()

    def on_step_end(self, args, state, control, **kwargs):
        self.read_clocks()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.logs.append(logs)

    def read_clocks(self):
        """Wall clock, and processor time of all threads."""
        self.clocks.append((time.perf_counter(), time.process_time()))

    @staticmethod
    def rows_a_step(args):
        return args.per_device_train_batch_size * args.gradient_accumulation_steps

    def steps(self, batch, accumulation):
        steps = []
        for number, (begin, end, log) in enumerate(zip(self.clocks[:-1], self.clocks[1:], self.logs, strict=True)):
            first = number * batch * accumulation
            rows = self.rows[first : first + batch * accumulation]
            batches = [rows[at : at + batch] for at in range(0, len(rows), batch)]
            steps.append({
                "loss": float(log["loss"]), "grad_norm": float(log["grad_norm"]), "seconds": end[0] - begin[0],
                "cpu_seconds": end[1] - begin[1],
                "tokens": sum(length for length, _ in rows), "label_tokens": sum(labels for _, labels in rows),
                "positions": sum(len(rows) * max(-(-length // 8) * 8 for length, _ in rows) for rows in batches)})
        return steps


def main():
    config, out = yaml.safe_load(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    callback = Steps()
    run_exp(config, callbacks=[callback])
    out.write_text(json.dumps({
        "steps": callback.steps(config["per_device_train_batch_size"], config["gradient_accumulation_steps"]),
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}, indent=1) + "\n")


if __name__ == "__main__":
    main()
