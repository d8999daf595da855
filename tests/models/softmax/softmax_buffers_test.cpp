// How large the arrays of a batch are.
#include "host/models/softmax/softmax_buffers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace unfold {
namespace {

constexpr std::uint64_t kQueries = 20;
constexpr std::uint32_t kDim = 6, kCatalogue = 50;

struct Case {
  const char* negatives;
  bool own;
  std::uint64_t n_shared, n_own, n_candidates;
};

// A batch's item rows are its positives, then the shared negatives, then each positive's own; their gradients stand at
// the same places, and only the first two are looked up.
TEST(SoftmaxBuffers, HoldTheLargestBatch) {
  const auto backend = make_cpu_backend(1);
  for (const Case& c : {Case{"uniform", false, 30, 0, 0}, Case{"uniform", true, 0, 30, 0},
                        Case{"uniform+hard:4/32", false, 30, 4, 32}, Case{"hard:4/32", true, 0, 4, 32 * kQueries},
                        Case{"in-batch", false, kQueries, 0, 0}, Case{"mixed:0.25", false, 4 * kQueries, 0, 0},
                        Case{"full", false, kCatalogue, 0, 0}, Case{"uniform+mined:2/9", false, 30, 2, 0}}) {
    SCOPED_TRACE(std::string(c.negatives) + (c.own ? ", own" : ""));
    SoftmaxShape shape;
    shape.n_users = 40;
    shape.n_items = kCatalogue;
    shape.dim = kDim;
    shape.batch_sizes = {kQueries, 7};
    shape.negatives = NegativeSpec::parse(c.negatives);
    shape.n_negatives = 30;
    shape.own_negatives = c.own;
    shape.has_bias = true;
    const std::uint32_t stride = backend->row_stride(kDim);
    const std::uint64_t n_looked_up = kQueries + c.n_shared, n_rows = n_looked_up + kQueries * c.n_own;
    const SoftmaxBuffers buffers(Arena(*backend), shape, true, stride);
    EXPECT_EQ(buffers.item_rows.size(), n_rows);
    EXPECT_EQ(buffers.item_gradient.size(), n_rows * stride);
    EXPECT_EQ(buffers.bias_gradient.size(), n_rows);
    EXPECT_EQ(buffers.items.vectors.size(), n_looked_up * stride);
    EXPECT_EQ(buffers.item_bias.size(), n_looked_up);
    EXPECT_EQ(buffers.queries.vectors.size(), kQueries * stride);
    EXPECT_EQ(buffers.query_gradient.size(), kQueries * stride);
    EXPECT_EQ(buffers.log_count.size(), c.n_shared > 0 ? n_looked_up : 0);
    EXPECT_EQ(buffers.own_log_count.size(), kQueries * c.n_own);
    EXPECT_EQ(buffers.candidates.size(), c.n_candidates);
    EXPECT_EQ(buffers.candidate_vectors.vectors.size(), c.own ? 0 : c.n_candidates * stride);
    EXPECT_EQ(buffers.zero_rows.size(), kQueries);
  }
}

}  // namespace
}  // namespace unfold
