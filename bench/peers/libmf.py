#!/usr/bin/env python3
"""Times `mf` beside LIBMF: an epoch of each, and what each takes to LIBMF's best test error.

  bench/peers/libmf.py --unfold build/release/host/unfold --mf-train PATH --mf-predict PATH

mf-train and mf-predict are LIBMF's own programs (https://github.com/cjlin1/libmf), built with
-O3 -march=native -DUSEAVX -DUSEOMP. A data set is written with `unfold synth`, every tenth rating is held out, and both
programs get the same two files, LIBMF's with row numbers.

An epoch. Rounds alternate: in each, both programs run for one epoch and for many, and the difference of their processor
times (user, all threads) leaves out reading, set-up and evaluation. So does that of LIBMF's wall times; unfold writes down
the wall time of each epoch. The median of the rounds and their range are told, and so are those of the ratios of a round,
which say most on a machine that other programs use too.

Time to an error. LIBMF runs for each of --iterations with each of --penalties; its lowest test RMSE is the target, and
of unfold's runs the shortest that reaches it counts. Both times are epochs times the median of an epoch, and, beside it,
whole runs from the shell, in which LIBMF reads text each time and unfold a cached import.
"""
import argparse
import csv
import json
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time


def run(command):
    """Output, wall seconds and processor seconds."""
    started, user = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    output = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    return (output.stdout, time.monotonic() - started,
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - user)


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
    (folder / "all.csv").unlink()


class Libmf:
    name = "LIBMF"

    def __init__(self, arguments, folder, dim):
        self.arguments, self.folder, self.dim = arguments, folder, dim

    def train(self, epochs, penalty=None):
        """Wall and processor seconds."""
        options = self.arguments.libmf_options.split() + (["-l2", penalty] if penalty is not None else [])
        _, wall, user = run([self.arguments.mf_train, "-f", 0, "-k", self.dim, "-t", epochs, "-s",
                             self.arguments.threads, *options, self.folder / "train.mf", self.folder / "libmf.model"])
        return wall, user

    def told_seconds(self):
        """Wall seconds of an epoch of the last run, where the program tells them."""
        return None

    def rmse(self):
        """Of the model trained last."""
        text, _, _ = run([self.arguments.mf_predict, "-e", 0, self.folder / "test.mf", self.folder / "libmf.model",
                          self.folder / "libmf.out"])
        return float(text.split("=")[1].split()[0])


class Unfold:
    name = "unfold"

    def __init__(self, arguments, folder, dim):
        self.arguments, self.folder, self.dim = arguments, folder, dim
        self.last_rmse = None

    def train(self, epochs, options=None):
        text, wall, user = run([self.arguments.unfold, "train", self.folder / "train.csv", "--out",
                                self.folder / "model", "--overwrite", "--test", self.folder / "test.csv", "--dim",
                                self.dim, "--epochs", epochs, "--device", "cpu", "--threads", self.arguments.threads,
                                "--cache", self.folder / "cache", "--no-ranking", "--json",
                                *(options or self.arguments.unfold_options).split()])
        self.last_rmse = json.loads(text)["rmse"]
        return wall, user

    def told_seconds(self):
        return statistics.mean(json.loads(line)["seconds"] for line in open(self.folder / "model" / "history.jsonl"))

    def rmse(self):
        return self.last_rmse


def time_epoch(program, more):
    """Wall and processor seconds of an epoch."""
    wall_one, user_one = program.train(1)
    wall_many, user_many = program.train(1 + more)
    wall = program.told_seconds()
    return wall if wall is not None else (wall_many - wall_one) / more, (user_many - user_one) / more


def median_and_range(values, digits=3):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def compare_epochs(ours, theirs, arguments):
    """Median wall seconds of an epoch of each."""
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append([time_epoch(program, arguments.epochs) for program in (ours, theirs)])
    for number, program in enumerate((ours, theirs)):
        print(f"{program.dim:3}  {program.name:7}  s/epoch {median_and_range([r[number][0] for r in rounds])}"
              f"  processor s/epoch {median_and_range([r[number][1] for r in rounds])}")
    print(f"{ours.dim:3}  LIBMF takes {median_and_range([r[1][0] / r[0][0] for r in rounds], 2)} times as long, "
          f"{median_and_range([r[1][1] / r[0][1] for r in rounds], 2)} times the processor time", flush=True)
    return [statistics.median([r[number][0] for r in rounds]) for number in (0, 1)]


def compare_errors(ours, theirs, epoch_seconds, arguments):
    results = []
    for penalty in arguments.penalties:
        for iterations in arguments.iterations:
            wall, _ = theirs.train(iterations, penalty)
            results.append((theirs.rmse(), iterations, penalty, wall))
            print(f"{ours.dim:3}  LIBMF   {iterations:3} iterations, -l2 {penalty}: test rmse {results[-1][0]:.4f}")
    target, iterations, penalty, their_wall = min(results)
    for epochs in range(1, max(arguments.iterations) + 1):
        wall, _ = ours.train(epochs, arguments.unfold_target_options or None)
        print(f"{ours.dim:3}  unfold  {epochs:3} epochs: test rmse {ours.rmse():.4f}", flush=True)
        if ours.rmse() <= target:
            our_seconds, their_seconds = epochs * epoch_seconds[0], iterations * epoch_seconds[1]
            print(f"{ours.dim:3}  to rmse {target:.4f}: unfold {epochs} epochs, {our_seconds:.2f} s, LIBMF {iterations} "
                  f"iterations (-l2 {penalty}), {their_seconds:.2f} s: {their_seconds / our_seconds:.1f} times; whole "
                  f"runs {wall:.1f} s and {their_wall:.1f} s", flush=True)
            return
    print(f"{ours.dim:3}  unfold does not reach {target:.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unfold", type=pathlib.Path, required=True)
    parser.add_argument("--mf-train", type=pathlib.Path, required=True)
    parser.add_argument("--mf-predict", type=pathlib.Path, required=True)
    parser.add_argument("--users", type=int, default=138000)
    parser.add_argument("--items", type=int, default=27000)
    parser.add_argument("--ratings", type=int, default=10000000, help="a tenth is held out")
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=10, help="timed in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, nargs="*", default=[10, 20, 40], help="of LIBMF, to its best error")
    parser.add_argument("--penalties", nargs="+", default=["0.02", "0.05"], help="of LIBMF, to its best error")
    parser.add_argument("--libmf-options", default="-l2 0.02 -r 0.1", help="as one word")
    parser.add_argument("--unfold-options", default="--learning-rate 0.1 --l2 0.02", help="as one word")
    parser.add_argument("--unfold-target-options", default="", help="to LIBMF's best error; empty: the same")
    parser.add_argument("--data", type=pathlib.Path, help="folder to keep the data in, or where it is already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) if arguments.data is None else arguments.data
        folder.mkdir(exist_ok=True)
        if not (folder / "test.mf").exists():
            write_data(arguments.unfold, folder, arguments.users, arguments.items, arguments.ratings)
        Unfold(arguments, folder, arguments.dims[0]).train(1)  # imports, so that no timed run does
        n_train = sum(1 for _ in open(folder / "train.mf"))
        print(f"{n_train} training ratings, {arguments.threads} threads, {arguments.rounds} rounds", flush=True)
        for dim in arguments.dims:
            ours, theirs = Unfold(arguments, folder, dim), Libmf(arguments, folder, dim)
            epoch_seconds = compare_epochs(ours, theirs, arguments)
            if arguments.iterations:
                compare_errors(ours, theirs, epoch_seconds, arguments)


if __name__ == "__main__":
    main()
