// What a device can do: memory, a ring slot for streaming, and the one list of ops. A model is written once,
// against this list. Implementations: the CPU (host/ops/) and CUDA (kernels/).
//
// Tables. Embeddings are float32, float16 or bfloat16 (table_view.hpp) where an op takes a ConstTableView or a
// ParameterView; everything else is float32, and so is all arithmetic. What a training op writes to a 16-bit table is
// rounded stochastically, with the random bits that rounding_bits (optimizer.hpp) names.
//
// Conventions. Every pointer and span is in the backend's own memory (allocate) unless it says "host". Calls are
// in order; those that return values to the host wait for what came before, the others may return early. Arrays
// do not overlap. Rows are in range (the data layer guarantees it; ops do not check). Nothing allocates but
// allocate and make_slot.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "unfold/matrix_view.hpp"
#include "unfold/negative_sampling.hpp"
#include "unfold/op_arguments.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/rating_loss.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold {

// One slot of a streaming ring: host memory that a reader thread fills, and the device's view of it.
//   reader thread   wait_until_free(), write host(), upload(bytes)
//   compute thread  device() ... ops that read it ... release()
// On CUDA the host memory is pinned, upload() copies on its own stream, device() makes the compute stream wait
// for that copy, and release() marks the point after which the slot may be filled again. On the CPU all is plain
// memory. The hand-over between the two threads is the caller's (host/stream).
class StreamSlot {
 public:
  virtual ~StreamSlot() = default;
  virtual std::span<std::byte> host() = 0;
  virtual void wait_until_free() = 0;
  virtual void upload(std::uint64_t bytes) = 0;
  virtual const std::byte* device() = 0;
  virtual void release() = 0;
  // Time that the device spent between device() and release(), over all the rounds that wait_until_free has seen end.
  virtual double busy_seconds() const = 0;
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

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;         // "cpu" or "cuda"
  virtual std::string description() const = 0;  // "2 threads, AVX3" or "NVIDIA H200, 141 GB, driver 580.65"

  // --- memory -------------------------------------------------------------------------------------------------
  // Whether that is other memory than the host's. Pointers into the host's own are plain.
  virtual bool has_own_memory() const = 0;
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
  // Runs the ops that `ops` calls as one step. With use_graph, CUDA records them into a graph and launches that, which
  // costs the host less for each small op; results have the same bits. `ops` calls nothing but ops.
  virtual void run_step(bool use_graph, const std::function<void()>& ops) = 0;
  // Elements from one row to the next for a table with `dim` columns: what the device's vector loads like. A gradient,
  // and state with an element a column, have their table's stride.
  virtual std::uint32_t row_stride(std::uint32_t dim, TableType type = TableType::kFloat32) const = 0;

  // --- ops ----------------------------------------------------------------------------------------------------
  // out[n] = table[rows[n]]. `out` [n_rows, table.cols] has a stride of its own; columns past cols are zeroed.
  // Bytes: n * ((4 + element_bytes) * cols + 4).
  virtual void lookup_rows(const ConstTableView& table, const Row* rows, std::uint64_t n_rows,
                           MatrixView<float> out) = 0;

  // out[b] = scale * sum of weights[n] * table[rows[n]] over the entries n of bag b, in their order, with scale =
  // 1 / (entries of the bag) for a mean (not the sum of its weights) and 1 for a sum: equal bits from run to run. An
  // empty bag gives zeros. `out` [n_bags, table.cols] has the table's stride; columns past cols are zeroed.
  // Bytes: entries * (row of the table + 8) + bags * (4 * cols + 8).
  virtual void pool_rows(const ConstTableView& table, const RowBags& bags, MatrixView<float> out) = 0;

