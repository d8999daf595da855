// The CPU's implementation of every op of unfold/ops.def, one file an op. The contracts stand at the ops; here is what
// the CPU adds: the number of threads. All memory is plain host memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "host/threads/thread_pool.hpp"
#include "unfold/ops.hpp"
#include "unfold/step_variables.hpp"

namespace unfold::cpu {

#define UNFOLD_OP(Op) void run(const Op& op, std::span<std::byte> workspace, int n_threads);
#include "unfold/ops.def"
#undef UNFOLD_OP

// Most ops need no workspace.
template <typename Op>
std::uint64_t workspace_bytes(const Op& /*op*/, int /*n_threads*/) {
  return 0;
}
std::uint64_t workspace_bytes(const RatingStep& op, int n_threads);
std::uint64_t workspace_bytes(const SortRows& op, int n_threads);
std::uint64_t workspace_bytes(const SampledSoftmax& op, int n_threads);
std::uint64_t workspace_bytes(const SelectNegatives& op, int n_threads);
std::uint64_t workspace_bytes(const RankTargets& op, int n_threads);
std::uint64_t workspace_bytes(const TopK& op, int n_threads);

// An op with its values of the present step, where it has any (step_variables.hpp).
template <typename Op>
Op at_present(Op op) {
  if constexpr (requires { at_step(op.step); }) op.step = at_step(op.step);
  if constexpr (requires { at_step(op.key); }) op.key = at_step(op.key);
  if constexpr (requires { op.transform.dropout_key; }) op.transform.dropout_key = at_step(op.transform.dropout_key);
  if constexpr (requires { op.hardness.key; }) op.hardness.key = at_step(op.hardness.key);
  return op;
}

// An op runs on at most this many threads.
inline constexpr int kMaxThreads = 256;

// Threads worth waking for n equal pieces of work (rows, pairs), at most n_threads. A piece takes some tens of
// nanoseconds; to wake a thread costs who wakes it some 20 microseconds on a virtual machine, and the thread is there
// after 30 to 90.
inline int threads_for(std::uint64_t n, int n_threads) {
  constexpr std::uint64_t kPiecesAThread = 4096;
  return static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(n_threads), 1 + n / kPiecesAThread));
}

// The same for rows of `stride` floats, each of which is a piece for every 16 of them.
inline int threads_for_rows(std::uint64_t n_rows, std::uint32_t stride, int n_threads) {
  return threads_for(n_rows * (1 + stride / 16), n_threads);
}

// The same for steps of n ratings, of which each is two pieces, one a row. Their results depend on it.
inline int threads_for_ratings(std::uint64_t n, int n_threads) { return threads_for(2 * n, n_threads); }

// The same for products of n vectors with m others, of `dim` columns: some hundreds of multiplications are a piece.
inline int threads_for_products(std::uint64_t n, std::uint64_t m, std::uint32_t dim, int n_threads) {
  return threads_for(n * (1 + m * (1 + dim / 16) / 32), n_threads);
}

// Calls f(first, last) for slices of that many rows, each the work of some microseconds or more.
template <typename F>
void for_rows(std::uint64_t n_rows, std::uint32_t stride, int n_threads, const F& f) {
  const std::uint64_t slice = 1 + 512 / (1 + stride / 16);
  parallel_slices(n_rows, slice, threads_for_rows(n_rows, stride, n_threads), f);
}

// The SIMD target that the ops run with on this CPU, and all it supports, best first: "AVX3", "AVX2", "SSE4".
const char* simd_target();

}  // namespace unfold::cpu
