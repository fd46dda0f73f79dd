# Makes: Tests/Fixtures/Families/<variant>.json: a tiny model of a family, whose weights come from a formula, and what
#        transformers computes with it: logits, loss, gradient norms, greedy tokens, loss and gradient norms of LoRA.
# With:  requirements.txt of the folder above (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1, gguf 0.19.0).
# Run:   python scripts/reference/families [variant ...]            all of them by default
#        python scripts/reference/families --folder VARIANT DIR    writes the model as a Hugging Face folder
#        python scripts/reference/families --list
#
# The variants are in the tables `VARIANTS` of the other files here; common.py says what is computed.
import importlib
import sys
from pathlib import Path

import common


def variants():
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in ("__main__", "common"):
            for name, variant in getattr(importlib.import_module(path.stem), "VARIANTS", {}).items():
                assert name not in found, name
                found[name] = variant
    return found


def main(arguments):
    known = variants()
    if arguments == ["--list"]:
        print("\n".join(known))
    elif arguments[:1] == ["--folder"]:
        _, name, folder = arguments
        common.write_folder(known[name], folder)
    else:
        for name in arguments or known:
            common.fixture(name, known[name])
            print(name, (common.OUT / f"{name}.json").stat().st_size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
