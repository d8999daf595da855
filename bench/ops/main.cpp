// unfold_bench: every op on a device, timed against a copy measured in the same run. Google Benchmark's options, and
//   --device=auto|cpu|cuda|cuda:N    --threads=N
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "unfold/error.hpp"
#include "unfold/version.hpp"

namespace unfold::bench {
namespace {

// The value of "--name=value", taken out of the arguments; else `otherwise`.
std::string take_flag(int& argc, char** argv, std::string_view name, std::string otherwise) {
  int kept = 1;
  for (int k = 1; k < argc; ++k) {
    const std::string_view word = argv[k];
    if (word.starts_with(name)) {
      otherwise = word.substr(name.size());
    } else {
      argv[kept++] = argv[k];
    }
  }
  argc = kept;
  return otherwise;
}

unsigned parse_threads(const std::string& text) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError(fmt::format("--threads: \"{}\" is not a number of threads; 0 takes all", text));
  }
  return n;
}

void run(int argc, char** argv) {
  const std::string name = take_flag(argc, argv, "--device=", "auto");
  choose_device(name, parse_threads(take_flag(argc, argv, "--threads=", "0")));
#define UNFOLD_OP(Op) register_benchmarks<Op>();
#include "unfold/ops.def"
#undef UNFOLD_OP
  register_product_benchmarks();
  const bool lists_only =
      std::any_of(argv, argv + argc, [](std::string_view word) { return word.starts_with("--benchmark_list_tests"); });
  benchmark::Initialize(&argc, argv);
  if (argc > 1) throw UsageError(fmt::format("unknown option \"{}\"; see --help", argv[1]));
  benchmark::AddCustomContext("device", device().name() + ": " + device().description());
  benchmark::AddCustomContext("commit", build_info().commit);
  if (!lists_only)
    benchmark::AddCustomContext("copy_gb_per_second", fmt::format("{:.1f}", copy_bytes_per_second() / 1e9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  release_device();
}

}  // namespace
}  // namespace unfold::bench

int main(int argc, char** argv) {
  try {
    unfold::bench::run(argc, argv);
  } catch (const unfold::Error& error) {
    fmt::print(stderr, "unfold_bench: error: {}\n", error.what());
    return error.exit_code();
  }
  return 0;
}
