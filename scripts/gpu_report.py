#!/usr/bin/env python3
"""Reads what the parts of gpu.sh left in a folder and writes results.json and results.md there.

    gpu_report.py FOLDER

Whatever is there counts: parts may be missing, and files may be cut anywhere. Of a dry run it prints a summary and
writes dry-run.json alone.

A row is good only where the same was done on the CPU and agrees: for a training its twin, for an op's benchmark the
op's parity on this device. Otherwise it is off, or has no twin. Exit code: 0 where every row is good and no step
failed or was cut, 1 elsewhere, 2 usage.
"""
import contextlib
import csv
import json
import math
import pathlib
import re
import statistics
import sys

# From the CPU: the fast updates add in another order, and 16-bit tables round. Of the loss it is a share.
TOLERANCE = {"train_rmse": 0.01, "rmse": 0.01, "ndcg@20": 0.005, "recall@20": 0.005, "train_loss": 0.02}
GOOD, OFF, NO_TWIN = "good", "off", "no twin"

OTHER_BYTES = 16 + 12  # of a rating: two biases read and written, and itself
ELEMENT_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
NANOSECONDS = {"n": 1, "u": 1e3, "m": 1e6, "s": 1e9}  # by the first letter of a unit: ns, us, usecond, ms, s, second
SOFTMAX_BATCH = 1024  # unless the options say otherwise
# Benchmarks that are not called by their op's name.
BENCHMARK_OPS = {"softmax": "sampled_softmax", "select": "select_negatives"}


# --- Reading


def read_text(file):
    return file.read_text(errors="replace") if file.is_file() else ""


def read_records(folder):
    records = []
    for line in "\n".join(read_text(folder / f"{part}.jsonl") for part in "ABC").split("\n"):
        with contextlib.suppress(ValueError):  # cut, or empty
            records.append(json.loads(line))
    return [r for r in records if isinstance(r, dict) and "record" in r]


def of_kind(records, kind):
    return [r for r in records if r["record"] == kind]


def read_benchmarks(file):
    """Context and cases of Google Benchmark's JSON, up to where it was cut."""
    text, decoder = read_text(file), json.JSONDecoder()

    def objects(start):
        while True:
            start = re.compile(r"[\s,]*").match(text, start).end()
            try:
                value, start = decoder.raw_decode(text, start)
            except ValueError:
                return
            yield value

    def after(key):
        return objects(len(text) - len(text.partition(key)[2]))

    return next(after('"context":'), {}), [c for c in after('"benchmarks": [') if c.get("run_type") == "iteration"]


def read_kernels(file):
    """Name and nanoseconds of each launch in Nsight Compute's raw CSV."""
    launches, head, unit = [], None, None
    for cells in csv.reader(line for line in read_text(file).splitlines() if line.startswith('"')):
        if "Kernel Name" in cells:
            head = cells
        elif head and len(cells) == len(head):
            row = dict(zip(head, cells))
            name, value = row["Kernel Name"], row["gpu__time_duration.sum"].replace(",", "")
            if not name:
                unit = NANOSECONDS.get(value[:1])
            elif unit and re.fullmatch(r"[0-9.]+", value):
                launches.append((kernel_name(name), float(value) * unit))
    return launches


def kernel_name(text):
    """Without template arguments, parameters and namespaces."""
    found = 1
    while found:
        text, found = re.subn(r"<[^<>]*>|\(anonymous namespace\)", "", text)
    return text.split("(")[0].split("::")[-1].split(" ")[-1] or text


# --- What it comes to


def steps(records):
    found = {}
    for record in records:
        if record["record"] == "run":
            found.update({(record["part"], s): {"result": "not reached"} for s in record.get("steps", [])})
        if record["record"] == "step":
            result = "cut" if record["result"] == "started" else record["result"]
            found[record["part"], record["step"]] = {"result": result, "seconds": record.get("seconds")}
    rows = [{"part": part, "step": step, **row} for (part, step), row in found.items()]
    return [{**row, "bad": not re.match("passed|skipped", row["result"])} for row in rows]


