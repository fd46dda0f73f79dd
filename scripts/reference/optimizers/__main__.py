# Makes: Tests/Fixtures/Optimizers/<name>.json: values of some tensors after 1, 2, 5 and 20 steps of an optimizer, by
#        the implementation that its authors, or the libraries people train with, ship.
# With:  requirements.txt of this folder and of the one above.
# Run:   python scripts/reference/optimizers [name ...]     all of them by default
#
# common.py says which tensors, gradients and rates; each other file has a table `FIXTURES` of names and functions.
import importlib
import sys
from pathlib import Path

import common


def fixtures():
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in ("__main__", "common"):
            found.update(getattr(importlib.import_module(path.stem), "FIXTURES", {}))
    return found


def main(arguments):
    known = fixtures()
    for name in arguments or known:
        known[name](name)
        print(name, (common.OUT / f"{name}.json").stat().st_size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
