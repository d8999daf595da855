#!/usr/bin/env python3
"""Reads what the stages of gpu.sh left and writes the summary: results.json and results.md, or dry-run.json.

    gpu_report.py report DETAILS OUT DRY_RUN     DRY_RUN: 1 writes no page of results
    gpu_report.py quality DETAILS                fails where a device's RMSE is off the CPU's
"""
import datetime
import json
import pathlib
import re
import statistics
import sys

# A guard against breakage: the fast update's order differs from device to device, and float16 tables round.
RMSE_TOLERANCE = 0.01
BIAS_BYTES = 16  # two biases read and written
RATING_BYTES = 12
NANOSECONDS = {"us": 1e3, "ms": 1e6, "s": 1e9}
ELEMENT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def read_json(file):
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def read_history(file):
    lines = []
    for line in file.read_text().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def benchmarks(details):
    """One entry a benchmark, with its share of the copy that the same program measured."""
    rows = []
    for file in sorted(details.glob("*_bench.json")):
        for found in read_json(file).get("benchmarks", []):
            if found.get("run_type") != "iteration":
                continue
            scale = NANOSECONDS.get(found.get("time_unit"), 1)
            row = {"program": file.stem, "name": found["name"], "ns": found["real_time"] * scale}
            row |= {k: found[k] for k in ("items_per_second", "bytes_per_second", "error_message") if k in found}
            if "percent_of_copy" in found:
                row["share_of_copy"] = found["percent_of_copy"] / 100
            rows.append(row)
    return rows


def copy_bandwidth(details):
    """Bytes a second of the fastest of the copies that the programs measured."""
    contexts = [read_json(file).get("context", {}) for file in details.glob("*_bench.json")]
    return max((1e9 * float(c["copy_gb_per_second"]) for c in contexts if "copy_gb_per_second" in c), default=None)


def training(details, copy):
    """Ratings/s of the median epoch after the first, against the bytes that a rating must move."""
    rows = []
    for file in sorted(details.glob("training-*.history.jsonl")):
        model, dim, table_type = re.fullmatch(r"training-(\w+)-(\d+)-(\w+)\.history", file.stem).groups()
        epochs = read_history(file)
        if not epochs:
            continue
        later = epochs[1:] or epochs
        row = {
            "model": model,
            "dim": int(dim),
            "table_type": table_type,
            "epochs": len(epochs),
            "ratings_per_second": statistics.median(e["ratings_per_second"] for e in later),
            "wait_share": statistics.median(e["wait_share"] for e in later),
            "train_rmse": epochs[-1]["train_rmse"],
            "bytes_per_rating": 2 * 2 * int(dim) * ELEMENT_BYTES[table_type] + BIAS_BYTES + RATING_BYTES,
        }
        if copy:
            row["bound_ratings_per_second"] = copy / row["bytes_per_rating"]
            row["share_of_bound"] = row["ratings_per_second"] / row["bound_ratings_per_second"]
        rows.append(row)
    return rows


def softmax(details):
    """Positives/s and scored pairs/s of the median epoch after the first, or of the only one."""
    rows = []
    for file in sorted(details.glob("*-scores-*.history.jsonl")):
        data, score_type = re.fullmatch(r"(.+)-scores-(\w+)\.history", file.stem).groups()
        epochs = read_history(file)
        if not epochs:
            continue
        later = epochs[1:] or epochs
        scores = read_json(file.with_name(f"{data}-scores-{score_type}.scores.json"))
        rows.append({
            "data": data,
            "score_type": score_type,
            "seconds": statistics.median(e["seconds"] for e in later),
            "ratings_per_second": statistics.median(e["ratings_per_second"] for e in later),
            "pairs_per_second": statistics.median(e["negatives"] / e["seconds"] for e in later),
            "wait_share": statistics.median(e["wait_share"] for e in later),
            "train_loss": epochs[-1]["train_loss"],
            "ndcg@20": scores.get("ndcg@20"),
        })
    return rows


def quality(details):
    """Test RMSE of each training, with its differences from the CPU's and from float32 on the same device."""
    rows = []
    for file in sorted(details.glob("quality-*.scores.json")):
        name, device, table_type = re.fullmatch(r"quality-(.+)-(cpu|cuda)-(\w+)\.scores", file.stem).groups()
        rmse = read_json(file).get("rmse")
        if rmse is not None:
            rows.append({"data": name, "device": device, "table_type": table_type, "rmse": rmse})
    by_key = {(r["data"], r["device"], r["table_type"]): r["rmse"] for r in rows}
    for row in rows:
        cpu = by_key.get((row["data"], "cpu", row["table_type"]))
        wide = by_key.get((row["data"], row["device"], "float32"))
        if cpu is not None and row["device"] != "cpu":
            row["minus_cpu"] = row["rmse"] - cpu
        if wide is not None and row["table_type"] != "float32":
            row["minus_float32"] = row["rmse"] - wide
    return rows