def parity(records):
    """Cases by result, and for each op whether all of its cases passed."""
    planned = of_kind(records, "planned")
    results = {r["test"]: "not run" for r in planned}
    results.update({r["test"]: r["result"] for r in of_kind(records, "parity")})

    def verdict(op):
        of_op = {results[r["test"]] for r in planned if r["op"] == op}
        return GOOD if of_op == {"passed"} else OFF if of_op & {"failed", "never ended"} else NO_TWIN

    return {
        "cases": len(results),
        "passed": sum(r == "passed" for r in results.values()),
        "others": {test: result for test, result in results.items() if result != "passed"},
        "ops": {r["op"]: verdict(r["op"]) for r in planned if r["op"]},
    }


def benchmarks(cases, ops):
    """One entry a case, with its share of the copy that the same run measured."""
    rows = []
    for case in cases:
        name = case["name"].split("/iterations:")[0]
        op = name.split("/")[0]
        if op not in ops:
            op = BENCHMARK_OPS.get(op.split("_")[0], op)
        row = {"name": name, "op": op, "verdict": ops.get(op, NO_TWIN)}
        if case.get("error_occurred"):
            row.update(error=case["error_message"], verdict=OFF)
        else:
            keys = ("items_per_second", "bytes_per_second", "percent_of_copy", "spread")
            row["ns"] = case["real_time"] * NANOSECONDS[case["time_unit"][:1]]
            row.update({k: case[k] for k in keys if k in case})
        rows.append(row)
    return rows


def trainings(records):
    """By name and role: options, epochs and scores."""
    found = {}
    for record in records:
        if record["record"] not in ("training", "epoch", "scores"):
            continue
        entry = found.setdefault((record["name"], record["role"]), {"options": {}, "epochs": [], "scores": {}})
        if record["record"] == "training":
            words = record["options"].split() + ["--"]
            entry["options"] = {w[2:]: v for w, v in zip(words, words[1:]) if w.startswith("--")}
        elif record["record"] == "epoch":
            entry["epochs"].append(record["epoch"])
        else:
            entry["scores"] = record["scores"]
    return found


def agreement(device, twin):
    """The verdict, and by measure the device's value and its twin's: in the last epoch that both have."""
    of_twin = {epoch["epoch"]: epoch for epoch in twin["epochs"]}
    last = next((e for e in reversed(device["epochs"]) if e["epoch"] in of_twin), device["epochs"][-1])
    same, scores = of_twin.get(last["epoch"], {}), device["scores"]
    pairs = {k: (last[k], same.get(k)) for k in ("train_rmse", "train_loss") if k in last}
    pairs.update({k: (scores[k], twin["scores"].get(k)) for k in ("rmse", "ndcg@20", "recall@20") if k in scores})
    if not same or (scores and not twin["scores"]):
        return NO_TWIN, pairs
    return GOOD if pairs and all(agrees(k, *pair) for k, pair in pairs.items()) else OFF, pairs


def agrees(measure, value, expected):
    if value is None or expected is None or not math.isfinite(value):
        return False
    return abs(value - expected) <= TOLERANCE[measure] * (abs(expected) if measure == "train_loss" else 1)


def speed(training):
    """Medians of the epochs after the first, or of the only one."""
    epochs = [{**e, "pairs_per_second": e.get("negatives", 0) / e["seconds"]} for e in training["epochs"]]
    later = epochs[1:] or epochs
    keys = ("seconds", "ratings_per_second", "pairs_per_second", "wait_share")
    return {k: statistics.median(e[k] for e in later) for k in keys if later}


def training_rows(found, copy):
    rows = []
    for (name, role), device in found.items():
        if role != "device" or not device["epochs"]:
            continue
        twin = found.get((re.sub("-graph$", "", name), "twin"), {"epochs": [], "scores": {}})
        verdict, pairs = agreement(device, twin)
        options = device["options"]
        row = {"name": name, "model": options.get("model", "mf"), "options": options, "verdict": verdict}
        row.update(epochs=len(device["epochs"]), **speed(device))
        row.update({k: v for k, (v, _) in pairs.items()})
        row["twin"] = {**{k: v for k, (_, v) in pairs.items()}, **speed(twin)}
        if row["model"] == "mf" and "dim" in options:
            element = ELEMENT_BYTES[options.get("table-type", "float32")]
            row["bytes_per_rating"] = 4 * int(options["dim"]) * element + OTHER_BYTES
            if copy:
                row["bound_ratings_per_second"] = copy / row["bytes_per_rating"]
        rows.append(row)
    return rows


