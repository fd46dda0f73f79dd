# Reward functions that need no model: what each gives to a completion.
#
#   answer      the text that follows the last marker on its line, stands in the last \boxed{…} or the last <answer>
#               tag, is the last number, or is everything; where the truth is a number, compared with the only number
#               in it, else as text
#   format      TRL's think_format_reward, and tags that stand once each, in order, with nothing but white space between
#   overlong    TRL's get_soft_overlong_punishment: equation 13 of arXiv:2503.14476
#   cosine      appendix C.1 of arXiv:2502.03373
#   repetition  arXiv:2502.03373: (1 − distinct n-grams ÷ n-grams) · the penalty, a negative number
import math
import re

import trl_functions  # noqa: F401  (before TRL)
from trl.rewards import get_soft_overlong_punishment, think_format_reward

# A sign, a currency, digits that may be in groups of three, a part behind a point; a sign after a word, a number or a
# closing bracket is none, and what has two points is no number.
NUMBER = re.compile(
    r"(?<![\w.)\]])[-+]?[$€£]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?!\d|\.\d)")


def normal(text):
    """The normal form of a number, or None: no sign of zero, no separators, no zeros that say nothing."""
    text = text.strip().rstrip(".").strip()
    if not NUMBER.fullmatch(text):
        return None
    digits = re.sub(r"[+$€£,]", "", text)
    negative, digits = digits.startswith("-"), digits.lstrip("-")
    whole, _, part = digits.partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    found = whole + ("." + part if part else "")
    return "-" + found if negative and found != "0" else found


def plain(text):
    return re.sub(r"\s+", " ", text).strip().rstrip(".!?").rstrip().lower()


def boxed(text):
    """What is in the last \\boxed{…} whose braces close."""
    for start in reversed([m.end() for m in re.finditer(r"\\boxed\{", text)]):
        depth = 1
        for end in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                return text[start:end]
    return None


def extracted(text, source, marker="####"):
    """The answer in a text, or None."""
    if source == "marker":
        before, found, after = text.rpartition(marker)
        return after.split("\n")[0].strip() or None if found else None
    if source == "boxed":
        return boxed(text)
    if source == "tag":
        found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        return found[-1].strip() if found else None
    if source == "last_number":
        found = [m.group() for m in NUMBER.finditer(text)]
        return found[-1] if found else None
    return text.strip()


def answer(completion, truth, source, marker="####"):
    found, expected = extracted(completion, source, marker), extracted(truth, "marker") or truth.strip()
    if found is None:
        return found, 0.0
    if normal(expected) is not None:
        numbers = [found] if normal(found) is not None else NUMBER.findall(found)
        return found, float(len(numbers) == 1 and normal(numbers[0]) == normal(expected))
    return found, float(plain(found) == plain(expected))


def tags(completion, names):
    pattern = r"\s*" + r"\s*".join(rf"<{n}>(?:(?!</?{n}>).)*</{n}>" for n in names) + r"\s*"
    return float(re.fullmatch(pattern, completion, re.DOTALL) is not None)


def cosine(length, right, longest, wrong=(-1.0, -0.5), correct=(0.5, 1.0)):
    low, high = correct if right else wrong[::-1]
    return low + 0.5 * (high - low) * (1 + math.cos(length / longest * math.pi))


def repetition(ids, size, penalty):
    grams = [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]
    return (1 - len(set(grams)) / len(grams)) * penalty if len(set(grams)) < len(grams) else 0.0


