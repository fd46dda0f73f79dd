# Prints how Anneal and LLaMA-Factory compare, from the files <setting>.<round>.{peer,ours}.json that
# against-llamafactory.sh leaves in FOLDER. Exits 1 when the two did not do the same work or did not learn the same.
# Run:      python compare.py FOLDER
#
# Speed is tokens over seconds of all steps but the first, which also warms up; of several rounds the fastest counts for
# each side. Memory is the peak of resident memory of the process that trains, the lowest of the rounds.
import json
import sys
from pathlib import Path

SETTINGS = ["best", "int8", "default", "f32", "full"]
TOLERANCE = 0.005  # of the loss of a step


def tokens_per_second(run):
    timed = run["steps"][1:]
    return sum(step["tokens"] for step in timed) / sum(step["seconds"] for step in timed)


def differences(peer, ours):
    """What keeps two runs from being the same job, and the largest relative difference of a step's loss."""
    wrong = []
    if len(peer["steps"]) != len(ours["steps"]):
        wrong.append(f"{len(peer['steps'])} steps against {len(ours['steps'])}")
    largest = 0.0
    for number, (a, b) in enumerate(zip(peer["steps"], ours["steps"]), start=1):
        for key in ["tokens", "label_tokens"]:
            if a[key] != b[key]:
                wrong.append(f"step {number}: {a[key]} {key.replace('_', ' ')} against {b[key]}")
        largest = max(largest, abs(a["loss"] - b["loss"]) / a["loss"])
    if not largest <= TOLERANCE:
        wrong.append(f"the losses of a step differ by {largest:.2%}")
    return wrong, largest


def measured(folder, setting):
    """The runs of a setting: [(the peer's, ours)], one a round."""
    return [(json.loads(path.read_text()), json.loads(Path(str(path).replace(".peer.", ".ours.")).read_text()))
            for path in sorted(folder.glob(f"{setting}.*.peer.json"))]


def compare_training(folder):
    """Prints a line a setting; what is not as it should be."""
    failures, lines = [], []
    for setting in SETTINGS:
        if not (runs := measured(folder, setting)):
            continue
        speed = [max(tokens_per_second(pair[side]) for pair in runs) for side in (0, 1)]
        memory = [min(pair[side]["peak_bytes"] for pair in runs) / 1e9 for side in (0, 1)]
        found = [differences(*pair) for pair in runs]
        failures += [f"{setting}: {text}" for wrong, _ in found for text in wrong]
        lines.append(
            f"{setting:8} {speed[0]:14.1f} {speed[1]:8.1f} {speed[1] / speed[0]:5.2f}x   {memory[0]:9.2f} GB "
            f"{memory[1]:5.2f} GB {memory[1] / memory[0]:6.3f}   {max(largest for _, largest in found):11.3%}")
    default, fastest = measured(folder, "default"), measured(folder, "int8")
    if default and fastest:
        ratio = max(tokens_per_second(ours) for _, ours in fastest) / max(tokens_per_second(peer) for peer, _ in default)
        lines.append(f"Anneal's int8 has {ratio:.2f}x the speed of the peer's default")
    if lines:
        print(f"{'setting':8} {'tokens/s: peer':>14} {'Anneal':>8} {'ratio':>6}   {'memory: peer':>12} {'Anneal':>8} "
              f"{'ratio':>6}   {'loss within':>11}", *lines, sep="\n")
        if not failures:
            print("Tokens and label tokens of every step are the same on both sides; "
                  f"losses agree within {TOLERANCE:.1%}")
    return failures


def compare_preprocessing(folder):
    if not (runs := measured(folder, "preprocessing")):
        return []
    peer, ours = [min((pair[side] for pair in runs), key=lambda run: run["seconds"]) for side in (0, 1)]
    print(f"Reading and tokenising {peer['rows']} rows: {peer['seconds']:.2f} s against {ours['seconds']:.3f} s, "
          f"{peer['seconds'] / ours['seconds']:.1f}x")
    return [f"preprocessing: {peer[key]} {key} against {ours[key]}"
            for key in ["rows", "tokens"] if peer[key] != ours[key]]


def main():
    folder = Path(sys.argv[1])
    failures = compare_training(folder) + compare_preprocessing(folder)
    print("".join(f"{failure}\n" for failure in failures), end="", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
