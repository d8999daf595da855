// The fast update of biased matrix factorization: rows changed in place, one rating after another on each thread,
// in parts of a batch whose rows no other thread touches: those that it comes in, or cells (rating_cells.hpp).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rating_step.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <algorithm>
#include <span>

#include "host/ops/ops.hpp"
#include "host/ops/rating_cells.hpp"
#include "host/ops/rating_loop-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// Calls `f` with the stride as a compile-time constant where there is a loop of its own for it, else with 0.
template <typename F>
void with_stride(std::uint64_t stride, F&& f) {
  switch (stride) {
    case 16:
      return f.template operator()<16>();
    case 32:
      return f.template operator()<32>();
    case 64:
      return f.template operator()<64>();
    case 128:
      return f.template operator()<128>();
    default:
      return f.template operator()<0>();
  }
}

// Runs one after another; their squared error.
double rating_step_runs(const RatingStep& op, const RatingBatch& arrays, std::span<const RatingRun> runs,
                        const std::uint32_t* positions) {
  const TableView& weight = op.parameters.user_factors.weight;
  double squared_error = 0;
  with_optimizer(op.step.kind, [&]<OptimizerKind kKind>() {
    with_element(weight.type, [&]<typename Element>() {
      with_stride(weight.stride, [&]<std::size_t kStride>() {
        RatingLoop<kKind, Element, kStride> loop(op.parameters, op.loss, op.step);
        for (const RatingRun& run : runs) squared_error += loop.run(arrays, run, positions);
      });
    });
  });
  return squared_error;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {
namespace {

HWY_EXPORT(rating_step_runs);

double step_one_run(const RatingStep& op, const RatingBatch& ratings, const std::uint32_t* positions) {
  const RatingRun whole{0, ratings.size, 0};
  return HWY_DYNAMIC_DISPATCH(rating_step_runs)(op, ratings, {&whole, 1}, positions);
}

double step_part(const RatingStep& op, std::uint64_t round, std::uint32_t part) {
  const RatingRuns& cut = *op.batch.runs;
  const std::uint64_t at = round * cut.n_parts + part, begin = at == 0 ? 0 : cut.ends[at - 1];
  return HWY_DYNAMIC_DISPATCH(rating_step_runs)(op, op.batch, {cut.runs + begin, cut.ends[at] - begin}, nullptr);
}

double step_cell(const RatingStep& op, const RatingCells& cells, std::uint32_t user_group, std::uint32_t item_group) {
  const RatingCell cell = cells.cell(user_group, item_group);
  return step_one_run(op, cell.ratings, cell.positions);
}

// Calls f(part) for as many parts as the result depends on; where fewer threads run, some do several.
template <typename F>
void for_parts(std::uint32_t n_parts, int n_threads, const F& f) {
  parallel_for(n_parts, std::min(n_threads, static_cast<int>(n_parts)),
               [&](std::uint64_t part) { f(static_cast<std::uint32_t>(part)); });
}

// The sum of step(round, part) over all rounds, one after another, and parts.
template <typename Step>
double sum_rounds(std::uint64_t n_rounds, std::uint32_t n_parts, int n_threads, std::span<std::byte> memory,
                  const Step& step) {
  auto* const errors = reinterpret_cast<double*>(memory.data());
  std::fill(errors, errors + n_parts, 0.0);
  for (std::uint64_t round = 0; round < n_rounds; ++round) {
    for_parts(n_parts, n_threads, [&](std::uint32_t part) { errors[part] += step(round, part); });
  }
  double sum = 0;
  for (std::uint32_t part = 0; part < n_parts; ++part) sum += errors[part];
  return sum;
}

// A batch that comes in one piece, cut into cells first.
double step_cells(const RatingStep& op, int n_threads, std::span<std::byte> workspace) {
  const auto n_parts = static_cast<std::uint32_t>(n_threads);
  const bool with_positions = op.parameters.user_factors.weight.type != TableType::kFloat32;
  RatingCells cells(op.batch, n_threads, with_positions, workspace.subspan(sizeof(double) * kMaxThreads));
  for_parts(n_parts, n_threads, [&](std::uint32_t part) { cells.count(part); });
  cells.place();
  for_parts(n_parts, n_threads, [&](std::uint32_t part) { cells.scatter(part); });
  return sum_rounds(n_parts, n_parts, n_threads, workspace, [&](std::uint64_t round, std::uint32_t part) {
    return step_cell(op, cells, part, static_cast<std::uint32_t>((part + round) % n_parts));
  });
}

}  // namespace

std::uint64_t workspace_bytes(const RatingStep& op, int n_threads) {
  if (op.batch.runs != nullptr) return sizeof(double) * kMaxThreads;
  const int threads = threads_for_ratings(op.batch.size, n_threads);
  return threads == 1 ? 0 : RatingCells::workspace_bytes(op.batch.size, threads) + sizeof(double) * kMaxThreads;
}

void run(const RatingStep& op, std::span<std::byte> workspace, int n_threads) {
  if (op.batch.size == 0) return;
  double& sum = *op.squared_error.place();
  if (const RatingRuns* const runs = op.batch.runs; runs != nullptr) {
    sum += sum_rounds(runs->n_rounds, runs->n_parts, n_threads, workspace,
                      [&](std::uint64_t round, std::uint32_t part) { return step_part(op, round, part); });
    return;
  }
  const int threads = threads_for_ratings(op.batch.size, n_threads);
  sum += threads == 1 ? step_one_run(op, op.batch, nullptr) : step_cells(op, threads, workspace);
}

}  // namespace unfold::cpu
#endif
