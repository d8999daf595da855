#!/usr/bin/env python3
"""Times an epoch of `softmax` beside the same model in PyTorch: batch, negatives, dimension and threads alike.

  bench/peers/torch_softmax.py --unfold build/release/host/unfold --data train.txt [--own]

The PyTorch model is what one would write: two embedding tables, cosine scores over a temperature, dropout on the user's
vector, `--negatives` uniform items that the batch shares (scored by one product) or, with --own, that each positive has
for itself (gathered), the bilateral softmax loss, Adam over the rows touched (SparseAdam). Negatives that the user knows
are not masked in PyTorch, which spares it work. --score-type bfloat16 has the products of shared negatives of either
multiplied in bfloat16. Rounds alternate: medians and ranges are told, of the seconds of an epoch and of a round's ratios to
unfold's. PyTorch is timed over --steps steps and scaled to an epoch; of unfold's epochs in a run the fastest counts.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch


def read_pairs(path):
    """Users and items of an adjacency list file: "user item item ..."."""
    users, items = [], []
    for line in open(path):
        row = [int(word) for word in line.split()]
        users += row[:1] * (len(row) - 1)
        items += row[1:]
    return torch.tensor(users), torch.tensor(items)


class Peer:
    def __init__(self, users, items, arguments, dense):
        torch.manual_seed(1)
        self.users, self.items, self.arguments = users, items, arguments
        self.n_items = int(items.max()) + 1
        self.tables = torch.nn.ModuleList(
            torch.nn.Embedding(n, arguments.dim, sparse=not dense) for n in (int(users.max()) + 1, self.n_items))
        for table in self.tables:
            torch.nn.init.normal_(table.weight, std=0.01)
        adam = torch.optim.Adam if dense else torch.optim.SparseAdam
        self.optimizer = adam(list(self.tables.parameters()), lr=0.01)

    def step(self, rows):
        a = self.arguments
        normalize = torch.nn.functional.normalize
        query = normalize(torch.nn.functional.dropout(self.tables[0](self.users[rows]), 0.1), dim=-1)
        positive = normalize(self.tables[1](self.items[rows]), dim=-1)
        if a.own:
            negative = normalize(self.tables[1](torch.randint(self.n_items, (len(rows), a.negatives))), dim=-1)
            scores = torch.bmm(negative, query.unsqueeze(2)).squeeze(2)
        else:
            negative = normalize(self.tables[1](torch.randint(self.n_items, (a.negatives,))), dim=-1)
            dtype = getattr(torch, a.score_type)
            scores = (query.to(dtype) @ negative.T.to(dtype)).float()
        loss = (1.22 * torch.logsumexp(scores / 0.1, dim=1) - (query * positive).sum(dim=1) / 0.1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def seconds_an_epoch(self):
        a = self.arguments
        order = torch.randperm(len(self.users))
        batches = [order[k:k + a.batch] for k in range(0, len(order) - a.batch + 1, a.batch)]
        for rows in batches[:3]:
            self.step(rows)
        timed = batches[3:3 + a.steps]
        started = time.monotonic()
        for rows in timed:
            self.step(rows)
        return (time.monotonic() - started) / len(timed) * len(self.users) / a.batch


def unfold_seconds(arguments):
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.unfold, "train", arguments.data, "--model", "softmax", "--out", f"{folder}/m", "--split", "none",
                   "--validation", "none", "--epochs", arguments.epochs, "--dim", arguments.dim, "--batch-size",
                   arguments.batch, "--n-negatives", arguments.negatives, "--threads", arguments.threads, "--device", "cpu",
                   "--no-ranking", "--quiet", "--no-bias", "--loss", "bsl", "--temperature", "0.1",
                   "--score-type", arguments.score_type,
                   *(["--own-negatives"] if arguments.own else [])]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        history = pathlib.Path(folder, "m", "history.jsonl").read_text().splitlines()
    return min(json.loads(line)["seconds"] for line in history)


def told(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unfold", required=True)
    parser.add_argument("--data", required=True, help='adjacency lists, "user item item ..."')
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--negatives", type=int, default=512)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--score-type", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--no-dense", action="store_true", help="leave out PyTorch's Adam over whole tables")
    parser.add_argument("--own", action="store_true", help="negatives of each positive's own")
    parser.add_argument("--epochs", type=int, default=2, help="of unfold, a run")
    parser.add_argument("--steps", type=int, default=40, help="of PyTorch, a run")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    users, items = read_pairs(arguments.data)
    peers = {"PyTorch, SparseAdam": False} if arguments.no_dense else {"PyTorch, SparseAdam": False, "PyTorch, Adam": True}
    seconds = {name: [] for name in ("unfold", *peers)}
    for _ in range(arguments.rounds):
        seconds["unfold"].append(unfold_seconds(arguments))
        for name, dense in peers.items():
            seconds[name].append(Peer(users, items, arguments, dense).seconds_an_epoch())
    n = len(users)
    print(f"{n} positives, batch {arguments.batch}, {arguments.negatives} {'own' if arguments.own else 'shared'} negatives, "
          f"dim {arguments.dim}, {arguments.score_type}, {arguments.threads} threads, PyTorch {torch.__version__}")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:20}  {told(times)} s/epoch  {n / median / 1e3:9.1f} k positives/s  "
              f"{n * arguments.negatives / median / 1e6:9.1f} M pairs/s  "
              f"{told([time / ours for time, ours in zip(times, seconds['unfold'])])} times unfold's")


if __name__ == "__main__":
    main()