  // Its gradient by each entry's row and weight, given that by `out`:
  //   row_gradient[n] = scale * weights[n] * out_gradient[b]                which update_rows takes with bags.rows
  //   weight_gradient[n] = scale * table[rows[n]] . out_gradient[b]         unless weight_gradient is null
  // Shapes: out_gradient [n_bags, cols], row_gradient [n_entries, cols], both with the table's stride; [n_entries].
  // Bytes: entries * (4 * cols + 8), with weights a row of the table and 4 more; bags * 4 * cols.
  virtual void pool_rows_gradient(const ConstTableView& table, const RowBags& bags,
                                  MatrixView<const float> out_gradient, MatrixView<float> row_gradient,
                                  float* weight_gradient) = 0;

  // The fast update: for each rating, score, gradient (rating_loss.hpp) and optimizer (optimizer.hpp) on the two
  // rows and two biases it touches, in place; both rows' gradients are taken before either is changed. Ratings run in
  // parallel. CUDA: those that share a row may lose updates (Hogwild: Niu, Recht, Re and Wright, NIPS 2011). CPU:
  // threads never share a row at the same time, so no update is lost and the result depends on the number of threads
  // alone; with one it is plain sequential SGD in batch order. Adds the sum of squared errors before the updates to
  // *squared_error (may be NaN or infinite: that is how divergence shows). `workspace` holds at least
  // rating_step_workspace_bytes(batch.size).
  // Bytes: a rating reads and writes 2 * (element_bytes * dim + 4), with state 2 * 4 * (dim + 1) more, and reads 12.
  virtual void rating_step(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                           const OptimizerStep& step, double* squared_error, std::span<std::byte> workspace) = 0;
  virtual std::uint64_t rating_step_workspace_bytes(std::uint64_t batch_size) const = 0;

  // The same gradients, not applied: for rating n the row of user_gradient is by_score * q_i + l2 * p_u, of
  // item_gradient by_score * p_u + l2 * q_i, of the bias gradients by_score + l2_bias * b. Outputs [batch.size,
  // dim] with the tables' stride, and [batch.size]. Adds to *squared_error in a fixed order.
  virtual void rating_gradients(const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                                MatrixView<float> user_gradient, MatrixView<float> item_gradient,
                                float* user_bias_gradient, float* item_bias_gradient, double* squared_error) = 0;

