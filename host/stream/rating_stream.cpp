#include "unfold/rating_stream.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "unfold/random.hpp"

namespace unfold {
namespace {

// Bytes of one of a slot's arrays: whole cache lines, so that each array starts on one.
std::uint64_t array_bytes(std::uint64_t batch_size) { return (batch_size * 4 + 63) / 64 * 64; }

// An epoch is well mixed by this many blocks; more would only make reading less sequential.
constexpr std::uint64_t kBlocksAnEpoch = 65536;
constexpr std::uint64_t kSmallestBlock = 16, kLargestBlock = 4096;

}  // namespace

// The ring. Slot s of an epoch's batch b is b % n_slots. The reader fills batch `n_filled` once it is less than
// n_slots ahead of `n_released`; the consumer takes batch `n_taken` once it is filled.
struct RatingStream::State {
  RatingView ratings;
  RatingStreamOptions options;
  std::vector<std::unique_ptr<StreamSlot>> slots;
  std::vector<std::uint32_t> block_order;

  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t n_filled = 0, n_taken = 0, n_released = 0;
  bool stopping = false;
  std::exception_ptr failure;
  std::thread reader;
  double busy_before = 0;  // seconds of the slots before the epoch

  State(const MakeSlot& make_slot, const RatingView& r, const RatingStreamOptions& o) : ratings(r), options(o) {
    options.batch_size = std::max<std::uint64_t>(1, std::min(options.batch_size, ratings.size()));
    if (options.block_size == 0) {
      options.block_size = std::clamp(ratings.size() / kBlocksAnEpoch, kSmallestBlock, kLargestBlock);
    }
    if (!options.groups.empty()) options.block_size = std::gcd(options.block_size, options.batch_size);
    for (unsigned s = 0; s < options.n_slots; ++s) slots.push_back(make_slot(bytes_of_slot()));
    block_order.resize((ratings.size() + options.block_size - 1) / options.block_size);
  }
  ~State() { stop(); }

  std::uint64_t bytes_of_slot() const { return slot_bytes(options.batch_size, !options.weights.empty()); }
  std::uint64_t n_batches() const { return (ratings.size() + options.batch_size - 1) / options.batch_size; }
  std::uint64_t batch_size(std::uint64_t batch) const {
    return std::min(options.batch_size, ratings.size() - batch * options.batch_size);
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    if (reader.joinable()) reader.join();
  }

  // Of all rounds so far, also those that the device has yet to end. The reader is at rest.
  double slots_busy_seconds() {
    stop();
    double seconds = 0;
    for (const auto& slot : slots) {
      slot->wait_until_free();
      seconds += slot->busy_seconds();
    }
    return seconds;
  }

  // Calls swap(a, b) for pairs of [0, n), in an order that makes a random permutation (Fisher and Yates). Permutations
  // of an epoch differ by `first`.
  template <typename Swap>
  void permute(std::uint64_t epoch, std::uint64_t first, std::uint64_t n, Swap&& swap) const {
    for (; n > 1; --n) {
      const RandomBlock random =
          random_block(options.seed, RandomPurpose::kShuffleEpoch, static_cast<std::uint32_t>(epoch), first + n);
      swap(n - 1, uniform_below(random.v[0], random.v[1], n));
    }
  }

  void permute_blocks(std::uint64_t epoch) {
    if (block_order.empty()) return;
    std::iota(block_order.begin(), block_order.end(), 0u);
    // Of blocks that hold two groups, each belongs to the one that it begins with.
    std::uint64_t first = 0;
    for (std::size_t g = 0; g == 0 || g < options.groups.size(); ++g) {
      const bool is_last = g + 1 >= options.groups.size();
      const std::uint64_t end =
          is_last ? block_order.size() : (options.groups[g + 1] + options.block_size - 1) / options.block_size;
      permute(epoch, first, end - first,
              [&](std::uint64_t a, std::uint64_t b) { std::swap(block_order[first + a], block_order[first + b]); });
      first = end;
    }
    // The short block goes last, so that every other stands at a multiple of the block size.
    const auto last = static_cast<std::uint32_t>(block_order.size() - 1);
    std::iter_swap(std::find(block_order.begin(), block_order.end(), last), block_order.end() - 1);
    if (!options.groups.empty()) permute_batches(epoch);
  }

  // All but a short one, which stays last.
  void permute_batches(std::uint64_t epoch) {
    const std::uint64_t n_blocks = options.batch_size / options.block_size;
    const auto batch = [&](std::uint64_t n) { return block_order.begin() + static_cast<std::ptrdiff_t>(n * n_blocks); };
    permute(epoch, block_order.size(), ratings.size() / options.batch_size, [&](std::uint64_t a, std::uint64_t b) {
      if (a != b) std::swap_ranges(batch(a), batch(a + 1), batch(b));
    });
  }

