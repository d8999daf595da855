// The CPU backend: plain host memory, and the ops of host/ops on a fixed number of threads.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "host/device/aligned_memory.hpp"
#include "host/ops/ops.hpp"
#include "host/threads/processors.hpp"
#include "unfold/backend.hpp"
#include "unfold/error.hpp"
#include "unfold/memory_plan.hpp"

namespace unfold {
namespace {

// Rows hold whole vectors of the widest SIMD target, whatever their type; of float32 they start on a cache line.
constexpr std::uint32_t kRowAlignment = 16;

using Clock = std::chrono::steady_clock;
double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

class HostSlot : public StreamSlot {
 public:
  HostSlot(Backend& backend, std::uint64_t bytes) : memory_(backend, bytes) {}
  std::span<std::byte> host() override { return {memory_.data(), memory_.size()}; }
  void wait_until_free() override {}
  void upload(std::uint64_t) override {}
  const std::byte* device() override { return memory_.data(); }
  void release() override {}

 private:
  DeviceArray<std::byte> memory_;
};

class HostTimer : public DeviceTimer {
 public:
  void start() override { started_ = Clock::now(); }
  void stop() override { stopped_ = Clock::now(); }
  double seconds() override { return seconds_between(started_, stopped_); }

 private:
  Clock::time_point started_, stopped_;
};

class HostRecorder : public StepRecorder {
 public:
  bool run(const StepKey&, const std::function<void()>& ops) override {
    ops();
    return false;
  }
};

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(int n_threads) : n_threads_(n_threads) {}

  std::string name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("{} thread{}, {}", n_threads_, n_threads_ == 1 ? "" : "s", cpu::simd_target());
  }

  bool has_own_memory() const override { return false; }
  unsigned n_threads() const override { return static_cast<unsigned>(n_threads_); }
  void* take_memory(std::uint64_t bytes) override {
    void* pointer = cpu::allocate_zeroed(bytes);
    if (pointer == nullptr) {
      throw DeviceError(fmt::format("out of host memory: {} ({} bytes) wanted, {} free", format_bytes(bytes), bytes,
                                    format_bytes(free_bytes())));
    }
    return pointer;
  }
  void give_back_memory(void* pointer, std::uint64_t bytes) noexcept override { cpu::release(pointer, bytes); }
  std::uint64_t free_bytes() const override { return available_host_bytes(); }
  void copy_to_device(void* device, const void* host, std::uint64_t bytes) override { copy(device, host, bytes); }
  void copy_to_host(void* host, const void* device, std::uint64_t bytes) override { copy(host, device, bytes); }
  void copy_on_device(void* to, const void* from, std::uint64_t bytes) override { copy(to, from, bytes); }
  void fill_zero(void* device, std::uint64_t bytes) override {
    if (bytes > 0) std::memset(device, 0, bytes);
  }
  void synchronize() override {}
  std::unique_ptr<StreamSlot> make_slot(std::uint64_t bytes) override {
    return std::make_unique<HostSlot>(*this, bytes);
  }
  std::unique_ptr<DeviceTimer> make_timer() override { return std::make_unique<HostTimer>(); }
  std::unique_ptr<StepRecorder> make_recorder() override { return std::make_unique<HostRecorder>(); }
  std::uint32_t row_stride(std::uint32_t dim, TableType) const override {
    return (dim + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  }

#define UNFOLD_OP(Op)                                                        \
  void run(const Op& op, std::span<std::byte> workspace) override {          \
    require_workspace(#Op, workspace, cpu::workspace_bytes(op, n_threads_)); \
    cpu::run(cpu::at_present(op), workspace, n_threads_);                    \
  }                                                                          \
  std::uint64_t workspace_bytes(const Op& op) const override { return cpu::workspace_bytes(op, n_threads_); }
#include "unfold/ops.def"
#undef UNFOLD_OP

 private:
  static void require_workspace(const char* op, std::span<std::byte> workspace, std::uint64_t bytes) {
    if (workspace.size() >= bytes) return;
    throw DeviceError(fmt::format("{}: the workspace has {} bytes, {} are needed", op, workspace.size(), bytes));
  }
  static void copy(void* to, const void* from, std::uint64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  int n_threads_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(unsigned threads) {
  const int wanted = threads == 0 ? static_cast<int>(usable_processors()) : static_cast<int>(threads);
  return std::make_unique<CpuBackend>(std::min(wanted, cpu::kMaxThreads));
}

}  // namespace unfold
