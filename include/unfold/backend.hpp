// What a device can do: memory, a ring slot for streaming, and the ops of ops.def. A model is written once, against
// this. Implementations: the CPU (host/ops/) and CUDA (kernels/).
//
// Every pointer and span is in the backend's own memory (allocate) unless it says "host". Calls are in order; those
// that return values to the host wait for what came before, the others may return early. Nothing allocates but allocate
// and make_slot.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "unfold/ops.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

// One slot of a streaming ring: host memory that reader threads fill, and the device's view of it.
//   reader threads  wait_until_free(), write host(), upload(bytes): one call after another, of any of them
//   compute thread  device() ... ops that read it ... release()
// On CUDA the host memory is pinned, upload() copies on its own stream, device() makes the compute stream wait
// for that copy, and release() marks the point after which the slot may be filled again. On the CPU all is plain
// memory. The hand-over between the threads is the caller's (host/stream).
class StreamSlot {
 public:
  virtual ~StreamSlot() = default;
  virtual std::span<std::byte> host() = 0;
  virtual void wait_until_free() = 0;
  virtual void upload(std::uint64_t bytes) = 0;
  virtual const std::byte* device() = 0;
  virtual void release() = 0;
};

// Measures the device between two points in its order of ops.
class DeviceTimer {
 public:
  virtual ~DeviceTimer() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
  // Between the last start and the last stop. Waits for both.
  virtual double seconds() = 0;
};

// What tells apart steps that launch other things: where their batch stands and how long it is, and what the caller
// counts up whenever the ops of a step, or the memory that they are given, change otherwise.
struct StepKey {
  const void* batch = nullptr;
  std::uint64_t size = 0;
  std::uint64_t version = 0;
  bool operator==(const StepKey&) const = default;
};

// Runs steps, and can run one again without asking what it does: what changes from step to step, ops read where they
// run (step_variables.hpp).
class StepRecorder {
 public:
  virtual ~StepRecorder() = default;
  // Runs the ops that `ops` calls, and nothing else may it call. On CUDA the second step of a key is recorded as a
  // graph, and later ones launch that graph, without a call of `ops`. The bits are the same. Returns whether the graph
  // of an earlier step was launched.
  virtual bool run(const StepKey& key, const std::function<void()>& ops) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         // "cpu" or "cuda"
  virtual std::string description() const = 0;  // "2 threads, AVX3" or "NVIDIA H200, 141 GB, driver 580.65"

  // --- memory -------------------------------------------------------------------------------------------------
  // Whether the device's memory is its own. If not, it is the host's, which may read and write what pointers point to.
  virtual bool has_own_memory() const = 0;
  // Threads of the host that ops run on; 1 where they run on a device.
  virtual unsigned n_threads() const { return 1; }
  // At least 64-byte aligned, zeroed. Throws DeviceError (bytes wanted, bytes free). nullptr for 0 bytes.
  void* allocate(std::uint64_t bytes);
  // `bytes` as allocated.
  void deallocate(void* pointer, std::uint64_t bytes) noexcept;
  // Bytes of all that is allocated, slots' device memory included, and the most that there were at once.
  std::uint64_t allocated_bytes() const { return allocated_bytes_; }
  std::uint64_t peak_bytes() const { return peak_bytes_; }
  virtual std::uint64_t free_bytes() const = 0;
  virtual void copy_to_device(void* device, const void* host, std::uint64_t bytes) = 0;
  virtual void copy_to_host(void* host, const void* device, std::uint64_t bytes) = 0;
  virtual void copy_on_device(void* to, const void* from, std::uint64_t bytes) = 0;  // in order with the ops
  virtual void fill_zero(void* device, std::uint64_t bytes) = 0;
  // Waits for every op. Throws DeviceError for a failure that an op left behind.
  virtual void synchronize() = 0;
  virtual std::unique_ptr<StreamSlot> make_slot(std::uint64_t bytes) = 0;
  virtual std::unique_ptr<DeviceTimer> make_timer() = 0;
  virtual std::unique_ptr<StepRecorder> make_recorder() = 0;
  // Elements from one row to the next for a table with `dim` columns: what the device's vector loads like. A gradient,
  // and state with an element a column, have their table's stride.
  virtual std::uint32_t row_stride(std::uint32_t dim, TableType type = TableType::kFloat32) const = 0;

  // --- ops ----------------------------------------------------------------------------------------------------
  // run does an op of unfold/ops/: `backend.run(LookupRows{.table = table, ...})`. `workspace` holds at least
  // workspace_bytes(op), aligned as allocate's memory; less of it throws DeviceError. workspace_bytes reads shapes
  // alone, so it may be asked before the arrays exist; on CUDA it also loads cuBLAS for the ops that multiply matrices
  // in a step, as nothing can be loaded while a step is recorded.
#define UNFOLD_OP(Op)                                                      \
  virtual void run(const Op& op, std::span<std::byte> workspace = {}) = 0; \
  virtual std::uint64_t workspace_bytes(const Op& op) const = 0;
#include "unfold/ops.def"
#undef UNFOLD_OP

 private:
  // bytes > 0.
  virtual void* take_memory(std::uint64_t bytes) = 0;
  virtual void give_back_memory(void* pointer, std::uint64_t bytes) noexcept = 0;

  std::atomic<std::uint64_t> allocated_bytes_ = 0, peak_bytes_ = 0;
};

// `threads` 0: as many as the process may use, by its affinity mask and CPU quota. Of more, no more run at a time. Each
// thread that calls ops has helpers of its own; a child that is forked from it throws UsageError where it wants them.
std::unique_ptr<Backend> make_cpu_backend(unsigned threads = 0);

// Throws DeviceError where the build has no CUDA, or there is no driver or device of that number.
std::unique_ptr<Backend> make_cuda_backend(int device = 0);

// "auto" (CUDA where it works, else the CPU, telling `notice` why when the build has CUDA), "cpu", "cuda",
// "cuda:N". Throws UsageError for another word.
std::unique_ptr<Backend> make_backend(const std::string& device, unsigned threads,
                                      const std::function<void(const std::string&)>& notice = {});

// Move-only owner of an array in a backend's memory, zeroed at birth. The backend outlives it.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Backend& backend, std::uint64_t size)
      : backend_(&backend), data_(static_cast<T*>(backend.allocate(size * sizeof(T)))), size_(size) {}
  // An array that is planned, not made: it has a size, and copies to it do nothing.
  static DeviceArray planned(std::uint64_t size) {
    DeviceArray array;
    array.size_ = size;
    return array;
  }
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    DeviceArray moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~DeviceArray() {
    if (data_ != nullptr) backend_->deallocate(data_, bytes());
  }

  T* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t bytes() const { return size_ * sizeof(T); }
  void upload(std::span<const T> host) {
    if (data_ != nullptr) backend_->copy_to_device(data_, host.data(), host.size_bytes());
  }
  void download(std::span<T> host) const { backend_->copy_to_host(host.data(), data_, host.size_bytes()); }
  void zero() { backend_->fill_zero(data_, bytes()); }

 private:
  void swap(DeviceArray& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  Backend* backend_ = nullptr;
  T* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace unfold
