#!/usr/bin/env python3
"""GFLOP/s of the products of a softmax step beside PyTorch's matmul (MKL, oneDNN), by shape and type.

  bench/peers/torch_products.py --bench build/release/bench/unfold_bench

unfold_bench times product_scores (queries x vectors transposed), product_query_gradients (scores x vectors) and
product_negative_gradients (scores transposed x queries), each as sampled_softmax calls it; PyTorch multiplies matrices of
the same shapes into one that is there (torch.matmul with out). Rounds alternate. Medians and ranges are told, and the
ratios of a round: unfold's rate over PyTorch's. bfloat16 is timed where --types names it.
"""
import argparse
import json
import statistics
import subprocess
import time

import torch

TYPES = {"float32": (0, torch.float32), "bfloat16": (2, torch.bfloat16)}
PRODUCTS = ("product_scores", "product_query_gradients", "product_negative_gradients")


def our_rate(arguments, product, shape, type_number):
    name = "{}/queries:{}/negatives:{}/dim:{}/type:{}/real_time".format(product, *shape, type_number)
    output = subprocess.run([arguments.bench, "--device=cpu", f"--threads={arguments.threads}", f"--benchmark_filter=^{name}$",
                             f"--benchmark_min_time={arguments.seconds}", "--benchmark_format=json"],
                            check=True, capture_output=True, text=True).stdout
    return json.loads(output)["benchmarks"][0]["flops"]


def their_rate(arguments, product, shape, dtype):
    queries, negatives, dim = shape
    q, v = torch.randn(queries, dim, dtype=dtype), torch.randn(negatives, dim, dtype=dtype)
    w = torch.randn(queries, negatives, dtype=dtype)
    a, b = {"product_scores": (q, v.T), "product_query_gradients": (w, v), "product_negative_gradients": (w.T, q)}[product]
    out = torch.matmul(a, b)
    times, started = [], time.monotonic()
    while time.monotonic() - started < arguments.seconds:
        begin = time.perf_counter()
        for _ in range(8):
            torch.matmul(a, b, out=out)
        times.append((time.perf_counter() - begin) / 8)
    return 2 * queries * negatives * dim / statistics.mean(times)


def told(values, scale, digits):
    values = [value * scale for value in values]
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--queries", type=int, default=1024, choices=[1024], help="as unfold_bench has it")
    parser.add_argument("--negatives", type=int, nargs="+", default=[512], choices=[512, 2048])
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--types", nargs="+", default=["float32"], choices=list(TYPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a product, program and round")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}; GFLOP/s")
    for type_name in arguments.types:
        number, dtype = TYPES[type_name]
        for negatives in arguments.negatives:
            for dim in arguments.dims:
                shape = (arguments.queries, negatives, dim)
                for product in PRODUCTS:
                    rounds = [(our_rate(arguments, product, shape, number), their_rate(arguments, product, shape, dtype))
                              for _ in range(arguments.rounds)]
                    ours, theirs = zip(*rounds)
                    ratios = [mine / other for mine, other in rounds]
                    print("{:8} {:26} {:4} x {:4} x {:3}  unfold {}  PyTorch {}  ratio {}".format(
                        type_name, product, *shape, told(ours, 1e-9, 0), told(theirs, 1e-9, 0), told(ratios, 1, 2)), flush=True)


if __name__ == "__main__":
    main()
