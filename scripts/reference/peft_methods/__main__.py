# Makes: Tests/Fixtures/PEFTMethods/<case>.json: what PEFT computes with each kind of adapter on a tiny Llama, whose
#        weights and the adapter's come from a formula (patterned.py), and bases/<base>.json, the bases.
# With:  requirements.txt of the folder above (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1).
# Run:   python scripts/reference/peft_methods [case ...]     all of them by default
#        python scripts/reference/peft_methods --list
#
# The cases are in the tables `CASES` of the other files here; common.py says what is computed.
import importlib
import sys
from pathlib import Path

import common


def cases():
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in ("__main__", "common"):
            for name, case in getattr(importlib.import_module(path.stem), "CASES", {}).items():
                assert name not in found, name
                found[name] = case
    return found


def main(arguments):
    known = cases()
    if arguments == ["--list"]:
        print("\n".join(known))
        return
    for base in common.BASES:
        common.base_fixture(base)
    for name in arguments or known:
        case = known[name]
        case(name) if callable(case) else common.fixture(name, case)
        print(name, (common.OUT / f"{name}.json").stat().st_size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
