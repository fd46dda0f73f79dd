# Makes Tests/Fixtures/Pipeline/schema-verdicts.json and choice-verdicts.json: what Python's jsonschema says about a corpus
# of pipeline files under Tests/Fixtures/Pipeline/toy-schema.json and choice-schema.json (the schemas of the node types in
# Tests/PipelineTests, which a test compares with the generated ones).
# Pinned: jsonschema==4.25.1, pyyaml==6.0.3. Run from the root: python scripts/reference/pipeline_schema.py
import json

import yaml
from jsonschema import Draft202012Validator

from pipeline_core import Core

FOLDER = "Tests/Fixtures/Pipeline/"

GOOD = """pipeline: sft
params: {lr: 1e-4, steps: 5}
nodes:
  base: {type: load_model, from: weights.gguf}
  rows: {type: load_dataset, from: rows.jsonl}
  chat: {type: apply_template, dataset: rows}
  tokens: {type: tokenize, conversations: chat}
  sft: {type: train, model: base, data: tokens.train, learning_rate: 1e-4%s}
"""
FIELDS = """
rank: 8|rank: 0x10|rank: 1e3|rank: 4.0|rank: 1.5|rank: "8"|rank: 1_000|rank: many|rank: 0|rank: 4096|rank: 4097
rank: null|rank: true|rank: [8]|max_steps: null|max_steps: 7|max_steps: "${steps}"|rank: "${steps}"
shuffle: true|shuffle: False|shuffle: no|shuffle: "true"|shuffle: 1|shuffle: off|shuffle: null
beta: 0|beta: .5|beta: 1e-5|beta: -1|beta: .nan|beta: .inf|beta: "0.1"|beta: text
notes: no|notes: 12|notes: true|notes: null|notes: "12"|notes: [a]|notes: {a: b}|notes: ${x
targets: q|targets: [q, k]|targets: []|targets: {a: b}|targets: [a, [b]]|targets: null|targets: 12|targets: [1, 2.5]
schedule: {type: cosine}|schedule: {type: cosin}|schedule: {}|schedule: cosine|schedule: {typ: cosine}
schedule: {warmup_ratio: 1}|schedule: {warmup_ratio: 1.5}|schedule: [a]|schedule: null
timeout: 90|timeout: 15m|timeout: 1.5h|timeout: soon|timeout: 0|timeout: -5|timeout: null|timeout: "90"
memory: 8GB|memory: 512MiB|memory: 8 GB|memory: 8 elephants|memory: 1024|retries: 3|retries: 101|retries: -1
reference: base|reference: null|reference: [base]|reference: {a: b}|colour: red|learning_rat: 1|threads: 2|threads: 0
"""
WHOLE = [
    "pipeline: sft\n",
    "nodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {}\n",
    "pipeline: sft\nnodes: [a]\n",
    "pipeline: ../sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: 1.5\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nnods: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {a.b: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset}}\n",
    "pipeline: sft\nnodes: {rows: {from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {rows: {type: load_datasets, from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: \"\"}}\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl, from: more.jsonl}}\n",
    "pipeline: sft\nnodes: {rows: load_dataset}\n",
    "pipeline: sft\nparams: {a: {b: c}}\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nparams: {a: [1, b]}\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nparams:\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\noutputs: [rows]\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\noutputs: rows\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\noutputs: []\n",
    "pipeline: sft\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\noutputs: {a: b}\n",
    "pipeline: sft\nnodes: {r: {type: load_dataset, from: rows.jsonl}, m: {type: mix, datasets: [r]}}\n",
    "pipeline: sft\nnodes: {r: {type: load_dataset, from: rows.jsonl}, m: {type: mix, datasets: r}}\n",
    "pipeline: sft\nnodes: {r: {type: load_dataset, from: rows.jsonl}, m: {type: mix, datasets: []}}\n",
    "pipeline: sft\nnodes: {r: {type: load_dataset, from: rows.jsonl}, m: {type: mix, datasets: [r], weights: [1, 0]}}\n",
    "pipeline: sft\nnodes: {r: {type: load_dataset, from: rows.jsonl}, m: {type: mix}}\n",
] + [
    "pipeline: sft\nparams: {a: rows.jsonl, seed: 0}\nmatrix: %s\nnodes:\n  rows: {type: load_dataset, from: '${a}'}\n"
    "  m: {type: mix, datasets: [rows], weights: [%s]}\n" % (matrix, "'${seed}'" if "seed" in matrix else "1")
    for matrix in [
        "", "null", "{}", "[]", "{grid: {a: [rows.jsonl, more.jsonl]}}", "{grid: {a: []}}", "{grid: {a: rows.jsonl}}",
        "{grid: {}}", "{grid: [a]}", "{list: [{a: rows.jsonl}, {a: more.jsonl}]}", "{list: []}", "{list: [a]}",
        "{list: {a: b}}", "{seeds: 2}", "{seeds: [1, 5]}", "{seeds: 0}", "{seeds: many}", "{seeds: []}",
        "{a: [rows.jsonl]}", "{grid: {a: [rows.jsonl, more.jsonl]}, except: [{a: more.jsonl}]}",
        "{grid: {a: [rows.jsonl, more.jsonl]}, except: {a: more.jsonl}}", "{seeds: 2, except: []}",
        "{grid: {a: [rows.jsonl]}, seeds: 2}",
    ]
]

