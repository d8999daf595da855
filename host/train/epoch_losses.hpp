// Losses of an epoch's steps, in the backend's memory, brought to the host now and then.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "host/tables/arena.hpp"

namespace unfold {

class EpochLosses {
 public:
  EpochLosses(const Arena& arena, std::uint64_t n_batches)
      : device_(arena.array<double>("losses of an epoch", n_batches)), host_(n_batches) {}

  void start() {
    device_.zero();
    n_read_ = 0;
    total_ = 0;
  }
  double* slot(std::uint64_t batch) const { return device_.data() + batch; }
  // Reads the losses of batches before `n_done`. False where one is not finite: then n_read() is its number.
  bool read(Backend& backend, std::uint64_t n_done) {
    backend.copy_to_host(&host_[n_read_], slot(n_read_), sizeof(double) * (n_done - n_read_));
    for (; n_read_ < n_done; ++n_read_) {
      if (!std::isfinite(host_[n_read_])) return false;
      total_ += host_[n_read_];
    }
    return true;
  }
  std::uint64_t n_read() const { return n_read_; }
  double total() const { return total_; }

 private:
  DeviceArray<double> device_;
  std::vector<double> host_;
  std::uint64_t n_read_ = 0;
  double total_ = 0;
};

}  // namespace unfold
