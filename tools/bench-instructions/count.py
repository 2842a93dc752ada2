"""Instructions for each call: what two runs of callgrind with different numbers of calls differ by.

usage: count.py FEW FILE MANY FILE

Prints one JSON object: all of them, and how many of them lie in SQLite, in Swift's own libraries, in libc and the
like, and in the program. What a waiting thread does while it looks around counts nowhere: how long that is depends on
the machine.
"""
import json
import re
import sys

WAITING = re.compile("lookAround|sched_yield|ContinuousClock|swift_get_time|clock_gettime")
GROUPS = [("sqlite", "libsqlite3"), ("swift", "libswift|lib_FoundationICU|libFoundation"), ("program", "bench$")]


def group_of(path):
    return next((name for name, pattern in GROUPS if re.search(pattern, path)), "system")


def self_costs(path):
    """The instructions of every group, from the file's cost lines. A name is spelled out once, then numbered."""
    names = {"ob": {}, "fn": {}}
    costs = {}
    group, is_waiting, is_call = "system", False, False
    for line in open(path, encoding="utf-8", errors="replace"):
        name = re.match(r"(ob|fn|cob|cfn)=\((\d+)\)(?: (.*))?$", line.rstrip("\n"))
        if name:
            kind, number, text = name.groups()
            known = names[kind[-2:]]
            if text:
                known[number] = text
            if kind == "ob":
                group = group_of(known[number])
            elif kind == "fn":
                is_waiting = bool(WAITING.search(known[number]))
        elif line.startswith("calls="):
            is_call = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            # The line after "calls=" is what the called function took, which is counted where it stands itself.
            if not is_call and not is_waiting:
                costs[group] = costs.get(group, 0) + int(line.split()[1])
            is_call = False
    return costs


def main():
    few, many = int(sys.argv[1]), int(sys.argv[3])
    first, last = self_costs(sys.argv[2]), self_costs(sys.argv[4])
    each = {name: (last.get(name, 0) - first.get(name, 0)) / (many - few) for name in last}
    found = {"instructions": round(sum(each.values()))}
    found.update({name: round(each[name]) for name in sorted(each)})
    print(json.dumps(found))


main()
