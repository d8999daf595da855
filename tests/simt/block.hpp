// One block while it runs: who is ready, who waits for what, and its shared memory. Decides nothing about the order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "tests/simt/device.hpp"

namespace simt {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kMaxThreads = 1024;               // of a block, as on a device
inline constexpr std::size_t kMaxSharedBytes = 227 * 1024;  // of a block, as on an H200

// Lanes of a warp that meet to exchange values.
struct Meeting {
  Exchange kind;
  std::uint32_t mask;     // who is to come
  std::uint32_t arrived;  // who has
};

struct Warp {
  std::uint32_t ready = 0, present = 0, returned = 0;  // lanes
  std::vector<Meeting> meetings;
  std::uint64_t values[kWarp], results[kWarp];
  unsigned sources[kWarp];
};

class Block {
 public:
  Block(unsigned n_threads, std::size_t dynamic_bytes);

  unsigned n_threads() const { return n_threads_; }
  // Warps with a lane that can run, a bit each, and those lanes.
  std::uint32_t ready_warps() const { return ready_warps_; }
  std::uint32_t ready_lanes(unsigned warp) const { return warps_[warp].ready; }
  bool all_returned() const { return n_returned_ == n_threads_; }

  // A ready thread begins to run; it is ready again once what it waits for has come.
  void take(unsigned thread);
  // Each throws std::runtime_error where the thread asks for what has no meaning. True where all have arrived.
  bool arrive_at_barrier(const std::source_location& where);
  bool arrive_at_exchange(unsigned thread, Exchange kind, std::uint32_t mask, std::uint64_t value, unsigned source,
                          const std::source_location& where);
  void arrive_at_end(unsigned thread);
  std::uint64_t result(unsigned thread) const { return warps_[thread / kWarp].results[thread % kWarp]; }

  // Why nobody is ready although some have not returned, and a thread that waits.
  std::string describe_deadlock(unsigned& thread) const;

  void* shared_array(const void* key, std::size_t bytes, std::size_t alignment);
  void* dynamic_shared() const { return dynamic_.get(); }

 private:
  // Exactly as large as asked for, so that AddressSanitizer sees the end, and full of 0xFF: NaN where it is read
  // before it is written.
  struct Free {
    std::size_t alignment;
    void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(alignment)); }
  };
  using Memory = std::unique_ptr<void, Free>;
  Memory allocate_shared(std::size_t bytes, std::size_t alignment);

  void make_ready(unsigned warp, std::uint32_t lanes) {
    warps_[warp].ready |= lanes;
    ready_warps_ |= 1u << warp;
  }
  void finish(unsigned warp_number, const Meeting& meeting);

  unsigned n_threads_;
  std::vector<Warp> warps_;
  std::uint32_t ready_warps_ = 0;
  unsigned n_returned_ = 0;
  unsigned n_at_barrier_ = 0;
  std::source_location barrier_;
  std::size_t shared_bytes_ = 0;
  Memory dynamic_;
  struct Declared {
    const void* key;
    Memory memory;
  };
  std::vector<Declared> arrays_;
};

}  // namespace simt