WHOLE += [
    "pipeline: sft\ngroups: %s\nnodes:\n  a: %s\n" % (group, call)
    for group, call in [
        ("{g: {nodes: {r: {type: load_dataset, from: rows.jsonl}}}}", "{group: g}"),
        ("{g: {nodes: {r: {type: load_dataset}}}}", "{group: g}"),
        ("{g: {nodes: {}}}", "{group: g}"),
        ("{g: {}}", "{group: g}"),
        ("{g: {params: {f: rows.jsonl}, nodes: {r: {type: load_dataset, from: '${f}'}}}}", "{group: g}"),
        ("{g: {params: {f: rows.jsonl}, nodes: {r: {type: load_dataset, from: '${f}'}}}}", "{group: g, f: more.jsonl}"),
        ("{g: {params: {f: null}, nodes: {r: {type: load_dataset, from: '${f}'}}}}", "{group: g, f: {a: b}}"),
        ("{g: {node: {r: {type: load_dataset, from: rows.jsonl}}}}", "{group: g}"),
        ("{g: {nodes: {r: {type: load_dataset, from: rows.jsonl}}, outputs: [r]}}", "{group: g}"),
        ("{g: {nodes: {r: {type: load_dataset, from: rows.jsonl}}, outputs: []}}", "{group: g}"),
        ("{g: [a]}", "{group: g}"),
        ("[g]", "{group: g}"),
        ("null", "{type: load_dataset, from: rows.jsonl}"),
        ("{g: {nodes: {r: {type: load_dataset, from: rows.jsonl}}}}", "{group: [g]}"),
        ("{g: {nodes: {r: {type: load_dataset, from: rows.jsonl}}}}", "{group: ''}"),
    ]
] + [
    "pipeline: sft\n%s\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n" % line
    for line in ["extends: null", "extends: [a]", "extends: {a: b}", "include: null", "include: []", "include: {a: b}"]
]


