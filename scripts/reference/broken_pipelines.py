# Writes into Tests/Fixtures/BrokenPipelines/*.txt what Python's jsonschema says about each case under `anneal schema`:
# `schema: refuses`, or `schema: passes, REASON`. The reason of a case that passes is a person's word and stays as it is;
# a case that newly passes gets a `?`, which the tests refuse. The messages are the program's: ANNEAL_RECORD=1 and
# BrokenPipelineTests write those.
# Pinned: jsonschema==4.25.1, pyyaml==6.0.3. Run from the root: python scripts/reference/broken_pipelines.py
import json
import os
import pathlib
import subprocess

import yaml
from jsonschema import Draft202012Validator

from pipeline_core import Core

FOLDER = pathlib.Path("Tests/Fixtures/BrokenPipelines")


def schema(*options):
    program = os.environ.get("ANNEAL", ".build/release/anneal")
    schema = json.loads(subprocess.check_output([program, "schema", *options]))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


pipelines, recipes = schema(), schema("--recipe")


def passes(text):
    try:
        value = yaml.load(text, Core)
        return (recipes if isinstance(value, dict) and "recipe" in value else pipelines).is_valid(value)
    except yaml.YAMLError:
        return False


for path in sorted(FOLDER.glob("*.txt")):
    pieces = path.read_text().split("\n=== ")
    for place, piece in enumerate(pieces):
        lines = piece.split("\n")
        start = lines.index("--- pipeline.yaml") + 1
        length = next(at for at, line in enumerate(lines[start:]) if line.startswith("--- "))
        text = "".join(line + "\n" for line in lines[start : start + length])
        reason = lines[1].removeprefix("schema: passes, ") if "passes" in lines[1] else "?"
        lines[1] = f"schema: passes, {reason}" if passes(text) else "schema: refuses"
        pieces[place] = "\n".join(lines)
    path.write_text("\n=== ".join(pieces))
for path in sorted(list(pathlib.Path("pipelines").rglob("*.yaml")) + list(pathlib.Path("examples").rglob("*.yaml"))):
    assert passes(path.read_text()), path
