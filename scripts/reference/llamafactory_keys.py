"""Writes the keys of LLaMA-Factory's five classes of arguments, with their defaults, to a fixture.

    pip install llamafactory==0.9.4
    DISABLE_VERSION_CHECK=1 python scripts/reference/llamafactory_keys.py

`Tests/Fixtures/Recipes/llamafactory_keys.json` holds for each class a map from key to default, in the order of the declarations.
Names of templates, of schedules and of optimizers go along: those that a file may name.
"""

import dataclasses
import enum
import json
import pathlib

import transformers
from llamafactory.data.template import TEMPLATES
from llamafactory.hparams.parser import _TRAIN_ARGS
from transformers.trainer_utils import SchedulerType

FIXTURE = pathlib.Path(__file__).parents[2] / "Tests/Fixtures/Recipes/llamafactory_keys.json"


def default(field):
    """The default of a field as JSON has it; classes of choices by their value."""
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    return value.value if isinstance(value, enum.Enum) else value


def main():
    classes = {
        arguments.__name__: {field.name: default(field) for field in dataclasses.fields(arguments) if field.init}
        for arguments in _TRAIN_ARGS
    }
    made = {
        "made_with": {
            "llamafactory": "0.9.4",
            "transformers": transformers.__version__,
        },
        "classes": classes,
        "templates": sorted(TEMPLATES),
        "schedules": sorted(kind.value for kind in SchedulerType),
    }
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
