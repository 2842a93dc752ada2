"""The table of tools/bench-peers: medians over the rounds, and the ratio of ours to each peer's. Of what only
metastore-bench measures there is nothing here: its own table has that.

    table.py LINES
"""
import json
import statistics
import sys

# Works whose figure is a time rather than a rate.
TIMED = {"page", "workloads", "workloads.unparsed", "watch.begin", "watch.commit", "open"}
OURS = {"store", "floor"}


def figures(path):
    """By peer, work and clients: each round's rate or time."""
    found, failed = {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            if "work" not in values:
                continue
            peer, work = values["work"].split(".", 1)
            # How many load is for a peer to choose; how many commit is the row.
            key = (peer, work, values.get("clients", 1) if work.startswith("put") else 1)
            figure = values.get("p50_us" if work in TIMED else "per_second")
            if figure is not None:
                found.setdefault(key, []).append(figure)
            if values.get("bytes_per_row"):
                found.setdefault((peer, work + ", bytes a row", 1), []).append(values["bytes_per_row"])
            failed[key] = failed.get(key, 0) + values.get("failed", 0)
            found.setdefault(key, [])
    compared = {key[1:] for key in found if key[0] not in OURS}
    return {key: values for key, values in found.items() if key[1:] in compared}, failed


def ratio(found, key):
    """Ours to theirs, in the median of the rounds, and its spread. A peer's variant of a work (put.own-connections) is
    beside ours as it is."""
    peer, work, clients = key
    ours = found.get(("store", work, clients)) or found.get(("store", work.rsplit(".", 1)[0], clients))
    theirs = found[key]
    if not ours or peer == "store" or len(ours) != len(theirs) or 0 in theirs:
        return ["", ""]
    ratios = [a / b for a, b in zip(ours, theirs)]
    return [f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}–{max(ratios):.2f}"]


def unit(work):
    return "µs" if work in TIMED else "B" if work.endswith("bytes a row") else "/s"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def main():
    found, failed = figures(sys.argv[1])
    rows = [["work", "clients", "who", "median", "", "spread", "failed", "ours ÷ theirs", "spread"]]
    for key in sorted(found, key=lambda key: (key[1], key[2], key[0] != "store", key[0])):
        values = found[key]
        median = number(statistics.median(values)) if values else "–"
        spread = f"{number(min(values))}–{number(max(values))}" if values else ""
        rows.append([
            key[1], str(key[2]), key[0], median, unit(key[1]), spread, str(failed.get(key) or ""), *ratio(found, key)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.ljust(width) if column in (0, 2, 4) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print("Of times (µs) and sizes (B), less is better, and of their ratios.")


if __name__ == "__main__":
    main()