  // Copies batch `batch` of the epoch into `slot`.
  void fill(std::span<std::byte> slot, std::uint64_t batch) const {
    const std::uint64_t stride = array_bytes(options.batch_size);
    const std::uint64_t first = batch * options.batch_size;
    const std::uint64_t size = batch_size(batch);
    for (std::uint64_t done = 0; done < size;) {
      const std::uint64_t within = (first + done) % options.block_size;
      const std::uint64_t source = block_order[(first + done) / options.block_size] * options.block_size + within;
      const std::uint64_t run = std::min({options.block_size - within, size - done, ratings.size() - source});
      std::byte* const to = slot.data() + 4 * done;
      std::memcpy(to, &ratings.users[source], 4 * run);
      std::memcpy(to + stride, &ratings.items[source], 4 * run);
      std::memcpy(to + 2 * stride, &ratings.ratings[source], 4 * run);
      if (!options.weights.empty()) std::memcpy(to + 3 * stride, &options.weights[source], 4 * run);
      done += run;
    }
  }

  void read_epoch(std::uint64_t epoch) {
    try {
      permute_blocks(epoch);
      for (std::uint64_t batch = 0; batch < n_batches(); ++batch) {
        {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return stopping || batch < n_released + slots.size(); });
          if (stopping) return;
        }
        StreamSlot& slot = *slots[batch % slots.size()];
        slot.wait_until_free();
        fill(slot.host(), batch);
        slot.upload(bytes_of_slot());
        const std::lock_guard lock(mutex);
        n_filled = batch + 1;
        changed.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      changed.notify_all();
    }
  }
};

RatingStream::RatingStream(Backend& backend, const RatingView& ratings, const RatingStreamOptions& options)
    : RatingStream([&backend](std::uint64_t bytes) { return backend.make_slot(bytes); }, ratings, options) {}
RatingStream::RatingStream(const MakeSlot& make_slot, const RatingView& ratings, const RatingStreamOptions& options)
    : state_(std::make_unique<State>(make_slot, ratings, options)) {}
RatingStream::~RatingStream() = default;

std::uint64_t RatingStream::slot_bytes(std::uint64_t batch_size, bool has_weights) {
  return (has_weights ? 4 : 3) * array_bytes(batch_size);
}
std::vector<std::uint64_t> RatingStream::batch_sizes(std::uint64_t n_ratings, std::uint64_t batch_size) {
  const std::uint64_t last = (n_ratings - 1) % batch_size + 1;
  if (n_ratings <= batch_size || last == batch_size) return {last};
  return {batch_size, last};
}
std::uint64_t RatingStream::n_batches() const { return state_->n_batches(); }
double RatingStream::busy_seconds() { return state_->slots_busy_seconds() - state_->busy_before; }

void RatingStream::start_epoch(std::uint64_t epoch) {
  State& s = *state_;
  s.stop();  // the reader is at rest until it is started below
  // A slot that was taken and not handed back is free again: its ops are ahead of any that follow.
  if (s.n_taken > s.n_released) s.slots[s.n_released % s.slots.size()]->release();
  s.n_filled = s.n_taken = s.n_released = 0;
  s.busy_before = s.slots_busy_seconds();
  s.stopping = false;
  s.failure = nullptr;
  s.reader = std::thread([&s, epoch] { s.read_epoch(epoch); });
}

RatingBatch RatingStream::next() {
  State& s = *state_;
  {
    std::unique_lock lock(s.mutex);
    if (s.n_taken > s.n_released) {
      s.slots[s.n_released % s.slots.size()]->release();
      ++s.n_released;
      s.changed.notify_all();
    }
    if (s.n_taken == s.n_batches()) return {};
    s.changed.wait(lock, [&] { return s.failure || s.n_filled > s.n_taken; });
    if (s.failure) std::rethrow_exception(s.failure);
  }
  const std::uint64_t batch = s.n_taken++;
  const std::byte* memory = s.slots[batch % s.slots.size()]->device();
  const std::uint64_t stride = array_bytes(s.options.batch_size);
  return {reinterpret_cast<const Row*>(memory), reinterpret_cast<const Row*>(memory + stride),
          reinterpret_cast<const float*>(memory + 2 * stride), s.batch_size(batch),
          s.options.weights.empty() ? nullptr : reinterpret_cast<const float*>(memory + 3 * stride)};
}

}  // namespace unfold
