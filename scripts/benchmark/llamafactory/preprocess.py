# Times how long LLaMA-Factory takes to read, convert and tokenise a dataset, with nothing in its cache.
# Run:      HF_DATASETS_CACHE=<an empty folder> python preprocess.py CONFIG.yaml OUT.json
#
# Starting Python and loading the tokenizer are not timed.
import json
import sys
import time
from pathlib import Path

import yaml
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer


def main():
    model_args, data_args, training_args, _, _ = get_train_args(yaml.safe_load(Path(sys.argv[1]).read_text()))
    module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
    begin = time.perf_counter(), time.process_time()
    dataset = get_dataset(template, model_args, data_args, training_args, stage="sft", **module)["train_dataset"]
    end = time.perf_counter(), time.process_time()
    Path(sys.argv[2]).write_text(json.dumps({
        "seconds": end[0] - begin[0], "cpu_seconds": end[1] - begin[1], "rows": len(dataset),
        "tokens": sum(len(ids) for ids in dataset["input_ids"])}, indent=1) + "\n")


if __name__ == "__main__":
    main()
