// Instructions that CUDA has no functions for, as kernels/warp_matrix.cuh asks for them: mma.m16n8k16 of bfloat16,
// ldmatrix.x4 and cp.async. By the PTX manual's layouts, over whole matrices that the warp puts together.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/simt/device.hpp"
#include "tests/simt/emulator.hpp"

namespace simt {

inline float bfloat16_value(std::uint32_t bits) { return std::bit_cast<float>(bits << 16); }

struct MmaLane : Collective {
  float* sum;
  std::array<std::uint32_t, 4> a;
  std::array<std::uint32_t, 2> b;
};

// The registers of 32 lanes as matrices, and back.
inline void run_mma(Collective* const* lanes) {
  float a[16][16], b[16][8];
  const auto of = [&](unsigned lane) { return static_cast<const MmaLane*>(lanes[lane]); };
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned shift = 16 * half, k = 2 * t + half;
      a[g][k] = bfloat16_value(of(lane)->a[0] >> shift & 0xFFFFu);
      a[g + 8][k] = bfloat16_value(of(lane)->a[1] >> shift & 0xFFFFu);
      a[g][k + 8] = bfloat16_value(of(lane)->a[2] >> shift & 0xFFFFu);
      a[g + 8][k + 8] = bfloat16_value(of(lane)->a[3] >> shift & 0xFFFFu);
      b[k][g] = bfloat16_value(of(lane)->b[0] >> shift & 0xFFFFu);
      b[k + 8][g] = bfloat16_value(of(lane)->b[1] >> shift & 0xFFFFu);
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned n = 0; n < 4; ++n) {
      const unsigned row = lane / 4 + n / 2 * 8, column = lane % 4 * 2 + n % 2;
      float sum = of(lane)->sum[n];
      for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
      of(lane)->sum[n] = sum;
    }
  }
}

inline void mma_m16n8k16(float (&sum)[4], const std::uint32_t (&a)[4], std::array<std::uint32_t, 2> b,
                         const std::source_location& where = std::source_location::current()) {
  MmaLane lane{{&run_mma}, sum, {a[0], a[1], a[2], a[3]}, b};
  run_together(lane, where);
}

struct MatrixLane : Collective {
  const void* row;
  bool transposed;
  std::uint32_t* out;
};

inline void run_ldmatrix(Collective* const* lanes) {
  const auto of = [&](unsigned lane) { return static_cast<const MatrixLane*>(lanes[lane]); };
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    std::uint16_t elements[8][8];
    for (unsigned row = 0; row < 8; ++row) {
      const void* const address = of(8 * matrix + row)->row;
      if (reinterpret_cast<std::uintptr_t>(address) % 16 != 0)
        throw std::runtime_error("ldmatrix reads a row that is not aligned to 16 bytes");
      std::memcpy(elements[row], address, 16);
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned g = lane / 4, t = lane % 4;
      const bool transposed = of(lane)->transposed;
      const std::uint32_t low = transposed ? elements[2 * t][g] : elements[g][2 * t];
      const std::uint32_t high = transposed ? elements[2 * t + 1][g] : elements[g][2 * t + 1];
      of(lane)->out[matrix] = low | high << 16;
    }
  }
}

inline void ldmatrix_x4(const void* row, bool transposed, std::uint32_t (&out)[4],
                        const std::source_location& where = std::source_location::current()) {
  MatrixLane lane{{&run_ldmatrix}, row, transposed, out};
  run_together(lane, where);
}

// Until the wait the place is full of 0xFF.
class AsyncCopies {
 public:
  void start(void* to, const void* from, bool is_there) {
    if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % 16 != 0)
      throw KernelError("block " + std::to_string(block_index.x) + ", thread " + std::to_string(thread_index.x) +
                        ": cp.async copies what is not aligned to 16 bytes");
    std::memset(to, 0xFF, 16);
    copies_.push_back({to, is_there ? from : nullptr});
  }
  void wait() {
    for (const Copy& copy : copies_) {
      if (copy.from == nullptr) {
        std::memset(copy.to, 0, 16);
      } else {
        std::memcpy(copy.to, copy.from, 16);
      }
    }
    copies_.clear();
  }

 private:
  struct Copy {
    void* to;
    const void* from;
  };
  std::vector<Copy> copies_;
};

}  // namespace simt
