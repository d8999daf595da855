// The path of sampled_softmax that keeps no scores in memory: SharedNegatives::fused.
#pragma once

#include <span>

#include "kernels/launch.hpp"
#include "unfold/ops/sampled_softmax.hpp"

namespace unfold::cuda {

// Whether an op is one for it; all others take the path of matrix products.
bool is_fused(const SampledSoftmax& op);

// Of an op with queries, whose matrices have been checked.
void run_fused(const Launch& launch, const SampledSoftmax& op, std::span<std::byte> workspace);
std::uint64_t fused_workspace_bytes(const Launch& launch, const SampledSoftmax& op);

}  // namespace unfold::cuda
