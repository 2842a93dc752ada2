"""Compares what was counted with the budget, and says so, a line for each work.

usage: check.py BUDGET COUNTS yes|no

With "yes" the budget becomes what was counted. Exits with 1 if a work takes over 5 % more than its budget, or has none.
"""
import json
import statistics
import sys

ALLOWED = 1.05


def main():
    path, counts, update = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        budget = json.load(file)
    found = {}
    for line in open(counts, encoding="utf-8"):
        count = json.loads(line)
        found.setdefault(count["work"], []).append(count["instructions"])
    if update == "yes":
        budget.update({work: round(statistics.median(values)) for work, values in found.items()})
        with open(path, "w", encoding="utf-8") as file:
            json.dump(budget, file, indent=2, sort_keys=True)
            file.write("\n")
    failed = False
    for work, values in found.items():
        median, spread = statistics.median(values), max(values) - min(values)
        allowed = budget.get(work)
        if allowed is None:
            words, is_fine = "has no budget: run with --update", False
        else:
            is_fine = median <= allowed * ALLOWED
            words = f"budget {allowed:,}, {median / allowed:.3f} of it"
            words += "" if is_fine else ": more than 5 % over. Make it cheaper, or say why and run with --update"
        failed |= not is_fine
        print(f"{work:12} {median:12,.0f} instructions (spread {spread / median:.2%}), {words}")
    sys.exit(failed)


main()
