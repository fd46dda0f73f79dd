# Makes: data/arithmetic.jsonl: problems with the number that is the answer, to learn from sampled answers (GRPO).
#        data/arithmetic-worked.jsonl: other problems of the same kinds with a worked answer, to learn the form first.
# With:  Python 3.9 or newer, nothing else. The files are the same on every machine.
# Run:   python scripts/data/arithmetic.py
import json
import random
import re
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / "data"
ASK = "\nWrite the number on the last line, after ####."

# How many problems of each kind.
PROBLEMS = {"sum": 200, "difference": 200, "product": 80, "missing": 60, "comparison": 40, "story": 220}
WORKED = {"sum": 44, "difference": 44, "product": 20, "missing": 14, "comparison": 8, "story": 70}

SUMS = ["What is {a} + {b}?", "{a} + {b} = ?", "Add {a} and {b}.", "How much is {a} plus {b}?",
        "What is the sum of {a} and {b}?"]
DIFFERENCES = ["What is {a} - {b}?", "{a} - {b} = ?", "Subtract {b} from {a}.", "How much is {a} minus {b}?",
               "Take {b} away from {a}."]
PRODUCTS = ["What is {a} × {b}?", "{a} × {b} = ?", "Multiply {a} by {b}.", "How much is {a} times {b}?"]

# Problems whose answer is `formula`, worked from left to right. A range is 2 to 20 where a line names none.
MISSING = [
    ("{a} + ? = {b}. Which number is missing?", "b - a", "a 2 50, b 10 99"),
    ("? + {a} = {b}. What stands for the question mark?", "b - a", "a 2 50, b 10 99"),
    ("I think of a number and add {a}. The result is {b}. What is my number?", "b - a", "a 2 40, b 10 99"),
    ("I think of a number and subtract {a}. The result is {b}. What is my number?", "a + b", "a 2 40, b 2 50"),
    ("Which number is {a} less than {b}?", "b - a", "a 2 30, b 10 99"),
    ("Which number is {a} more than {b}?", "b + a", "a 2 30, b 10 60"),
    ("How much must be added to {a} to make {b}?", "b - a", "a 2 60, b 10 100"),
    ("{a} times which number is {b}?", "b / a", "a 2 10, b 4 100"),
]