  // The deterministic update: gradients of equal rows are summed in batch order, then the optimizer is applied
  // once a row: equal bits for any number of threads. Entries of kUnknownRow are left out. `gradient` [n_rows,
  // table.cols] has the table's stride.
  // `workspace` holds at least update_rows_workspace_bytes(n_rows).
  // Bytes: n * (4 * dim + 4) read, rows touched * dim * (element_bytes + 4 * state) read and written; sorting and
  // segments move some 40 bytes a row of the batch on top.
  virtual void update_rows(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                           MatrixView<const float> gradient, const OptimizerStep& step,
                           std::span<std::byte> workspace) = 0;
  virtual std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows) const = 0;

  // The fast update by a batch of gradients: each is applied on its own, in any order, in place, where update_rows sums
  // those of equal rows first. Same arguments. CUDA: atomic adds, so that SGD, AdaGrad and row-wise AdaGrad lose no
  // update (AdaGrad's rate comes from the sum of squares as some order of the batch has it); Adam reads, updates and
  // writes rows, and equal rows in flight may lose updates (Hogwild). CPU: a row belongs to one thread, which applies
  // its gradients in batch order; none is lost, with equal bits for any number of threads. Rows of 16 bits are updated
  // like Adam's on CUDA.
  // Bytes: n * (4 * dim + 4) read, n * dim * (element_bytes + 4 * state) read and written.
  virtual void update_rows_atomic(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                                  MatrixView<const float> gradient, const OptimizerStep& step) = 0;

  // n_negatives rows for each of n queries that the query does not know, drawn uniformly or from an alias table, and
  // the log of the probability of each (negative_sampling.hpp has how, and the formula). `known` [lists] are ascending,
  // distinct and below n_items; queries[k] is the row of query k's list. Without lists (null offsets) nothing is known
  // and queries may be null. Draw j of query k is a pure function of (seed, step, (first_position + k) * n_negatives +
  // j): equal rows on every backend, in any batches. negatives [n, n_negatives], log_q [n, n_negatives] or null; a
  // query that knows every item gets kUnknownRow and 0. Adds to *n_rejected the draws that were known rows. Bytes: a
  // negative writes 8, an attempt (1 / unknown mass of them on average) reads 8 + 4 * log2(known rows).
  virtual void draw_negatives(const NegativeSampler& sampler, const RandomKey& key, const Row* queries, std::uint64_t n,
                              std::uint32_t n_negatives, RowLists known, Row* negatives, float* log_q,
                              std::uint64_t* n_rejected) = 0;

  // How often each of `rows` [n] is expected among negatives of which some are `given` [n_given] and the others drawn,
  // each row `expected_draws` times on average (> 0):
  //   log_count[j] = log(expected_draws + times that rows[j] stands in `given`)
  // Exact for any given rows, however they came about: only the draws are random (the balance heuristic of Veach and
  // Guibas, SIGGRAPH 1995). `times` [n_items] is zero before and after. Bytes: 20 * n_given + 12 * n.
  virtual void mixed_log_counts(const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n,
                                float expected_draws, std::uint32_t* times, float* log_count) = 0;

  // The vectors that are scored, from looked-up rows, in place: row n becomes dropout(row) * scale[n] with scale[n] = 1
  // / its length where transform.normalize, else 1 (softmax_arguments.hpp). The padding of `rows` is zero and stays so.
  // scale [rows.rows], or null. Bytes: n * (8 * cols + 4).
  virtual void transform_rows(const RowTransform& transform, MatrixView<float> rows, float* scale) = 0;

  // Its gradient by the rows, in place, given that by the vectors: with v the vector and g its gradient,
  //   g <- keep * (g - (g . v) v) * scale[n]    where transform.normalize, else keep * (g + l2 * v)
  // keep being 1 / (1 - dropout) or 0 for each element: a length of 1 feels no L2 penalty. Bytes: n * (12 * cols + 4).
  virtual void transform_rows_gradient(const RowTransform& transform, MatrixView<const float> vectors,
                                       const float* scale, MatrixView<float> gradient) = 0;

  // Forward and backward of a batch's losses over {positive, negatives} (softmax_loss.hpp has the formulas, and
  // softmax_arguments.hpp shapes and what is optional). A query's negatives are the shared ones that its user does not
  // know (and that are not its positive: known lists hold it) and its own, all in one denominator. Gradients are those
  // of scale * sum of the queries' losses. Products of shared negatives: scores [n_queries, n], then the gradients of
  // queries and of shared vectors, accumulated in float32, of factors that shared.score_type may let it round; the log
  // of a sum of exponentials is taken relative to its largest term. A shared negative's gradient is a sum over queries
  // in a fixed order for a given number of threads. Throws UsageError where a matrix has another stride than
  // batch.queries, and for a score_type of kFloat16. `workspace` holds at least sampled_softmax_workspace_bytes(...);
  // more makes larger tiles.
  // Operations: 6 * n_queries * shared.n * dim. Bytes: own negatives n_queries * own.n * (row of the table + 4 * dim).
  virtual void sampled_softmax(const SoftmaxBatch& batch, const SharedNegatives& shared, const PrivateNegatives& own,
                               const SoftmaxLoss& loss, float scale, const SoftmaxGradients& gradients,
                               std::span<std::byte> workspace) = 0;
  virtual std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared,
                                                        std::uint32_t n_own, std::uint32_t dim,
                                                        TableType score_type = TableType::kFloat32) const = 0;

  // Chooses hardness.n_kept of the pool's candidates for each query, in one pass over their scores: those with the
  // highest keys (selection_key), of equal keys the one that stands first; candidates that are kUnknownRow or, in a
  // shared pool, known to the query's user never. Queries and positives as in sampled_softmax. Outputs [n_queries, M],
  // by descending key: the row, and log_count, the candidate's own with, for kScoreWeighted where candidates were left
  // out, log(1 - exp(-exp(key without noise - k))) added, k being the (M + 1)-th key: then sums over the kept ones
  // estimate those over all candidates without bias. Where fewer than M are left: kUnknownRow and 0.
  // 1 <= M <= N <= kMaxCandidates, else UsageError. `workspace` holds at least select_negatives_workspace_bytes(...).
  // Operations: 2 * n_queries * N * dim. Bytes, not shared: n_queries * N * (row of the table + 4).
  virtual void select_negatives(const SoftmaxBatch& batch, const CandidatePool& pool, const Hardness& hardness,
                                Row* rows, float* log_count, std::span<std::byte> workspace) = 0;
  virtual std::uint64_t select_negatives_workspace_bytes(std::uint64_t n_queries, std::uint32_t n_candidates,
                                                         std::uint32_t dim) const = 0;

  // prediction[n] = predicted rating of (users[n], items[n]). A row of kUnknownRow contributes nothing: no bias
  // and no factors. Only the weights of `parameters` are read; biases may be null, which adds nothing.
  virtual void predict_ratings(const MfParameters& parameters, const Row* users, const Row* items, std::uint64_t n,
                               const RatingLoss& loss, float* prediction) = 0;

  // sums[0] += sum of (prediction - rating)^2 and sums[1] += sum of |prediction - rating|, in double, in an order that
  // depends on n and the backend alone. `workspace` holds at least rating_error_sums_workspace_bytes(n).
  // Bytes: 8 * n read.
  virtual void rating_error_sums(const float* prediction, const float* rating, std::uint64_t n, double* sums,
                                 std::span<std::byte> workspace) = 0;
  virtual std::uint64_t rating_error_sums_workspace_bytes(std::uint64_t n) const = 0;

  // Ranks of given items among all items, without ever holding all scores. Query q is a row of `queries`
  // [n_queries, dim] (same stride as items); item i scores queries[q].items[i] + item_bias[i] (item_bias may be
  // null). `excluded` items of a query (training items) do not take part. For target t of query q,
  //   rank = 1 + #{items that are neither excluded nor targets: score >= score(t)}
  //            + #{other targets of q: score > score(t), or equal and of a lower row}
  // so ties never flatter a model. A target whose score is NaN gets the last rank, the number of items that take
  // part; any other item whose score is NaN is before no target. A target is never in `excluded`. `ranks`
  // [n_targets] in the order of targets.ids. `workspace` holds at least rank_targets_workspace_bytes(...); more
  // makes larger tiles.
  virtual void rank_targets(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                            RowLists targets, RowLists excluded, std::uint64_t n_targets, std::uint32_t* ranks,
                            std::span<std::byte> workspace) = 0;
  virtual std::uint64_t rank_targets_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items,
                                                     std::uint64_t n_targets) const = 0;

  // The k best items of each query, exactly, without ever holding all scores. Scores and `excluded` as in rank_targets;
  // best is the highest score, then the lowest row; excluded items and scores that are not numbers never appear.
  // out_items and out_scores [n_queries, k], best first; where fewer than k items are left, kUnknownRow and -infinity.
  // 1 <= k <= kMaxTopK, else UsageError; k may pass the number of items. `workspace` holds at least
  // top_k_workspace_bytes(...); more makes larger tiles. The result does not depend on that or on threads.
  // Bytes: the items once for each tile of queries; 8 * k a query written.
  virtual void top_k(MatrixView<const float> queries, MatrixView<const float> items, const float* item_bias,
                     RowLists excluded, std::uint32_t k, Row* out_items, float* out_scores,
                     std::span<std::byte> workspace) = 0;
  virtual std::uint64_t top_k_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_items,
                                              std::uint32_t k) const = 0;

 private:
  // bytes > 0.
  virtual void* take_memory(std::uint64_t bytes) = 0;
  virtual void give_back_memory(void* pointer, std::uint64_t bytes) noexcept = 0;

  std::atomic<std::uint64_t> allocated_bytes_ = 0, peak_bytes_ = 0;
};

// `threads` 0: as many as the process may use.
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