def kernels(launches, rows):
    """Where a step's time goes: microseconds a step of each kernel, and the step as measured without the profiler."""
    names = [name for name, _ in launches]
    # A step is the number of launches after which they repeat, where at least two of them are there.
    n = next((n for n in range(1, len(names) // 2 + 1) if names[n:] == names[:-n]), None)
    if n is None:
        return {"launches": len(launches)}
    rounds = len(launches) // n
    by_name = {}
    for name, nanoseconds in launches[: rounds * n]:
        n_launches, us = by_name.get(name, (0, 0))
        by_name[name] = n_launches + 1 / rounds, us + nanoseconds / 1e3 / rounds
    found = [{"kernel": name, "launches": m, "us": us} for name, (m, us) in by_name.items()]
    result = {"launches": n, "busy_us": sum(k["us"] for k in found)}
    result["kernels"] = sorted(found, key=lambda k: -k["us"])
    for row in rows:
        if row["name"] == "gowalla-steps":
            batch = int(row["options"].get("batch-size", SOFTMAX_BATCH))
            result["step_us"] = 1e6 * row["seconds"] / math.ceil(row["ratings_per_second"] * row["seconds"] / batch)
            result["verdict"] = row["verdict"]
    return result


def summary(folder):
    records = read_records(folder)
    context, cases = read_benchmarks(folder / "B.bench.json")
    copy = 1e9 * float(context["copy_gb_per_second"]) if "copy_gb_per_second" in context else None
    checked = parity(records)
    rows = training_rows(trainings(records), copy)
    return {
        "format": "unfold-gpu-run",
        "format_version": 2,
        "dry_run": any(r.get("dry_run") for r in records),
        "runs": [{k: r[k] for k in ("part", "date", "command")} for r in of_kind(records, "run")],
        "info": {k: v for r in of_kind(records, "info") for k, v in r["info"].items() if k != "cache"},
        "machine": next((r["machine"] for r in of_kind(records, "machine")), {}),
        "steps": steps(records),
        "parity": checked,
        "copy_bytes_per_second": copy,
        "benchmarks": benchmarks(cases, checked["ops"]),
        "trainings": rows,
        "step": kernels(read_kernels(folder / "C.step.txt"), rows),
    }


# --- The page


def table(rows, *columns):
    """Markdown; a column is its head and what it shows of a row: a key, or a function."""
    lines = ["| " + " | ".join(head for head, _ in columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [row.get(show) if isinstance(show, str) else show(row) for _, show in columns]
        lines.append("| " + " | ".join("" if c is None else str(c).replace("|", "\\|") for c in cells) + " |")
    return lines + [""] if rows else []


def number(key, scale=1.0, digits=1):
    return lambda row: "" if row.get(key) is None else f"{row[key] / scale:.{digits}f}"


def percent(key, whole=None):
    def show(row):
        of = row.get(whole) if whole else 1
        return f"{100 * row[key] / of:.0f}%" if row.get(key) is not None and of else ""

    return show


def of_twin(show):
    return lambda row: show(row["twin"])


def beside(head, key):
    """Three columns: the device's value, its twin's and the difference."""

    def difference(row):
        pair = row.get(key), row["twin"].get(key)
        return "" if None in pair else f"{pair[0] - pair[1]:+.4f}"

    value = number(key, digits=4)
    return (head, value), ("CPU", of_twin(value)), ("difference", difference)


NAME, EPOCHS, VERDICT = ("training", "name"), ("epochs", "epochs"), ("", "verdict")
WAITS = ("device waits", percent("wait_share"))


def checks_part(run):
    found = run["parity"]
    lines = ["## What ran", ""]
    lines += table(run["steps"], ("part", "part"), ("step", "step"), ("result", "result"), ("s", "seconds"))
    lines += ["## Parity", "", f"{found['passed']} of {found['cases']} cases passed.", ""]
    key, value = (lambda pair: pair[0]), (lambda pair: pair[1])
    lines += table(list(found["others"].items()), ("case", key), ("result", value))
    return lines + table(list(found["ops"].items()), ("op", key), ("", value))


def benchmarks_part(run):
    copy = number("copy_bytes_per_second", 1e9)(run) or "not measured"
    lines = ["## Operations", "", f"The copy: {copy} GB/s, read and written. A row is as good as its op's parity.", ""]
    return lines + table(
        run["benchmarks"],
        ("benchmark", "name"),
        ("µs", number("ns", 1e3)),
        ("M items/s", number("items_per_second", 1e6)),
        ("GB/s", number("bytes_per_second", 1e9)),
        ("% of the copy", number("percent_of_copy", digits=0)),
        ("spread", percent("spread")),
        ("", lambda row: row.get("error", row["verdict"])),
    )


def trainings_part(run):
    rows = run["trainings"]
    quality = [r for r in rows if r["name"].startswith("quality-")]
    mf = [r for r in rows if r["model"] == "mf" and r not in quality]
    softmax = [r for r in rows if r["model"] == "softmax"]
    rate = number("ratings_per_second", 1e6)
    bound = percent("ratings_per_second", "bound_ratings_per_second")
    columns = NAME, EPOCHS, ("M ratings/s", rate), ("of the bound", bound), WAITS, ("M/s on the CPU", of_twin(rate))
    lines = ["## Matrix factorization end to end", "", "The bound: a rating's bytes at the copy's speed.", ""]
    lines += table(mf, *columns, *beside("train RMSE", "train_rmse"), VERDICT)
    seconds = number("seconds", digits=3)
    columns = (NAME, EPOCHS, ("s/epoch", seconds), ("on the CPU", of_twin(seconds)), ("M positives/s", rate))
    pairs = ("G pairs/s", number("pairs_per_second", 1e9, 2))
    lines += ["## Sampled softmax end to end", ""] + table(softmax, *columns, pairs, WAITS, VERDICT)
    scores = beside("NDCG@20", "ndcg@20") + beside("Recall@20", "recall@20")
    lines += table(softmax, NAME, *beside("train loss", "train_loss"), *scores)
    return lines + ["## Quality", ""] + table(quality, NAME, EPOCHS, *beside("test RMSE", "rmse"), VERDICT)


def step_part(run):
    step = run["step"]
    lines = ["## A step of softmax, kernel by kernel", ""]
    if "kernels" not in step:
        return lines + [f"{step['launches']} launches profiled; no step can be told from them.", ""]
    lines += [f"{step['launches']} launches a step, busy for {step['busy_us']:.1f} µs."]
    if "step_us" in step:
        busy = percent("busy_us", "step_us")(step)
        lines += [f"A step takes {step['step_us']:.1f} µs without the profiler ({step['verdict']}); busy for {busy}."]
    rows = [{**kernel, "busy": step["busy_us"]} for kernel in step["kernels"]]
    columns = ("kernel", "kernel"), ("launches", number("launches", digits=0)), ("µs", number("us"))
    return lines + [""] + table(rows, *columns, ("of the busy time", percent("us", "busy")))


def page(run):
    info = run["info"]
    built = " ".join(str(info.get(key)) for key in ("version", "commit", "compiler"))
    lines = [f"# {'; '.join(info.get('devices') or []) or 'no device'}", ""]
    lines += [f"- part {part['part']}: `{part['command']}`, {part['date']}" for part in run["runs"]]
    lines += ["", f"unfold {built}, CUDA {info.get('cuda')}; {info.get('threads')} CPU threads."]
    lines += [run["machine"].get("gpu", ""), "", conclusion(run), ""]
    return "\n".join(lines + checks_part(run) + benchmarks_part(run) + trainings_part(run) + step_part(run))


def verdicts(run):
    return [row["verdict"] for row in run["benchmarks"] + run["trainings"]] + list(run["parity"]["ops"].values())


def conclusion(run):
    found = verdicts(run)
    counts = ", ".join(f"{found.count(v)} {v}" for v in (GOOD, OFF, NO_TWIN))
    missed = sum(s["result"] == "not reached" for s in run["steps"])
    bad = [s["step"] for s in run["steps"] if s["bad"] and s["result"] != "not reached"]
    return f"Rows: {counts}. Steps that did not pass: {', '.join(bad) or 'none'}; not reached: {missed}."


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[0])
    run = summary(folder)
    text = page(run)  # of a dry run too, so that it is tried
    name = "dry-run.json" if run["dry_run"] else "results.json"
    (folder / name).write_text(json.dumps(run, indent=1) + "\n")
    if run["dry_run"]:
        print("DRY RUN: no number here is a GPU's, and no page of results was written.")
    else:
        (folder / "results.md").write_text(text)
    for step in run["steps"]:
        print(f"{step['part']} {step['step']:28} {step['result']}")
    print(conclusion(run))
    return 0 if set(verdicts(run)) == {GOOD} and not any(s["bad"] for s in run["steps"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
