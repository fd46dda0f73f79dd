# Makes: Tests/Fixtures/Stages/<stage>.json: for each stage of training its losses in closed form (inputs, loss of each
#        example, loss, gradients) and ten steps of the tiny `gqa` Llama (loss, gradient norm and measures of each).
# With:  requirements.txt of the folder above (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1, trl 0.24.0), and what
#        training.py and dpo.py make: rows.json, pairs.json and the PEFT folder `adapter` of Tests/Fixtures/Training.
# Run:   python scripts/reference/stages [stage ...]            all of them by default
#
# One module a stage; common.py says how the files are laid out and how steps are taken. Each run is done twice, in
# float32 (what is written) and with float64 weights, and how far the two are apart is printed: what a test may ask for.
import importlib
import sys

import common

STAGES = ["sft", "neftune", "pt", "rm", "dpo", "orpo", "cpo", "kto", "bco", "grpo", "rloo", "distillation", "ppo",
          "rewards"]


def main(arguments):
    for name in arguments or STAGES:
        module = importlib.import_module(name)
        fixture = {"values": module.values(), **module.data()}
        fixture["runs"] = [common.checked(name, *run) for run in module.runs()]
        print(name, common.write(name, fixture), "bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
