// Products of small matrices by a warp on tensor cores, and how their factors come from shared memory. With simt.cuh
// the one place where lanes exchange. What one lane holds of a matrix is a fragment; g = lane / 4 and t = lane % 4.
// Source    PTX ISA, matrix fragments for mma.m16n8k16 with floating point type; ldmatrix; cp.async
#pragma once

#include <cstdint>

#include "kernels/simt.cuh"

namespace unfold::cuda {

// sum [16, 8] += a [16, 16] b [16, 8], factors of bfloat16, added up in float32. Called by whole warps. A lane holds
//   sum  [g][2t], [g][2t + 1], [g + 8][2t], [g + 8][2t + 1]
//   a    pairs of columns: [g][2t..], [g + 8][2t..], [g][2t + 8..], [g + 8][2t + 8..]
//   b    pairs of rows: [2t..][g], [2t + 8..][g]
__device__ inline void multiply_add(float (&sum)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
#if defined(__CUDA_ARCH__)
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#elif defined(UNFOLD_EMULATED)
  simt::mma_m16n8k16(sum, a, {b0, b1});
#endif
}

// Four matrices of 8 x 8 elements of 16 bits from shared memory, each a register. Lane l gives the address of 16 bytes:
// row l % 8 of matrix l / 8. A lane gets [g][2t], [g][2t + 1] of each, or transposed [2t][g], [2t + 1][g]. Called by
// whole warps.
template <bool kTransposed>
__device__ inline void load_matrices(const Bfloat16* row, std::uint32_t (&out)[4]) {
#if defined(__CUDA_ARCH__)
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (kTransposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address));
  }
#elif defined(UNFOLD_EMULATED)
  simt::ldmatrix_x4(row, kTransposed, out);
#endif
}

// Copies from device to shared memory that a thread starts and later waits for. What it copied is there for the thread
// after wait(), and for the block after a barrier that follows.
class AsyncCopies {
 public:
  // 16 bytes, both aligned to them; zeros unless `is_there`, and then `from` is not read.
  __device__ inline void start(void* to, const void* from, bool is_there) {
#if defined(__CUDA_ARCH__)
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(is_there ? 16 : 0)
                 : "memory");
#elif defined(UNFOLD_EMULATED)
    copies_.start(to, from, is_there);
#endif
  }
  __device__ inline void wait() {
#if defined(__CUDA_ARCH__)
    asm volatile("cp.async.wait_all;" ::: "memory");
#elif defined(UNFOLD_EMULATED)
    copies_.wait();
#endif
  }

#if defined(UNFOLD_EMULATED)
 private:
  simt::AsyncCopies copies_;
#endif
};

}  // namespace unfold::cuda
