# How editors read YAML: for pipeline_schema.py and broken_pipelines.py.
# Pinned: pyyaml==6.0.3.
import re

import yaml


class Core(yaml.SafeLoader):
    """Reads plain scalars by YAML 1.2's core schema, as editors do, and refuses duplicate keys."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise yaml.YAMLError("a key that is no text")
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError("duplicate key")
        # Keys are texts, whatever they look like, as in JSON.
        for key, _ in node.value:
            key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


def resolver(tag, pattern, first):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), first)


def integer(loader, node):
    return int(node.value, 0) if node.value[:2] in ("0x", "0o") else int(node.value)


resolver("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""])
resolver("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF"))
resolver("int", r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789"))
resolver("float", r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$", list("-+.0123456789"))
Core.add_constructor("tag:yaml.org,2002:int", integer)
Core.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))
