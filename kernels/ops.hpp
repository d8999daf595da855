// The CUDA implementation of every op of unfold/ops.def, one file an op. The contracts stand at the ops; here is what
// CUDA adds: the context. All pointers are to device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/blas.hpp"
#include "kernels/launch.hpp"
#include "unfold/ops.hpp"

namespace unfold::cuda {

// What ops need of their backend.
struct Context {
  Launch launch;
  Blas& blas;
  double* block_errors;  // of RatingGradients, block_errors_bytes()
};
std::uint64_t block_errors_bytes();

#define UNFOLD_OP(Op) void run(const Context& context, const Op& op, std::span<std::byte> workspace);
#include "unfold/ops.def"
#undef UNFOLD_OP

// Most ops need no workspace.
template <typename Op>
std::uint64_t workspace_bytes(const Context& /*context*/, const Op& /*op*/) {
  return 0;
}
std::uint64_t workspace_bytes(const Context& context, const UpdateRows& op);
std::uint64_t workspace_bytes(const Context& context, const RatingGradients& op);
std::uint64_t workspace_bytes(const Context& context, const SortRows& op);
std::uint64_t workspace_bytes(const Context& context, const SampledSoftmax& op);
std::uint64_t workspace_bytes(const Context& context, const SelectNegatives& op);
std::uint64_t workspace_bytes(const Context& context, const RatingErrorSums& op);
std::uint64_t workspace_bytes(const Context& context, const RankTargets& op);
std::uint64_t workspace_bytes(const Context& context, const TopK& op);

}  // namespace unfold::cuda
