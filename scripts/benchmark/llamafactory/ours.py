# Brings what Anneal writes about a run to the forms that train.py and preprocess.py write for LLaMA-Factory.
# Run:      python ours.py OUT.json SHOW.json [METRICS.jsonl]
#
# SHOW.json is what `anneal show --json` prints. With METRICS.jsonl, the training's own, OUT.json tells of the node
# `tuned`: its steps, and the memory of the process it ran in. Without, it tells of the nodes that make tokens.
import json
import sys
from pathlib import Path


def training(node, metrics):
    records = [json.loads(line) for line in metrics.read_text().splitlines()]
    steps = [{"seconds": record["tokens"] / record["tokens_per_second"],
              **{key: record[key] for key in ["loss", "grad_norm", "tokens", "label_tokens"]}} for record in records]
    return {"steps": steps, "peak_bytes": node["peak_memory"]}


def preprocessing(nodes):
    counts = nodes["tokens"]["outputs"]["train"]["details"]["counts"]
    return {"seconds": sum(nodes[name]["seconds"] for name in ["rows", "chat", "tokens"]),
            "rows": counts["rows"], "tokens": counts["tokens"]}


def main():
    out, show, *metrics = map(Path, sys.argv[1:])
    nodes = {node["name"]: node for node in json.loads(show.read_text())["nodes"]}
    result = training(nodes["tuned"], metrics[0]) if metrics else preprocessing(nodes)
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