STORIES = [
    # Adding.
    ("{name} has {a} marbles and finds {b} more. How many marbles does {name} have now?", "a + b"),
    ("A tram carries {a} people. At the next stop {b} get on and nobody gets off. How many are on it now?", "a + b",
     "a 5 60, b 2 30"),
    ("There are {a} red and {b} yellow tulips in the bed. How many tulips is that?", "a + b"),
    ("{name} read {a} pages on Monday and {b} on Tuesday. How many pages were read in the two days?", "a + b",
     "a 5 45, b 5 45"),
    ("A snail crawls {a} cm before noon and {b} cm after it. How far does it get?", "a + b", "a 5 60, b 5 60"),
    ("The soup takes {a} minutes to prepare and {b} minutes to cook. How many minutes is that in all?", "a + b",
     "a 5 30, b 10 50"),
    ("{name} picked {a} plums, and {other} picked {b}. How many plums do they have together?", "a + b"),
    ("A scarf was {a} cm long. {name} knits {b} cm more. How long is it now?", "a + b", "a 20 80, b 3 40"),
    ("In the morning it was {a} degrees, and by the afternoon it got {b} degrees warmer. How warm was it then?",
     "a + b", "a 2 15, b 2 14"),
    ("There are {a} chairs in the hall. {name} brings in {b} more. How many chairs are there now?", "a + b",
     "a 10 70, b 2 25"),
    ("A letter weighs {a} grams and its envelope {b} grams. What do they weigh together?", "a + b", "a 5 40, b 3 15"),
    ("{name} is {a} years old. How old will {name} be in {b} years?", "a + b", "a 5 60, b 2 25"),
    ("A choir of {a} singers is joined by {b} children. How many people sing now?", "a + b", "a 8 50, b 3 30"),
    # Taking away.
    ("{name} had {a} stamps and gave {b} away. How many are left?", "a - b", "a 8 70, b 2 40"),
    ("A loaf is cut into {a} slices, and {b} are eaten. How many slices are left?", "a - b", "a 10 30, b 2 20"),
    ("Of {a} seats on the bus, {b} are taken. How many are free?", "a - b", "a 20 60, b 5 50"),
    ("A candle of {a} cm burns down by {b} cm. How long is it then?", "a - b", "a 10 40, b 2 30"),
    ("{name} has {a} euros and buys a book for {b} euros. How many euros remain?", "a - b", "a 10 60, b 4 30"),
    ("{name} is {a} years old and {other} is {b} years old. How many years older is {name}?", "a - b",
     "a 12 70, b 3 50"),
    ("A shelf has room for {a} jars. {b} jars stand on it. How many more fit?", "a - b", "a 12 50, b 3 40"),
    ("The film lasts {a} minutes, and {b} minutes have passed. How many minutes are still to come?", "a - b",
     "a 60 99, b 5 70"),
    ("A tank held {a} litres. After watering the garden, {b} litres are left. How many litres were used?", "a - b",
     "a 20 99, b 5 80"),
    ("There were {a} birds on the wire, and {b} flew off. How many stayed?", "a - b", "a 6 40, b 2 30"),
    ("The path is {a} km long. {name} has walked {b} km of it. How many km are left?", "a - b", "a 8 40, b 2 30"),
    ("A spool holds {a} metres of thread. {name} uses {b} metres. How many metres remain on it?", "a - b",
     "a 20 95, b 3 60"),
    ("{name} baked {a} rolls, and this evening there are {b}. How many were eaten?", "a - b", "a 10 40, b 2 30"),
    ("A tree is {a} metres high, and the house beside it {b} metres. By how many metres is the tree higher?", "a - b",
     "a 10 35, b 4 20"),
    # Groups.
    ("There are {a} boxes with {b} pencils each. How many pencils are there?", "a * b", "a 2 9, b 2 12"),
    ("{name} walks {a} km every day. How many km is that in {b} days?", "a * b", "a 2 9, b 2 10"),
    ("A ticket costs {a} euros. What do {b} tickets cost?", "a * b", "a 2 12, b 2 9"),
    ("A baking tray holds {a} rows of {b} biscuits. How many biscuits fit on it?", "a * b", "a 2 7, b 2 8"),
    ("Each of {a} friends brings {b} sandwiches. How many sandwiches are there?", "a * b", "a 2 9, b 2 6"),
    ("A spider has 8 legs. How many legs do {a} spiders have?", "8 * a", "a 2 10"),
    ("A week has 7 days. How many days are {a} weeks?", "7 * a", "a 2 12"),
    ("A drip fills {a} ml in a minute. How many ml is that in {b} minutes?", "a * b", "a 2 10, b 3 10"),
    ("A wall has {a} rows of {b} tiles. How many tiles is that?", "a * b", "a 3 10, b 3 10"),
    ("{name} earns {a} euros an hour and works {b} hours. How many euros is that?", "a * b", "a 6 12, b 2 8"),
    ("One hen laid {a} eggs this week, and so did each of the others. There are {b} hens. How many eggs is that?",
     "a * b", "a 2 7, b 2 9"),
    # Sharing.
    ("{name} shares {a} cherries among {b} children, the same number for each. How many does each child get?", "a / b",
     "a 6 60, b 2 9"),
    ("{a} flowers are put into {b} vases, equally many in each. How many are in one vase?", "a / b", "a 6 48, b 2 8"),
    ("A ribbon of {a} cm is cut into {b} equal pieces. How many cm long is each?", "a / b", "a 10 90, b 2 10"),
    ("{a} players form teams of {b}. How many teams are there?", "a / b", "a 10 60, b 2 9"),
    ("{b} tickets cost {a} euros together. How much is one ticket?", "a / b", "a 8 72, b 2 9"),
    ("A book has {a} pages. {name} reads {b} pages a day. How many days does it take?", "a / b", "a 20 90, b 4 10"),
    ("{name} fills {a} bulbs into bags of {b}. How many bags are needed?", "a / b", "a 12 70, b 3 10"),
    # Two steps.
    ("{name} had {a} nuts, ate {b} of them and then found {c}. How many nuts does {name} have now?", "a - b + c"),
    ("A bus sets off with {a} people. {b} get off and {c} get on. How many are on the bus?", "a - b + c",
     "a 10 40, b 2 20, c 2 20"),
    ("{name} buys {a} apples at {b} euros each and pays with {c} euros. How many euros are given back?", "c - a * b",
     "a 2 6, b 2 5, c 10 50"),
    ("There are {a} bags with {b} potatoes each, and {c} loose ones. How many potatoes are there?", "a * b + c",
     "a 2 6, b 3 9, c 2 9"),
    ("{name} saves {a} euros a week for {b} weeks and then spends {c} euros. How many euros are left?", "a * b - c",
     "a 2 9, b 2 9, c 2 30"),
    ("A farm has {a} cows and {b} sheep, and {c} goats come. How many animals is that?", "a + b + c"),
    ("{name} has {a} beads, {b} of them red and {c} blue. The others are white. How many are white?", "a - b - c",
     "a 15 60, b 2 20, c 2 20"),
    ("{a} red and {b} green balls are shared equally by {c} children. How many balls does each get?", "a + b / c",
     "a 3 30, b 3 30, c 2 6"),
    ("A rope is {a} metres long. {name} cuts off {b} pieces of {c} metres. How many metres are left?", "a - b * c",
     "a 15 50, b 2 5, c 2 8"),
    ("{name} is {a} years old, and {other} is {b} years older. How old are they together?", "a + b + a",
     "a 4 30, b 2 12"),
    ("A room has {a} tables with {b} chairs each, and {c} chairs are taken away. How many are left?", "a * b - c",
     "a 2 9, b 2 8, c 2 15"),
    ("{name} ran {a} km on each of {b} days and {c} km on Sunday. How many km is that?", "a * b + c",
     "a 2 8, b 2 6, c 3 15"),
    ("The library lent {a} books on Monday and {b} on Tuesday; {c} have come back. How many are still out?",
     "a + b - c", "a 5 40, b 5 40, c 3 40"),
    ("{name} folds {a} cranes an hour for {b} hours, and {other} folds {c} in all. How many cranes are there?",
     "a * b + c", "a 3 9, b 2 5, c 2 20"),
    ("{a} eggs are packed in boxes of {b}. {c} boxes are sold. How many full boxes are left?", "a / b - c",
     "a 24 96, b 4 12, c 2 6"),
    ("A jug holds {a} cups of juice. {name} and {other} drink {b} cups each. How many cups are left?", "a - b - b",
     "a 6 20, b 2 6"),
    ("{name} had {a} euros, got {b} euros and bought a lamp for {c} euros. How many euros remain?", "a + b - c",
     "a 5 40, b 5 30, c 6 40"),
    ("A garden has {a} rows of {b} leeks, and {c} leeks have been eaten. How many stand there still?", "a * b - c",
     "a 2 6, b 4 10, c 2 20"),
    # Told the other way round.
    ("After giving away {a} shells, {name} has {b}. How many were there at first?", "a + b", "a 2 30, b 2 50"),
    ("{name} needs {a} stickers for the album and has {b}. How many are missing?", "a - b", "a 20 80, b 5 70"),
    ("In {a} years {name} will be {b} years old. How old is {name} now?", "b - a", "a 2 15, b 18 70"),
    ("A bag with {a} equal stones weighs {b} kg without the bag itself. How many kg is one stone?", "b / a",
     "a 2 9, b 6 72"),
    ("It is {a} degrees now, {b} degrees colder than at noon. How warm was it at noon?", "a + b", "a 2 18, b 2 12"),
    ("{name} is twice as old as {other}, who is {a}. How old is {name}?", "2 * a", "a 4 40"),
    ("Half of the {a} lamps are lit. How many lamps are lit?", "a / 2", "a 4 80"),
]

