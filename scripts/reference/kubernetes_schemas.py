# Makes Tests/Fixtures/Clusters/kubernetes-1.33.json: the JSON Schema of Kubernetes 1.33 for batch/v1 Job and v1 ConfigMap,
# where unknown members are refused, with all that they refer to and without their descriptions; and kubernetes-verdicts.json:
# what kubernetes-validate says of a corpus of Jobs.
# Pinned: kubernetes-validate==1.37.0 (jsonschema==4.26.0). Run from the root: python scripts/reference/kubernetes_schemas.py
# With folders of `anneal submit --executor kubernetes` behind it: what kubernetes-validate says of the manifests in them.
import copy
import json
import pathlib
import sys

import kubernetes_validate

VERSION = "1.33.0"
FOLDER = pathlib.Path("Tests/Fixtures/Clusters")
# Words for people, and hints for servers: nothing of them is a rule of JSON Schema here.
SILENT = {"description", "format", "default", "$id", "$schema"}


def schemas():
    root = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{VERSION}-local-strict"
    read = lambda name: json.loads((root / name).read_text())
    definitions = read("_definitions.json")["$defs"]
    needed = {}

    def clean(schema):
        if isinstance(schema, list):
            return [clean(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        result = {}
        for key, value in schema.items():
            if key == "properties":
                result[key] = {name: clean(inner) for name, inner in value.items()}
            elif key == "$ref":
                name = value.split("#/$defs/")[-1]
                if name not in needed:
                    needed[name] = None
                    needed[name] = clean(definitions[name])
                result[key] = "#/$defs/" + name
            elif key not in SILENT and not key.startswith("x-"):
                result[key] = clean(value)
        return result

    kinds = {"Job": clean(read("job-batch-v1.json")), "ConfigMap": clean(read("configmap-v1.json"))}
    return {"kubernetes": VERSION, "kinds": kinds, "$defs": dict(sorted(needed.items()))}


JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "a", "labels": {"app": "a"}},
    "spec": {
        "backoffLimit": 3,
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onExitCodes": {"containerName": "w", "operator": "In", "values": [75]}},
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
        "template": {
            "metadata": {"annotations": {"a": "b"}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "w",
                        "image": "i",
                        "command": ["a", "b"],
                        "resources": {"requests": {"cpu": "2", "memory": "100Mi"}, "limits": {"cpu": 2}},
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                        "envFrom": [{"secretRef": {"name": "s"}}],
                    }
                ],
                "volumes": [
                    {"name": "v", "emptyDir": {}},
                    {"name": "c", "configMap": {"name": "c"}},
                    {"name": "p", "persistentVolumeClaim": {"claimName": "p"}},
                ],
            },
        },
    },
}
# A path and what stands there instead; "-" for nothing.
CHANGES = [
    ("spec", "-"), ("spec.template", "-"), ("spec.template.spec.containers", "-"), ("spec.template.spec.containers", []),
    ("spec.template.spec.containers", {}), ("spec.backoffLimit", "3"), ("spec.backoffLimit", 3.5), ("spec.backoffLimits", 3),
    ("spec.template.spec.restartPolicy", 1), ("spec.template.spec.restart", "Never"), ("kind", "Jobs"),
    ("apiVersion", "batch/v2"), ("metadata.labels.app", 1), ("metadata.labels", []), ("metadata.colour", "red"),
    ("spec.podFailurePolicy.rules", "-"), ("spec.podFailurePolicy.rules.0.action", "-"),
    ("spec.podFailurePolicy.rules.0.onExitCodes.values", ["75"]), ("spec.podFailurePolicy.rules.0.onExitCodes.values", "-"),
    ("spec.podFailurePolicy.rules.0.onExitCodes.operator", "-"), ("spec.podFailurePolicy.rules.0.onExitCodes.code", 75),
    ("spec.podFailurePolicy.rules.1.onPodConditions.0.type", "-"),
    ("spec.template.spec.containers.0.name", "-"), ("spec.template.spec.containers.0.image", 1),
    ("spec.template.spec.containers.0.command", "a b"), ("spec.template.spec.containers.0.command", [1]),
    ("spec.template.spec.containers.0.resources.requests.cpu", 1.5),
    ("spec.template.spec.containers.0.resources.requests.cpu", True),
    ("spec.template.spec.containers.0.resources.requests.cpu", None),
    ("spec.template.spec.containers.0.resources.request", {}),
    ("spec.template.spec.containers.0.volumeMounts.0.mountPath", "-"),
    ("spec.template.spec.containers.0.volumeMounts.0.path", "/v"),
    ("spec.template.spec.containers.0.envFrom.0.secretRef.key", "k"), ("spec.template.spec.volumes.0.name", "-"),
    ("spec.template.spec.volumes.0.emptyDir", []), ("spec.template.spec.volumes.0.emptyDir", None),
    ("spec.template.spec.volumes.2.persistentVolumeClaim.claimName", "-"), ("spec.template.spec.volumes.1.config", {}),
]


def changed(path, value):
    job = copy.deepcopy(JOB)
    *way, last = [int(word) if word.isdigit() else word for word in path.split(".")]
    place = job
    for word in way:
        place = place[word]
    if value == "-":
        del place[last]
    else:
        place[last] = value
    return job


def verdict(manifest):
    try:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
        return None
    except kubernetes_validate.ValidationError as error:
        return error.message
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message


def main():
    if sys.argv[1:]:
        paths = [path for folder in sys.argv[1:] for path in sorted(pathlib.Path(folder).glob("jobs/*.json"))]
        for path in paths:
            problem = verdict(json.loads(path.read_text()))
            print(f"{path}: {problem or 'valid'}")
            if problem:
                sys.exit(1)
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "kubernetes-1.33.json").write_text(json.dumps(schemas(), separators=(",", ":")) + "\n")
    jobs = [JOB] + [changed(path, value) for path, value in CHANGES]
    rows = [json.dumps({"passes": verdict(job) is None, "job": job}, separators=(",", ":")) for job in jobs]
    (FOLDER / "kubernetes-verdicts.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")
    print(sum(verdict(job) is None for job in jobs), "of", len(jobs), "pass")


main()
