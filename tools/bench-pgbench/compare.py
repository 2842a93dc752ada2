"""One comparison of a row, in the shape of metastore-bench's, from the lines of its rounds: theirs, ours, theirs, …

usage: compare.py ROW LINES MUST
"""
import json
import statistics
import sys


def spread(values):
    return {"median": round(statistics.median(values), 4), "low": round(min(values), 4), "high": round(max(values), 4)}


def main():
    row, path, must = sys.argv[1], sys.argv[2], float(sys.argv[3])
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    theirs, ours = ([line["per_second"] for line in lines[first::2]] for first in (0, 1))
    ratio = spread([mine / other for mine, other in zip(ours, theirs)])
    clients = lines[1]["clients"]
    print(
        json.dumps(
            {
                "row": row,
                "what": f"{lines[1]['work']}, {'one client' if clients == 1 else f'{clients} clients'}",
                "unit": "/s",
                "ours": spread(ours),
                "beside": lines[0]["work"],
                "theirs": spread(theirs),
                "ratio": ratio,
                "must": f"≥ {must:.2f} ×",
                "reached": ratio["median"] >= must,
            },
            ensure_ascii=False,
        )
    )


main()
