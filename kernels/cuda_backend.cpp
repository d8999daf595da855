// The Backend over CUDA: one device, one stream for ops, one for uploads. Ops are launched and not waited for.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/cuda_devices.hpp"
#include "kernels/cuda_slot.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/event.hpp"
#include "kernels/graph.hpp"
#include "kernels/ops.hpp"
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
        gradient_scratch_(rating_gradients_scratch_bytes()),
        launch_{compute_.get(), processor_count(device)} {}

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

  void run_step(bool use_graph, const std::function<void()>& ops) override {
    use_device();
    if (use_graph) {
      graph_.run(compute_.get(), ops);
    } else {
      ops();
    }
  }

  // Rows that begin at a multiple of 16 bytes, for loads of four floats or eight elements of 16 bits.
  std::uint32_t row_stride(std::uint32_t dim, TableType type) const override {
    const auto pack = static_cast<std::uint32_t>(16 / element_bytes(type));
    return (dim + pack - 1) / pack * pack;
  }

  void lookup_rows(const ConstTableView& table, const Row* rows, std::uint64_t n_rows, MatrixView<float> out) override {
    use_device();
    cuda::lookup_rows(launch_, table, rows, n_rows, out);
  }

  void pool_rows(const ConstTableView& table, const RowBags& bags, MatrixView<float> out) override {
    use_device();
    cuda::pool_rows(launch_, table, bags, out);
  }
  void pool_rows_gradient(const ConstTableView& table, const RowBags& bags, MatrixView<const float> out_gradient,
                          MatrixView<float> row_gradient, float* weight_gradient) override {
    use_device();
    cuda::pool_rows_gradient(launch_, table, bags, out_gradient, row_gradient, weight_gradient);
  }

  void rating_step(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                   const OptimizerStep& step, double* squared_error, std::span<std::byte>) override {
    use_device();
    cuda::rating_step(launch_, parameters, batch, loss, step, squared_error);
  }
  std::uint64_t rating_step_workspace_bytes(std::uint64_t) const override { return 0; }

  void rating_gradients(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                        MatrixView<float> user_gradient, MatrixView<float> item_gradient, float* user_bias_gradient,
                        float* item_bias_gradient, double* squared_error) override {
    use_device();
    cuda::rating_gradients(launch_, parameters, batch, loss, user_gradient, item_gradient, user_bias_gradient,
                           item_bias_gradient, squared_error,
                           {static_cast<std::byte*>(gradient_scratch_.data()), gradient_scratch_.bytes()});
  }

  void update_rows(const ParameterView& table, const Row* rows, std::uint64_t n_rows, MatrixView<const float> gradient,
                   const OptimizerStep& step, std::span<std::byte> workspace) override {
    use_device();
    cuda::update_rows(launch_, table, rows, n_rows, gradient, step, workspace);
  }
  std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows) const override {
    use_device();
    return cuda::update_rows_workspace_bytes(n_rows);
  }

  void update_rows_atomic(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                          MatrixView<const float> gradient, const OptimizerStep& step) override {
    use_device();
    cuda::update_rows_atomic(launch_, table, rows, n_rows, gradient, step);
  }

  void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                      std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q,
                      std::uint64_t* n_rejected) override {
    use_device();
    cuda::draw_negatives(launch_, sampler, key, queries, n, n_negatives, known, negatives, log_q, n_rejected);
  }

  void mixed_log_counts(const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n, float expected_draws,
                        std::uint32_t* times, float* log_count) override {
    use_device();
    cuda::mixed_log_counts(launch_, given, n_given, rows, n, expected_draws, times, log_count);
  }

  void transform_rows(const RowTransform& transform, MatrixView<float> rows, float* scale) override {
    use_device();
    cuda::transform_rows(launch_, transform, rows, scale);
  }
  void transform_rows_gradient(const RowTransform& transform, MatrixView<const float> vectors, const float* scale,
                               MatrixView<float> gradient) override {
    use_device();
    cuda::transform_rows_gradient(launch_, transform, vectors, scale, gradient);
  }

  void sampled_softmax(const SoftmaxBatch& batch, const SharedNegatives& shared, const PrivateNegatives& own,
                       const SoftmaxLoss& loss, float scale, const SoftmaxGradients& gradients,
                       std::span<std::byte> workspace) override {
    use_device();
    cuda::sampled_softmax(launch_, blas_, batch, shared, own, loss, scale, gradients, workspace);
  }
  std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                                std::uint32_t dim, TableType score_type) const override {
    use_device();
    prepare_blas(n_shared);
    return cuda::sampled_softmax_workspace_bytes(n_queries, n_shared, n_own, dim, score_type);
  }

  void select_negatives(const SoftmaxBatch& batch, const CandidatePool& pool, const Hardness& hardness, Row* rows,
                        float* log_count, std::span<std::byte> workspace) override {
    use_device();
    cuda::select_negatives(launch_, blas_, batch, pool, hardness, rows, log_count, workspace);
  }
  std::uint64_t select_negatives_workspace_bytes(std::uint64_t n_queries, std::uint32_t n_candidates,
                                                 std::uint32_t dim) const override {
    use_device();
    prepare_blas(n_candidates);
    return cuda::select_negatives_workspace_bytes(n_queries, n_candidates, dim);
  }

  void predict_ratings(const MfParameters& parameters, const Row* users, const Row* items, std::uint64_t n,
                       const RatingLoss& loss, float* prediction) override {
    use_device();
    cuda::predict_ratings(launch_, parameters, users, items, n, loss, prediction);
  }

  void rating_error_sums(const float* prediction, const float* rating, std::uint64_t n, double* sums,
                         std::span<std::byte> workspace) override {
    use_device();
    cuda::rating_error_sums(launch_, prediction, rating, n, sums, workspace);
  }
  std::uint64_t rating_error_sums_workspace_bytes(std::uint64_t n) const override {
    use_device();
    return cuda::rating_error_sums_workspace_bytes(n);
  }

  void rank_targets(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                    RowLists targets, RowLists excluded, std::uint64_t n_targets, std::uint32_t* ranks,
                    std::span<std::byte> workspace) override {
    use_device();
    cuda::rank_targets(launch_, blas_, queries, items, item_bias, targets, excluded, n_targets, ranks, workspace);
  }
  std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items,
                                             std::uint64_t n_targets) const override {
    return cuda::rank_targets_workspace_bytes(n_queries, n_items, n_targets);
  }

  void top_k(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias, RowLists excluded,
             std::uint32_t k, Row* out_items, float* out_scores, std::span<std::byte> workspace) override {
    use_device();
    cuda::top_k(launch_, blas_, queries, items, item_bias, excluded, k, out_items, out_scores, workspace);
  }
  std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint32_t k) const override {
    return cuda::top_k_workspace_bytes(n_queries, n_items, k);
  }

 private:
  // The current device is a property of the calling thread.
  void use_device() const { UNFOLD_CUDA_CHECK(cudaSetDevice(device_)); }

  // For ops that may be part of a step recorded as a graph, in which nothing may be allocated: products take what they
  // need when the op's workspace is planned. Where that fails, the product itself will say why.
  void prepare_blas(std::uint64_t n_products) const {
    if (n_products == 0) return;
    try {
      blas_.prepare();
    } catch (const DeviceError&) {
    }
  }

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
  mutable Blas blas_;  // prepared when first needed
  DeviceMemory gradient_scratch_;
  StepGraph graph_;
  Launch launch_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Backend> make_cuda_backend(int device) { return std::make_unique<cuda::CudaBackend>(device); }

}  // namespace unfold
