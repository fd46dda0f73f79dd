"""Writes the keys of Axolotl's configuration, with their defaults, to a fixture.

    git clone https://github.com/axolotl-ai-cloud/axolotl && git -C axolotl checkout 067b021c8b87a9e5e380b9173c704cf7340e30f5
    python scripts/reference/axolotl_keys.py axolotl

`Tests/Fixtures/Recipes/axolotl_keys.json` holds for each class that `AxolotlInputConfig` is made of a map from key to default, in the
order of the declarations, as a file names them; for datasets the keys of each kind. The sources are parsed and never run, so that
neither PyTorch nor a GPU is needed.
"""

import ast
import json
import pathlib
import subprocess
import sys

FIXTURE = pathlib.Path(__file__).parents[2] / "Tests/Fixtures/Recipes/axolotl_keys.json"
DATASETS = ["SFTDataset", "PretrainingDataset", "DPODataset", "KTODataset", "StepwiseSupervisedDataset"]


def declarations(root):
    """Every class of the schemas, by its name."""
    return {
        node.name: node
        for path in sorted((root / "src/axolotl/utils/schemas").glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }


def default(value):
    """The default of a declaration; what is no constant is null."""
    if isinstance(value, ast.Call):
        named = {word.arg: word.value for word in value.keywords}
        value = named.get("default") or (value.args[0] if value.args else None)
    try:
        found = ast.literal_eval(value) if value is not None else None
    except ValueError:
        # A member of an enumeration: its value is its name here.
        found = value.attr.lower() if isinstance(value, ast.Attribute) and "OptimizerNames" in ast.unparse(value) else None
    return None if found is Ellipsis else found


def name(field):
    """What a file calls a field: its alias where it has one."""
    if isinstance(field.value, ast.Call):
        for word in field.value.keywords:
            if word.arg == "alias":
                return ast.literal_eval(word.value)
    return field.target.id


def fields(node):
    """The fields of one class."""
    return {
        name(field): default(field.value)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def main():
    root = pathlib.Path(sys.argv[1])
    classes = declarations(root)
    order = []

    def visit(title):
        if title in classes and title not in order:
            order.append(title)
            for base in classes[title].bases:
                visit(ast.unparse(base))

    visit("AxolotlInputConfig")
    commit = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, check=True, text=True)
    made = {
        "made_with": {"axolotl": commit.stdout.strip()},
        "classes": {title: fields(classes[title]) for title in order if fields(classes[title])},
        "special_tokens": fields(classes["SpecialTokensConfig"]),
        "datasets": {title: list(fields(classes[title])) for title in DATASETS},
        "chat_templates": [
            ast.literal_eval(member.value) for member in classes["ChatTemplate"].body if isinstance(member, ast.Assign)
        ],
    }
    FIXTURE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
