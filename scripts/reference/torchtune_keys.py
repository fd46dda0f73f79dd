"""Writes the keys and components of torchtune's own configurations to a fixture.

    git clone https://github.com/pytorch/torchtune && git -C torchtune checkout bd2a0fc7c31430972728494fa01aaeeb0ebf1ba1
    pip install pyyaml==6.0.3
    python scripts/reference/torchtune_keys.py torchtune

`Tests/Fixtures/Recipes/torchtune_keys.json` holds every key that a file in `recipes/configs` has, maps within maps with dots, and every
`_component_` by the key it stands at. Models that see, and configurations of torchtune's developers, are left out.
"""

import json
import pathlib
import subprocess
import sys

import yaml

FIXTURE = pathlib.Path(__file__).parents[2] / "Tests/Fixtures/Recipes/torchtune_keys.json"
# What stands below is a value and no key.
VALUES = ["checkpointer.checkpoint_files", "teacher_checkpointer.checkpoint_files", "prompt"]


def main():
    root = pathlib.Path(sys.argv[1])
    keys, components = set(), {}

    def visit(value, path):
        if not isinstance(value, dict) or path in VALUES:
            return
        for key, inner in value.items():
            name = f"{path}.{key}" if path else key
            keys.add(name)
            if key == "_component_":
                components.setdefault(path, set()).add(inner)
            visit(inner, name)

    for path in sorted((root / "recipes/configs").rglob("*.yaml")):
        if any(part in ("dev", "llama3_2_vision") for part in path.parts):
            continue
        visit(yaml.safe_load(path.read_text(encoding="utf-8")), "")
    commit = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, check=True, text=True)
    made = {
        "made_with": {"torchtune": commit.stdout.strip()},
        "keys": sorted(keys),
        "components": {path: sorted(names) for path, names in sorted(components.items())},
    }
    FIXTURE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
