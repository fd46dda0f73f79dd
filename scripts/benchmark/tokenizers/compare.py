"""Runs both programs in turn on each text, whole and by lines, and prints a table; ends with 1 when ids differ.

usage: compare.py ANNEAL TOKENIZER THREADS ROUNDS TEXT ...
"""

import json
import os
import statistics
import subprocess
import sys

anneal, tokenizer, threads, rounds, *texts = sys.argv[1:]
peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")


def output(command, text=None):
    with open(text or os.devnull, "rb") as source:
        return subprocess.run(command, stdin=source, stdout=subprocess.PIPE, check=True).stdout


def theirs(cut, wanted, text):
    return output([sys.executable, peer, tokenizer, cut, wanted, text])


def ours(cut, options, text):
    lines = ["--lines", "--threads", threads] if cut == "lines" else []
    return output([anneal, "tokenize", "--tokenizer", tokenizer, "--json", *lines, *options], text)


def main():
    print(f"{'text':24} {'cut':6} {'MB':>6} {'tokens':>8} {'HF MB/s':>9} {'Anneal MB/s':>12} {'ratio':>6}  ids")
    differ = False
    for text in texts:
        megabytes = os.path.getsize(text) / 1e6
        for cut in ("whole", "lines"):
            expected = [json.loads(line) for line in theirs(cut, "ids", text).splitlines()]
            found = [json.loads(line)["ids"] for line in ours(cut, [], text).splitlines()]
            same = found == expected
            differ |= not same
            times = ([], [])
            for _ in range(int(rounds)):
                times[0].append(float(theirs(cut, "seconds", text)))
                times[1].append(json.loads(ours(cut, ["--count"], text))["seconds"])
            hf, own = (statistics.median(series) for series in times)
            name = os.path.basename(text)[:24]
            tokens = sum(map(len, found))
            print(f"{name:24} {cut:6} {megabytes:6.2f} {tokens:8} {megabytes / hf:9.2f} {megabytes / own:12.1f}"
                  f" {hf / own:6.1f}  {'same' if same else 'DIFFERENT'}", flush=True)
    sys.exit(differ)


main()