CHOICE = """pipeline: tune
params: {stage: dpo}
nodes:
  base: {type: base}
  tuned: {type: tune, model: base%s}
"""
# Fields that hang on the values of others.
CHOICES = """
stage: sft|stage: cdpo|stage: simpo|stage: dpo|stage: simp|stage: null|rank: 4|from: a|from: null|from: a, rank: 8
from: null, rank: 8|from: a, rank: null|beta: 0.1|stage: sft, beta: 0.1|stage: cdpo, beta: 0.1|stage: simpo, beta: 0.1
stage: simpo, beta: 2|stage: cdpo, beta: 0|stage: simpo, gamma: 1|stage: cdpo, gamma: 1|gamma: 1|stage: simp, beta: 1
stage: cdpo, loss: hinge|stage: cdpo, loss: hinge, margin: 1|stage: cdpo, loss: hinge, margin: -1|loss: hinge, margin: 1
stage: cdpo, loss: hinge, margin: null|stage: cdpo, loss: sigmoid, margin: 1|stage: cdpo, margin: 1|stage: cdpo, loss: hing
stage: simpo, loss: hinge, margin: 1|stage: cdpo, loss: hinge, margin: 1, gamma: 1|margin: null|stage: cdpo, margin: null
reference: base|reference: null|stage: dpo, reference: base|stage: dpo, reference: null|stage: cdpo, reference: null
stage: cdpo, reference: base|stage: simpo, reference: base|stage: "${stage}", reference: base
stage: "${stage}", reference: base, beta: 0.5|stage: "${stage}", reference: base, loss: hinge, margin: 1
optimizer: {}|optimizer: {type: adamw}|optimizer: {type: lion}|optimizer: {type: sgd}|optimizer: {type: sdg}
optimizer: {betas: [0.9, 0.9]}|optimizer: {type: lion, betas: [0.9, 0.9]}|optimizer: {type: sgd, betas: [0.9, 0.9]}
optimizer: {type: lion, betas: [0.9, 1.5]}|optimizer: {momentum: 0.9}|optimizer: {type: sgd, momentum: 0.9}
optimizer: {type: sgd, dampening: 0.1}|optimizer: {type: sgd, nesterov: false, dampening: 0.1}|optimizer: {dampening: 0.1}
optimizer: {type: sgd, nesterov: true, dampening: 0.1}|optimizer: {type: sgd, nesterov: true, dampening: null}
optimizer: {type: lion, nesterov: true}|optimizer: {type: sgd, nesterov: true}|optimizer: lion|colour: red
"""
GRADE = """pipeline: tune
params: {heavy: 3, kind: answer}
nodes:
  base: {type: base}
  graded: {type: grade, model: base%s}
"""
# Lists of maps.
GRADES = """
rewards: []|rewards: null|rewards: answer|rewards: {type: answer}|rewards: {type: answr}|rewards: {}|rewards: {weight: 2}
rewards: [{type: answer}]|rewards: [{type: answer}, {type: length, maximum: 5}]|rewards: [{type: length}]|rewards: [{}]
rewards: [{type: length, maximum: 0}]|rewards: [{type: answer, maximum: 5}]|rewards: [{type: length, maximum: 5, marker: x}]
rewards: [{type: answer, marker: x}]|rewards: [{type: answer, wieght: 2}]|rewards: [{type: answer}, null]|rewards: [answer]
rewards: [{type: answer, weight: heavy}]|rewards: [{type: answer, weight: "${heavy}"}]|rewards: [[{type: answer}]]
rewards: [{type: "${kind}", marker: x}]|rewards: [{type: answer, table: null}]|rewards: [{type: answer, table: rows.jsonl}]
rewards: [{type: answer, note: null}, {type: answer, note: why}]|reward: [{type: answer}]|rewards: [{type: answer, table: ""}]
"""


# Caches beside the store.
CACHES = """
/mnt/x|ro:/mnt/x|relative/place|http://a:1/b|ro:https://a|ftp://a|http://u:p@a|http://a?b|"ro:"|""|null|[]|{}|[[/mnt/x]]
[/mnt/x, "ro:http://a/b"]|[/mnt/x, ftp://a]|[{folder: /x, mode: read}, /y]|{folder: /x, mode: read}|{folder: /x}
{folder: "", mode: read}|{url: http://a, mode: read_write}|{url: a, mode: read}|{url: http://a, mode: write}|{mode: read}
{url: http://a, mode: read, colour: red}|{url: http://a, folder: b, mode: read}|{url: https://a, mode: read, bearer: $X}
{url: https://a, mode: read, bearer: X}|{url: https://a, mode: read, bearer: $X, basic: $Y}|{folder: /x, mode: read, ca: c}
{url: https://a, mode: read, headers: {A: $B}}|{url: https://a, mode: read, headers: {A: b}}|{url: https://a, mode: read, headers: []}
{url: https://a, mode: read, basic: $X, ca: c, certificate: d, key: e, name: team}|{folder: /x, mode: read, trusted_keys: [x]}
{folder: /x, mode: read_write, signing_key: me.key, trusted_keys: ["me:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}
"""


def corpus(good, fields):
    return [good % ""] + [good % (", " + field) for line in fields.split("\n") for field in line.split("|") if field]


def judge(name, texts):
    with open(FOLDER + name + "-schema.json") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    verdicts = []
    for text in texts:
        try:
            valid = validator.is_valid(yaml.load(text, Core))
        except yaml.YAMLError:
            valid = False
        verdicts.append({"text": text, "valid": valid})
    with open(FOLDER + ("schema" if name == "toy" else name) + "-verdicts.json", "w") as file:
        json.dump(verdicts, file, indent=1)
        file.write("\n")


CACHED = [GOOD % "" + "cache: " + one + "\n" for line in CACHES.split("\n") for one in line.split("|") if one]
judge("toy", corpus(GOOD, FIELDS) + WHOLE + CACHED)
judge("choice", corpus(CHOICE, CHOICES) + corpus(GRADE, GRADES))
