// The Backend over CUDA: one device, one stream for ops, one for uploads. Ops are launched and not waited for.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/cuda_devices.hpp"
#include "kernels/cuda_slot.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/event.hpp"
#include "kernels/ops.hpp"
#include "kernels/step_graphs.hpp"
#include "kernels/stream.hpp"
#include "kernels/workspace.hpp"
#include "unfold/error.hpp"
#include "unfold/memory_plan.hpp"

namespace unfold {
namespace cuda {

void check_workspace(const char* op, const Workspace& workspace, std::uint64_t given_bytes) {
  if (workspace.fits()) return;
  throw DeviceError(
      fmt::format("{} needs a workspace of {} bytes and was given {}", op, workspace.used_bytes(), given_bytes));
}

namespace {

// Makes `device` the thread's current one before any member is built on it.
int select_device(int device) {
  require_device(device);
  UNFOLD_CUDA_CHECK(cudaSetDevice(device));
  return device;
}

unsigned processor_count(int device) {
  int count = 0;
  UNFOLD_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return static_cast<unsigned>(std::max(count, 1));
}

class Timer final : public DeviceTimer {
 public:
  Timer(int device, cudaStream_t stream) : device_(device), stream_(stream) {}
  void start() override { record(started_); }
  void stop() override { record(stopped_); }
  double seconds() override {
    stopped_.synchronize();
    return stopped_.seconds_since(started_);
  }

 private:
  void record(Event& event) {
    UNFOLD_CUDA_CHECK(cudaSetDevice(device_));
    event.record(stream_);
  }
  int device_;
  cudaStream_t stream_;
  Event started_{Event::Timing::kOn}, stopped_{Event::Timing::kOn};
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device)
      : device_(select_device(device)),
        description_(device_description(device)),
        blas_(compute_.get()),
        block_errors_(block_errors_bytes()),
        context_{{compute_.get(), processor_count(device)}, blas_, static_cast<double*>(block_errors_.data())} {}

  ~CudaBackend() override {
    // Nothing is freed while an op may read it.
    cudaSetDevice(device_);
    cudaStreamSynchronize(copy_.get());
    cudaStreamSynchronize(compute_.get());
  }

  std::string name() const override { return "cuda"; }
  std::string description() const override { return description_; }

  bool has_own_memory() const override { return true; }
  void* take_memory(std::uint64_t bytes) override {
    use_device();
    DeviceMemory memory(bytes);
    UNFOLD_CUDA_CHECK(cudaMemsetAsync(memory.data(), 0, bytes, compute_.get()));
    compute_.synchronize();
    return memory.release();
  }

  void give_back_memory(void* pointer, std::uint64_t /*bytes*/) noexcept override {
    cudaSetDevice(device_);
    if (cudaFree(pointer) != cudaSuccess) cudaGetLastError();
  }

  std::uint64_t free_bytes() const override {
    use_device();
    std::size_t free = 0, total = 0;
    UNFOLD_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return free;
  }

  void copy_to_device(void* device, const void* host, std::uint64_t bytes) override {
    copy(device, host, bytes, cudaMemcpyHostToDevice);
  }
  void copy_to_host(void* host, const void* device, std::uint64_t bytes) override {
    copy(host, device, bytes, cudaMemcpyDeviceToHost);
  }
  void copy_on_device(void* to, const void* from, std::uint64_t bytes) override {
    if (bytes == 0) return;
    use_device();
    UNFOLD_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, compute_.get()));
  }
  void fill_zero(void* device, std::uint64_t bytes) override {
    if (bytes == 0) return;
    use_device();
    UNFOLD_CUDA_CHECK(cudaMemsetAsync(device, 0, bytes, compute_.get()));
  }

  void synchronize() override {
    use_device();
    compute_.synchronize();
  }

  std::unique_ptr<StreamSlot> make_slot(std::uint64_t bytes) override {
    use_device();
    return std::make_unique<Slot>(*this, device_, compute_.get(), copy_.get(), bytes);
  }

  std::unique_ptr<DeviceTimer> make_timer() override {
    use_device();
    return std::make_unique<Timer>(device_, compute_.get());
  }

  std::unique_ptr<StepRecorder> make_recorder() override {
    return std::make_unique<StepGraphs>(device_, compute_.get());
  }

  // Rows that begin at a multiple of 16 bytes, for loads of four floats or eight elements of 16 bits.
  std::uint32_t row_stride(std::uint32_t dim, TableType type) const override {
    const auto pack = static_cast<std::uint32_t>(16 / element_bytes(type));
    return (dim + pack - 1) / pack * pack;
  }

#define UNFOLD_OP(Op)                                               \
  void run(const Op& op, std::span<std::byte> workspace) override { \
    use_device();                                                   \
    cuda::run(context_, op, workspace);                             \
  }                                                                 \
  std::uint64_t workspace_bytes(const Op& op) const override {      \
    use_device();                                                   \
    return cuda::workspace_bytes(context_, op);                     \
  }
#include "unfold/ops.def"
#undef UNFOLD_OP

 private:
  // The current device is a property of the calling thread.
  void use_device() const { UNFOLD_CUDA_CHECK(cudaSetDevice(device_)); }

  // In order with the ops; the caller may reuse the host memory at once.
  void copy(void* to, const void* from, std::uint64_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return;
    use_device();
    UNFOLD_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, kind, compute_.get()));
    compute_.synchronize();
  }

  int device_;
  std::string description_;
  Stream compute_{Stream::Priority::kLow}, copy_{Stream::Priority::kHigh};
  Blas blas_;  // prepared when first needed
  DeviceMemory block_errors_;
  Context context_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(int device) { return std::make_unique<cuda::CudaBackend>(device); }

}  // namespace unfold
