// The CPU backend: plain host memory, and the ops of host/ops on a fixed number of threads.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "host/device/aligned_memory.hpp"
#include "host/ops/ops.hpp"
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
  const std::byte* device() override {
    taken_at_ = Clock::now();
    is_taken_ = true;
    return memory_.data();
  }
  void release() override {
    if (is_taken_) busy_seconds_ += seconds_between(taken_at_, Clock::now());
    is_taken_ = false;
  }
  double busy_seconds() const override { return busy_seconds_; }

 private:
  DeviceArray<std::byte> memory_;
  Clock::time_point taken_at_;
  bool is_taken_ = false;
  double busy_seconds_ = 0;
};

class HostTimer : public DeviceTimer {
 public:
  void start() override { started_ = Clock::now(); }
  void stop() override { stopped_ = Clock::now(); }
  double seconds() override { return seconds_between(started_, stopped_); }

 private:
  Clock::time_point started_, stopped_;
};

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(int n_threads) : n_threads_(n_threads) {}

  std::string name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("{} thread{}, {}", n_threads_, n_threads_ == 1 ? "" : "s", cpu::simd_target());
  }

  bool has_own_memory() const override { return false; }
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
  void run_step(bool, const std::function<void()>& ops) override { ops(); }
  std::uint32_t row_stride(std::uint32_t dim, TableType) const override {
    return (dim + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  }

  void lookup_rows(const ConstTableView& table, const Row* rows, std::uint64_t n_rows, MatrixView<float> out) override {
    cpu::lookup_rows(table, rows, n_rows, out, n_threads_);
  }
  void pool_rows(const ConstTableView& table, const RowBags& bags, MatrixView<float> out) override {
    cpu::pool_rows(table, bags, out, n_threads_);
  }
  void pool_rows_gradient(const ConstTableView& table, const RowBags& bags, MatrixView<const float> out_gradient,
                          MatrixView<float> row_gradient, float* weight_gradient) override {
    cpu::pool_rows_gradient(table, bags, out_gradient, row_gradient, weight_gradient, n_threads_);
  }
  void rating_step(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                   const OptimizerStep& step, double* squared_error, std::span<std::byte> workspace) override {
    cpu::rating_step(parameters, batch, loss, step, squared_error, workspace, n_threads_);
  }
  std::uint64_t rating_step_workspace_bytes(std::uint64_t batch_size) const override {
    return cpu::rating_step_workspace_bytes(batch_size, n_threads_);
  }
  void rating_gradients(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                        MatrixView<float> user_gradient, MatrixView<float> item_gradient, float* user_bias_gradient,
                        float* item_bias_gradient, double* squared_error) override {
    cpu::rating_gradients(parameters, batch, loss, user_gradient, item_gradient, user_bias_gradient, item_bias_gradient,
                          squared_error, n_threads_);
  }
  void update_rows(const ParameterView& table, const Row* rows, std::uint64_t n_rows, MatrixView<const float> gradient,
                   const OptimizerStep& step, std::span<std::byte> workspace) override {
    cpu::update_rows(table, rows, n_rows, gradient, step, workspace, n_threads_);
  }
  std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows) const override {
    return cpu::update_rows_workspace_bytes(n_rows);
  }
  void update_rows_atomic(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                          MatrixView<const float> gradient, const OptimizerStep& step) override {
    cpu::update_rows_atomic(table, rows, n_rows, gradient, step, n_threads_);
  }
  void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                      std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q,
                      std::uint64_t* n_rejected) override {
    cpu::draw_negatives(sampler, key, queries, n, n_negatives, known, negatives, log_q, n_rejected, n_threads_);
  }
  void mixed_log_counts(const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n, float expected_draws,
                        std::uint32_t* times, float* log_count) override {
    cpu::mixed_log_counts(given, n_given, rows, n, expected_draws, times, log_count);
  }
  void transform_rows(const RowTransform& transform, MatrixView<float> rows, float* scale) override {
    cpu::transform_rows(transform, rows, scale, n_threads_);
  }
  void transform_rows_gradient(const RowTransform& transform, MatrixView<const float> vectors, const float* scale,
                               MatrixView<float> gradient) override {
    cpu::transform_rows_gradient(transform, vectors, scale, gradient, n_threads_);
  }
  void sampled_softmax(const SoftmaxBatch& batch, const SharedNegatives& shared, const PrivateNegatives& own,
                       const SoftmaxLoss& loss, float scale, const SoftmaxGradients& gradients,
                       std::span<std::byte> workspace) override {
    cpu::sampled_softmax(batch, shared, own, loss, scale, gradients, workspace, n_threads_);
  }
  std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                                std::uint32_t dim, TableType /*score_type*/) const override {
    return cpu::sampled_softmax_workspace_bytes(n_queries, n_shared, n_own, dim, n_threads_);
  }
  void select_negatives(const SoftmaxBatch& batch, const CandidatePool& pool, const Hardness& hardness, Row* rows,
                        float* log_count, std::span<std::byte> workspace) override {
    cpu::select_negatives(batch, pool, hardness, rows, log_count, workspace, n_threads_);
  }
  std::uint64_t select_negatives_workspace_bytes(std::uint64_t n_queries, std::uint32_t n_candidates,
                                                 std::uint32_t dim) const override {
    return cpu::select_negatives_workspace_bytes(n_queries, n_candidates, dim, n_threads_);
  }
  void predict_ratings(const MfParameters& parameters, const Row* users, const Row* items, std::uint64_t n,
                       const RatingLoss& loss, float* prediction) override {
    cpu::predict_ratings(parameters, users, items, n, loss, prediction, n_threads_);
  }
  void rating_error_sums(const float* prediction, const float* rating, std::uint64_t n, double* sums,
                         std::span<std::byte>) override {
    cpu::rating_error_sums(prediction, rating, n, sums, n_threads_);
  }
  std::uint64_t rating_error_sums_workspace_bytes(std::uint64_t) const override { return 0; }
  void rank_targets(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                    RowLists targets, RowLists excluded, std::uint64_t n_targets, std::uint32_t* ranks,
                    std::span<std::byte> workspace) override {
    cpu::rank_targets(queries, items, item_bias, targets, excluded, n_targets, ranks, workspace, n_threads_);
  }
  std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items,
                                             std::uint64_t n_targets) const override {
    return cpu::rank_targets_workspace_bytes(n_queries, n_items, n_targets);
  }
  void top_k(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias, RowLists excluded,
             std::uint32_t k, Row* out_items, float* out_scores, std::span<std::byte> workspace) override {
    cpu::top_k(queries, items, item_bias, excluded, k, out_items, out_scores, workspace, n_threads_);
  }
  std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items, std::uint32_t k) const override {
    return cpu::top_k_workspace_bytes(n_queries, n_items, k);
  }

 private:
  static void copy(void* to, const void* from, std::uint64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }

  int n_threads_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(unsigned threads) {
  const int wanted = threads == 0 ? omp_get_num_procs() : static_cast<int>(threads);
  return std::make_unique<CpuBackend>(std::min(wanted, cpu::kMaxThreads));
}

}  // namespace unfold