NAMES = ["Ada", "Ben", "Chen", "Dora", "Emil", "Fatma", "Goran", "Hana", "Ivo", "Jana", "Kofi", "Lena", "Milo", "Nina",
         "Omar", "Pia", "Ravi", "Sara", "Tomas", "Uma", "Vera", "Wen", "Yusuf", "Zoe"]


class Chance:
    """Numbers and choices from a seed. `random()` alone is promised to give the same sequence in every Python."""

    def __init__(self, seed):
        self.source = random.Random(seed)

    def number(self, low, high):
        return low + int(self.source.random() * (high - low + 1))

    def one(self, items):
        return items[self.number(0, len(items) - 1)]

    def shuffled(self, items):
        return [item for _, item in sorted(((self.source.random(), item) for item in items), key=lambda pair: pair[0])]


def steps(formula, numbers):
    """The calculations of a formula, a product at its end first; None where one has no whole result above zero."""
    parts = [int(part) if part.isdigit() else numbers.get(part, part) for part in formula.split()]
    done = []
    while len(parts) > 1:
        at = 2 if len(parts) == 5 and parts[3] == "*" else 0
        a, sign, b = parts[at:at + 3]
        if sign == "/" and a % b:
            return None
        result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[sign]
        if not 0 < result <= 150:
            return None
        done.append((a, sign.replace("*", "×").replace("/", "÷"), b, result))
        parts[at:at + 3] = [result]
    return done


