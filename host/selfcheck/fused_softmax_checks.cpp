#include "host/selfcheck/fused_softmax_checks.hpp"

#include <iterator>

#include "host/selfcheck/softmax_inputs.hpp"

namespace unfold::selfcheck {
namespace {

constexpr SoftmaxLoss kFusedLosses[] = {
    {},
    {.positive_in_denominator = false},
    {.positive_ratio = 1.7f, .negative_weight = 0.6f},
    {.log_denominator_share = -2.5f},
};

struct FusedSizes {
  std::uint64_t n_queries, n_shared;
};
constexpr FusedSizes kFusedSizes[] = {{7, 19}, {1, 1}, {65, 64}, {1, 70}, {64, 1}, {16, 129}, {130, 33}};

HostSoftmax fused_softmax(CheckRun& run, const SoftmaxSizes& shape, const SoftmaxParts& parts,
                          const SoftmaxLoss& loss) {
  HostSoftmax c = moderate_softmax(run.random, shape, parts, loss);
  c.fused = true;
  return c;
}

// A backend that has another way takes it where it can.
bool takes_it(const CheckRun& run, const HostSoftmax& c) {
  return run.backend.name() != "cpu" && c.dim() <= kMaxFusedDim;
}

}  // namespace

void sampled_softmax_fuses_scores(CheckRun& run) {
  std::size_t turn = 0;
  for (const std::uint32_t dim : run.dims) {
    for (int times = run.thorough && dim <= kMaxFusedDim ? 3 : 1; times > 0; --times, ++turn) {
      const auto [n_queries, n_shared] = kFusedSizes[turn % std::size(kFusedSizes)];
      const std::uint32_t stride = run.backend.row_stride(turn % 3 == 0 ? dim + 40 : dim);
      const SoftmaxParts parts{turn % 2 == 0, turn % 5 < 3, turn % 3 != 1, turn % 4 == 1};
      const Checker::Scope scope("dim {} stride {} queries {} shared {} biases {} known {}", dim, stride, n_queries,
                                 n_shared, parts.biases, parts.known);
      HostSoftmax c = fused_softmax(run, {n_queries, n_shared, 0, dim, stride, TableType::kFloat32}, parts,
                                    kFusedLosses[turn % std::size(kFusedLosses)]);
      const SoftmaxOutputs got = run_softmax(run.backend, c);
      expect_softmax(c, got);
      if (n_queries * n_shared > 100) expect_sharp(c);
      run.check.that(same_vectors(run_softmax(run.backend, c, 0, false), got), "other bits without optional outputs");
      c.fused = false;
      run.check.that(same_bits(run_softmax(run.backend, c), got) == !takes_it(run, c), "{} as where it is not fused",
                     takes_it(run, c) ? "the same bits" : "other bits");
      if (run.check.failed()) return;
    }
  }
}

void sampled_softmax_fuses_in_chunks_and_parts(CheckRun& run) {
  for (const auto& [n_queries, n_shared] : {FusedSizes{run.thorough ? 210u : 70u, 530}, FusedSizes{300, 40}}) {
    const SoftmaxSizes shape{n_queries, n_shared, 0, 4, run.backend.row_stride(4), TableType::kFloat32};
    const HostSoftmax c = fused_softmax(run, shape, {.thresholds = true}, {});
    for (const std::uint64_t extra_bytes : {0, 40000, 16 << 20}) {
      const Checker::Scope scope("{} queries, {} bytes more", n_queries, extra_bytes);
      const SoftmaxOutputs got = run_softmax(run.backend, c, extra_bytes);
      expect_softmax(c, got);
      run.check.that(same_bits(run_softmax(run.backend, c, extra_bytes), got), "other bits the second time");
    }
  }
}

void sampled_softmax_fuses_what_is_known(CheckRun& run) {
  const SoftmaxSizes shape{70, 90, 0, 5, run.backend.row_stride(5), TableType::kFloat32};
  for (const SoftmaxLoss& loss : kFusedLosses) {
    HostSoftmax c = fused_softmax(run, shape, {}, loss);
    for (std::size_t b = 0; b < c.users.size(); b += 3) c.users[b] = kUserWhoKnowsAllItems;
    expect_softmax(c, run_softmax(run.backend, c));
    c.users.assign(c.users.size(), kUserWhoKnowsAllItems);
    const SoftmaxOutputs got = run_softmax(run.backend, c);
    expect_softmax(c, got);
    run.check.that(std::ranges::all_of(got.shared, [](float x) { return x == 0; }),
                   "gradients of negatives that do not take part");
  }
  check_softmax(run.backend, fused_softmax(run, {0, 9, 0, 5, shape.stride, TableType::kFloat32}, {}, {}));
}

void sampled_softmax_fuses_without_rounding_scores(CheckRun& run) {
  const SoftmaxSizes shape{20, 150, 0, 8, run.backend.row_stride(8), TableType::kFloat32};
  for (const float size : {1.0f, 100.0f}) {
    const Checker::Scope scope("vectors of {}", size);
    HostSoftmax c = fused_softmax(run, shape, {}, {});
    c.log_temperature = -1;
    for (HostTable* const table : {&c.queries, &c.positives, &c.shared})
      for (std::uint64_t r = 0; r < table->rows; ++r)
        for (std::uint32_t k = 0; k < table->cols; ++k) table->at(r, k) = std::round(3 * table->at(r, k));
    // The highest score of a query comes late in its list, and rises from tile to tile.
    for (std::uint64_t b = 0; b < shape.n_queries; ++b) c.queries.at(b, 0) = 1;
    for (std::uint64_t j = 0; j < shape.n_shared; ++j)
      c.shared.at(j, 0) = size * static_cast<float>(static_cast<int>(j / 32) - 2);
    const SoftmaxOutputs got = run_softmax(run.backend, c);
    expect_softmax(c, got);
    c.score_type = TableType::kFloat32;
    const ReferenceSoftmax expected = reference_sampled_softmax(c);
    expect_rows("positive bias gradient", got.positive_bias, expected.positive_bias, 1, 1);
    expect_rows("positive gradient", got.positives, expected.positives, c.dim(), shape.stride);
    expect_rows("log temperature gradient", got.log_temperature, expected.log_temperature, 1, 1);
    run.check.near(got.loss, {kLossBefore + expected.loss.value, expected.loss.error}, "loss");
  }
}

}  // namespace unfold::selfcheck
