#!/usr/bin/env python3
"""Times an epoch of `mf` beside LIBMF's: same ratings, dimension, threads and number of epochs.

  bench/peers/libmf.py --unfold build/release/host/unfold --mf-train PATH --mf-predict PATH

mf-train and mf-predict are LIBMF's own programs (https://github.com/cjlin1/libmf), built with AVX. A data set is
written with `unfold synth`, every tenth rating is held out, and both programs get the same two files, LIBMF's with row
numbers. LIBMF does not print the time of an iteration, so it runs for 1 and for 1 + 3 * EPOCHS iterations: the
difference leaves out reading and set-up. Runs alternate, and the fastest of each counts. The options below are the
best of a few tried for either program on this data.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import tempfile
import time


def run(command, **keywords):
    started = time.monotonic()
    output = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **keywords)
    return time.monotonic() - started, output.stdout


def write_data(unfold, folder, users, items, ratings):
    """ratings.csv split into train.csv and test.csv, and the same with row numbers for LIBMF."""
    run([unfold, "synth", folder / "all.csv", "--users", users, "--items", items, "--ratings", ratings, "--dim", 16,
         "--noise", 0.5])
    with open(folder / "all.csv", newline="") as source, open(folder / "train.csv", "w") as train, \
            open(folder / "test.csv", "w") as test, open(folder / "train.mf", "w") as train_mf, \
            open(folder / "test.mf", "w") as test_mf:
        rows = csv.reader(source)
        header = ",".join(next(rows)) + "\n"
        train.write(header)
        test.write(header)
        user_rows, item_rows = {}, {}
        for number, (user, item, rating) in enumerate(rows):
            held_out = number % 10 == 0
            (test if held_out else train).write(f"{user},{item},{rating}\n")
            (test_mf if held_out else train_mf).write(
                f"{user_rows.setdefault(user, len(user_rows))} {item_rows.setdefault(item, len(item_rows))} {rating}\n")


def time_libmf(arguments, folder, dim):
    seconds = {}
    more = 3 * arguments.epochs
    for iterations in (1, 1 + more):
        seconds[iterations], _ = run([arguments.mf_train, "-f", 0, "-k", dim, "-t", iterations, "-s", arguments.threads,
                                      *arguments.libmf_options.split(), folder / "train.mf", folder / "libmf.model"])
    # The model of exactly EPOCHS iterations, for its error and the time of a whole run.
    total, _ = run([arguments.mf_train, "-f", 0, "-k", dim, "-t", arguments.epochs, "-s", arguments.threads,
         *arguments.libmf_options.split(), folder / "train.mf", folder / "libmf.model"])
    _, text = run([arguments.mf_predict, "-e", 0, folder / "test.mf", folder / "libmf.model", folder / "libmf.out"])
    rmse = float(text.split("=")[1].split()[0])
    return (seconds[1 + more] - seconds[1]) / more, total, rmse


def time_unfold(arguments, folder, dim):
    total, text = run([arguments.unfold, "train", folder / "train.csv", "--out", folder / "model", "--overwrite",
                       "--test", folder / "test.csv", "--dim", dim, "--epochs", arguments.epochs, "--device", "cpu",
                       "--threads", arguments.threads, "--cache", folder / "cache", "--no-ranking", "--json",
                       *arguments.unfold_options.split()])
    lines = [json.loads(line) for line in open(folder / "model" / "history.jsonl")]
    return sum(line["seconds"] for line in lines) / len(lines), total, json.loads(text)["rmse"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unfold", type=pathlib.Path, required=True)
    parser.add_argument("--mf-train", type=pathlib.Path, required=True)
    parser.add_argument("--mf-predict", type=pathlib.Path, required=True)
    parser.add_argument("--users", type=int, default=138000)
    parser.add_argument("--items", type=int, default=27000)
    parser.add_argument("--ratings", type=int, default=10000000, help="a tenth is held out")
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--libmf-options", default="-l2 0.02 -r 0.1", help="as one word")
    parser.add_argument("--unfold-options", default="--learning-rate 0.1 --l2 0.02", help="as one word")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(arguments.unfold, folder, arguments.users, arguments.items, arguments.ratings)
        n_train = sum(1 for _ in open(folder / "train.mf"))
        time_unfold(arguments, folder, 1)  # imports, so that no timed run does
        print(f"{n_train} training ratings, {arguments.epochs} epochs, {arguments.threads} threads")
        print("dim  program  s/epoch  Mratings/s  whole run s  test rmse")
        for dim in arguments.dims:
            ours, theirs = [], []
            for _ in range(arguments.repeats):
                ours.append(time_unfold(arguments, folder, dim))
                theirs.append(time_libmf(arguments, folder, dim))
            for program, results in (("unfold", ours), ("LIBMF", theirs)):
                epoch, total, rmse = min(results)
                print(f"{dim:3}  {program:7}  {epoch:7.3f}  {n_train / epoch / 1e6:10.2f}  {total:11.2f}  {rmse:9.4f}")
            print(f"{dim:3}  an epoch of LIBMF takes {min(theirs)[0] / min(ours)[0]:.2f} times as long", flush=True)


if __name__ == "__main__":
    main()