def from_template(chance, template):
    text, formula, ranges = (*template, "")[:3]
    limits = {name: (2, 20) for name in re.findall(r"\{(\w)\}", text)}
    for limit in ranges.split(", ") if ranges else []:
        name, low, high = limit.split()
        limits[name] = (int(low), int(high))
    while True:
        numbers = {name: chance.number(*limits[name]) for name in sorted(limits)}
        calculations = steps(formula, numbers)
        if calculations:
            break
    name, other = chance.shuffled(NAMES)[:2]
    work = "\n".join(f"{a} {sign} {b} = {result}" for a, sign, b, result in calculations)
    return text.format(name=name, other=other, **numbers), work, calculations[-1][-1], (text, *numbers.values())


def sum_of_two(chance):
    top = chance.one([20, 50, 99, 99])
    a, b = chance.number(1, top), chance.number(1, top)
    tens, ones = a - a % 10 + b - b % 10, a % 10 + b % 10
    work = f"{a} + {b} = {a + b}"
    if a > 10 and b > 10 and a % 10 and b % 10:
        work = f"{a - a % 10} + {b - b % 10} = {tens}\n{a % 10} + {b % 10} = {ones}\n{tens} + {ones} = {a + b}"
    return chance.one(SUMS).format(a=a, b=b), work, a + b, ("sum", min(a, b), max(a, b))


def difference(chance):
    top = chance.one([20, 50, 99, 99])
    a, b = sorted((chance.number(1, top), chance.number(1, top)), reverse=True)
    work = f"{a} - {b} = {a - b}"
    if b > 10 and b % 10:
        work = f"{a} - {b - b % 10} = {a - b + b % 10}\n{a - b + b % 10} - {b % 10} = {a - b}"
    return chance.one(DIFFERENCES).format(a=a, b=b), work, a - b, ("difference", a, b)


def product(chance):
    a, b = chance.number(2, 12), chance.number(2, 12)
    work = f"{a} × {b} = {a * b}"
    if a > 10 and b > 2:
        work = f"10 × {b} = {10 * b}\n{a - 10} × {b} = {(a - 10) * b}\n{10 * b} + {(a - 10) * b} = {a * b}"
    return chance.one(PRODUCTS).format(a=a, b=b), work, a * b, ("product", a, b)


def comparison(chance):
    numbers = chance.shuffled(range(10, 100))[:chance.number(2, 3)]
    largest, smallest = max(numbers), min(numbers)
    if len(numbers) == 3:
        word, answer = chance.one([("largest", largest), ("smallest", smallest)])
        text = "Which is the {}: {}, {} or {}?".format(word, *numbers)
        order = " < ".join(str(number) for number in sorted(numbers))
        return text, order, answer, (word, *sorted(numbers))
    form = chance.number(0, 2)
    if form == 2:
        text, answer = f"How much larger is {largest} than {smallest}?", largest - smallest
        return text, f"{largest} - {smallest} = {answer}", answer, ("difference", largest, smallest)
    word, answer = [("larger", largest), ("smaller", smallest)][form]
    text = "Which is the {} number, {} or {}?".format(word, *numbers)
    return text, f"{smallest} < {largest}", answer, (word, smallest, largest)


def make(chance, kind, index):
    """A problem: its text, how it is worked, its answer, and what tells it from others."""
    if kind in ("missing", "story"):
        templates = MISSING if kind == "missing" else STORIES
        return from_template(chance, templates[index % len(templates)])
    return {"sum": sum_of_two, "difference": difference, "product": product, "comparison": comparison}[kind](chance)


def problems(chance, counts, known):
    made = []
    for kind, count in counts.items():
        for index in range(count):
            problem = make(chance, kind, index)
            while problem[3] in known:
                problem = make(chance, kind, index)
            known.add(problem[3])
            made.append(problem)
    return chance.shuffled(made)


def write(name, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (OUT / name).write_bytes(text.encode())


def user(text):
    return {"role": "user", "content": text + ASK}


def main():
    chance, known = Chance(7), set()
    # Worked first: the products, of which there are few, are then shared out evenly.
    worked = problems(chance, WORKED, known)
    to_solve = problems(chance, PROBLEMS, known)
    write("arithmetic.jsonl", [{"prompt": [user(text)], "answer": str(answer)} for text, _, answer, _ in to_solve])
    write("arithmetic-worked.jsonl", [
        {"messages": [user(text), {"role": "assistant", "content": f"{work}\n#### {answer}"}]}
        for text, work, answer, _ in worked])


if __name__ == "__main__":
    main()
