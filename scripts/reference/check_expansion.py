# Checks: models of every family that `expand_model` gave more blocks, by loading them in transformers beside their bases:
#         every tensor must be used, none newly initialised, and the logits must be the base's.
# With:   requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2).
# Run:    python scripts/reference/check_expansion.py ANNEAL [variant ...]      ANNEAL is the program
#
# The tiny models are those of families/. Exits 1 when anything is wrong; a variant that Anneal refuses is told.
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(Path(__file__).parent / "families"))
import common  # noqa: E402

IDS = [(7 * t + 3) % 36 for t in range(30)]


def variants():
    found = {}
    for path in sorted((Path(__file__).parent / "families").glob("*.py")):
        if path.stem not in ("__main__", "common"):
            found.update(getattr(importlib.import_module(path.stem), "VARIANTS", {}))
    return found


def logits(folder):
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    wrong = [f"{kind}: {sorted(map(str, keys))[:3]}" for kind, keys in report.items() if keys]
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([IDS])).logits[0], wrong


def check(program, name, variant, folder):
    base = folder / "base"
    common.write_folder(variant, str(base))
    blocks = layers(json.loads((base / "config.json").read_text()))
    (folder / "p.yaml").write_text(
        "pipeline: p\nnodes:\n  base: {type: load_model, from: base, compute: f32}\n"
        "  one: {type: expand_model, model: base, blocks: 1}\n"
        f"  all: {{type: expand_model, model: base, blocks: {blocks}}}\n")
    done = subprocess.run(
        [program, "run", "p.yaml"], cwd=folder, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "ANNEAL_STORE": str(folder / "store"), "HOME": str(folder)})
    if done.returncode != 0:
        print(f"{name}: {done.stderr.strip().splitlines()[:3]}")
        return "hang on their numbers" in done.stderr
    expected, wrong = logits(base)
    fine = True
    for node in ("one", "all"):
        (path,) = (folder / "results" / "p" / node).rglob("config.json")
        found, problems = logits(path.parent)
        difference = float((found - expected).abs().max())
        problems = [p for p in problems if p not in wrong]
        if difference > 1e-5 or problems:
            fine = False
            print(f"{name}, {node}: {difference:.2g} {problems}")
    return fine


def layers(config):
    return next(config[k] for k in ("num_hidden_layers", "n_layer", "n_layers") if k in config)


def main(program, *names):
    known, bad = variants(), []
    for name in names or known:
        with tempfile.TemporaryDirectory() as folder:
            try:
                if not check(program, name, known[name], Path(folder)):
                    bad.append(name)
            except Exception as error:
                print(f"{name}: {type(error).__name__} {error}")
                bad.append(name)
    print(f"{len(names or known) - len(bad)} hold, {len(bad)} do not: {bad}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main(*sys.argv[1:])