def check_quality(rows):
    bad = [r for r in rows if any(not abs(r.get(k, 0)) <= RMSE_TOLERANCE for k in ("minus_cpu", "minus_float32"))]
    for row in rows:
        print("  ".join(f"{k} {v:.5f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    for row in bad:
        print(f"off by more than {RMSE_TOLERANCE}: {row}")
    return not bad and bool(rows)


def stages(out):
    rows = []
    for line in (out / "stages.tsv").read_text().splitlines():
        name, result, seconds = line.split("\t")
        rows.append({"stage": name, "result": result, "seconds": int(seconds)})
    return rows


def summary(details, out, dry_run):
    info = read_json(details / "info.json")
    copy = copy_bandwidth(details)
    return {
        "format": "unfold-gpu-run",
        "format_version": 1,
        "dry_run": dry_run,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": "scripts/gpu.sh" + (" --dry-run" if dry_run else ""),
        "unfold": {k: info.get(k) for k in ("version", "commit", "compiler", "build_type", "cuda")},
        "machine": {k: info.get(k) for k in ("devices", "device_notice", "threads", "cpu_targets")},
        "stages": stages(out),
        "copy_bytes_per_second": copy,
        "benchmarks": benchmarks(details),
        "training": training(details, copy),
        "softmax": softmax(details),
        "quality": quality(details),
        "ranking": {d: read_json(details / f"ranking-{d}.scores.json") for d in ("cpu", "cuda")},
    }


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cells) + " |" for cells in rows]


def number(value, scale=1.0, text="{:.1f}"):
    return "" if value is None else text.format(value / scale)


def percent(value):
    return number(value, 0.01, "{:.0f}%")


def page(run):
    device = "; ".join(run["machine"]["devices"] or []) or "no device"
    version = run["unfold"]
    lines = [
        f"# {device}",
        "",
        f"Written by `{run['command']}`, {run['date']}: unfold {version['version']}, commit {version['commit']}, "
        f"CUDA {version['cuda']}, {version['compiler']}, {run['machine']['threads']} CPU threads.",
        "",
        "## Stages",
        "",
    ]
    lines += table(("stage", "result", "s"), [(s["stage"], s["result"], str(s["seconds"])) for s in run["stages"]])
    lines += ["", "## Operations", "", f"The copy: {number(run['copy_bytes_per_second'], 1e9)} GB/s.", ""]
    lines += table(
        ("benchmark", "µs", "M items/s", "GB/s", "of the copy"),
        [
            (
                r["name"],
                number(r["ns"], 1e3),
                number(r.get("items_per_second"), 1e6),
                number(r.get("bytes_per_second"), 1e9),
                percent(r.get("share_of_copy")) or r.get("error_message", ""),
            )
            for r in run["benchmarks"]
        ],
    )
    bound = "The bound: the bytes that a rating must move, at the copy's speed."
    lines += ["", "## Training end to end", "", bound, ""]
    lines += table(
        ("model", "dim", "tables", "M ratings/s", "of the bound", "waits for data"),
        [
            (
                r["model"],
                str(r["dim"]),
                r["table_type"],
                number(r["ratings_per_second"], 1e6),
                percent(r.get("share_of_bound")),
                percent(r["wait_share"]),
            )
            for r in run["training"]
        ],
    )
    lines += ["", "## Sampled softmax end to end", ""]
    lines += table(
        ("data", "scores", "s/epoch", "M positives/s", "G pairs/s", "waits for data", "train loss", "NDCG@20"),
        [
            (
                r["data"],
                r["score_type"],
                number(r["seconds"], text="{:.3f}"),
                number(r["ratings_per_second"], 1e6, "{:.2f}"),
                number(r["pairs_per_second"], 1e9, "{:.2f}"),
                percent(r["wait_share"]),
                number(r["train_loss"], text="{:.4f}"),
                number(r["ndcg@20"], text="{:.4f}"),
            )
            for r in run["softmax"]
        ],
    )
    lines += ["", "## Quality", ""]
    lines += table(
        ("data", "device", "tables", "test RMSE", "minus CPU", "minus float32"),
        [
            (
                r["data"],
                r["device"],
                r["table_type"],
                f"{r['rmse']:.4f}",
                number(r.get("minus_cpu"), 1, "{:+.4f}"),
                number(r.get("minus_float32"), 1, "{:+.4f}"),
            )
            for r in run["quality"]
        ],
    )
    lines += ["", "## Ranking", "", "One model, scored on the CPU and on the device.", ""]
    lines += table(
        ("device", "NDCG@10", "Recall@20", "MRR"),
        [
            (device, *(number(scores.get(k), 1, "{:.6f}") for k in ("ndcg@10", "recall@20", "mrr")))
            for device, scores in run["ranking"].items()
        ],
    )
    return "\n".join(lines) + "\n"


def report(details, out, dry_run):
    run = summary(details, out, dry_run)
    text = page(run)  # in a dry run too, so that it is tried
    if dry_run:
        (out / "dry-run.json").write_text(json.dumps(run, indent=1) + "\n")
        return
    (out / "results.json").write_text(json.dumps(run, indent=1) + "\n")
    (out / "results.md").write_text(text)


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "report":
        report(pathlib.Path(arguments[1]), pathlib.Path(arguments[2]), arguments[3] == "1")
        return 0
    if len(arguments) == 2 and arguments[0] == "quality":
        return 0 if check_quality(quality(pathlib.Path(arguments[1]))) else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