ANSWERS = [
    ("She has 3 + 4 = 7.\n#### 7", "#### 7", "marker"), ("#### 1,234", "so it is\n#### 1234", "marker"),
    ("#### $1,234.50", "1234.5", "marker"), ("#### 7.", "7", "marker"), ("#### 7.0", "7", "marker"),
    ("#### -0", "0", "marker"), ("#### 007", "7", "marker"), ("#### 7 apples", "7", "marker"),
    ("#### 7 or 8", "7", "marker"), ("#### 7%", "7", "marker"), ("#### 1.2.7", "7", "marker"),
    ("It is 7.", "7", "marker"), ("#### 6\n#### 7", "7", "marker"), ("#### 7\nNo, 8.", "7", "marker"),
    ("####", "7", "marker"), ("#### Paris", "paris.", "marker"), ("#### 12,34", "1234", "marker"),
    ("10-4=6", "6", "last_number"), ("The answer is 1,000,000.", "1000000", "last_number"),
    ("from 10 to -4", "-4", "last_number"), ("10-4", "-4", "last_number"), ("x=(3)-5", "-5", "last_number"),
    ("about .5", "0.5", "last_number"), ("version 1.2.3", "3", "last_number"), ("none", "0", "last_number"),
    ("costs $5 or €6.50", "6.5", "last_number"), ("1,23 and 4", "4", "last_number"), ("7 1,234,5", "5", "last_number"),
    ("so \\boxed{\\frac{1}{2}}", "\\frac{1}{2}", "boxed"), ("\\boxed{1} then \\boxed{2}", "2", "boxed"),
    ("\\boxed{3} and \\boxed{4", "3", "boxed"), ("boxed 3", "3", "boxed"),
    ("<answer> Blue </answer>", "blue", "tag"), ("<answer>1</answer><answer>2</answer>", "2", "tag"),
    ("<answer>1", "1", "tag"),
    ("<answer>about 5km</answer>", "5", "tag"), ("  Yes!  ", "yes", "whole"), ("New   York", "new york", "whole"),
    ("no", "yes", "whole"),
]
FORMATS = [
    "<think>\nreasons\n</think>\nanswer", "<think>a</think>", "<think>a\nanswer", "x <think>a</think> y",
    "<think>a <think> b</think>", "<think></think>", "\n<think>a</think>",
    "<think>a</think>\n<answer>b</answer>", "<think>a</think> and <answer>b</answer>",
    "<answer>b</answer><think>a</think>", "<think>a</think><answer>b</answer><answer>c</answer>",
]


def values():
    found = []
    for completion, truth, source in ANSWERS:
        text, reward = answer(completion, truth, source)
        found.append({"name": "answer", "settings": {"source": source},
                      "inputs": {"completion": completion, "truth": truth}, "extracted": text, "reward": reward})
    for text in ["1,234.50", "$5", "-0.0", ".50", "1e5", "12,34", "+3", "5%", "1/2", "00", "7.", "1.2.3", ""]:
        found.append({"name": "normal", "settings": {}, "inputs": {"text": text}, "normal": normal(text)})
    for text in FORMATS:
        found.append({"name": "think", "settings": {}, "inputs": {"completion": text},
                      "reward": think_format_reward([[{"content": text}]])[0]})
        found.append({"name": "tags", "settings": {"tags": ["think", "answer"]}, "inputs": {"completion": text},
                      "reward": tags(text, ["think", "answer"])})
    for longest, cache, lengths in [(100, 20, [0, 79, 80, 81, 90, 100, 101]), (10, 0, [10, 11])]:
        for length in lengths:
            reward = get_soft_overlong_punishment(longest, cache)([[1] * length])[0]
            found.append({"name": "overlong", "settings": {"longest": longest, "cache": cache},
                          "inputs": {"tokens": length}, "reward": reward})
    for right in [True, False]:
        for length in [0, 25, 50, 100]:
            found.append({"name": "cosine", "settings": {"longest": 100, "wrong": [-1.0, -0.5], "right": [0.5, 1.0]},
                          "inputs": {"tokens": length, "right": right}, "reward": cosine(length, right, 100)})
    for ids in [[1, 2, 1, 2, 1, 2], [1, 2, 3, 4], [5, 5, 5], [5], []]:
        found.append({"name": "repetition", "settings": {"size": 2, "penalty": -1.0}, "inputs": {"ids": ids},
                      "reward": repetition(ids, 2, -1.0)})
    return found


def data():
    return {}


def runs():
    return []
