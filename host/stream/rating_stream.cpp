#include "unfold/rating_stream.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "host/ops/ops.hpp"
#include "host/stream/batch_memory.hpp"
#include "host/stream/epoch_order.hpp"
#include "host/tables/arena.hpp"

namespace unfold {

// The ring. Slot s of an epoch's batch b is b % n_slots. The reader fills batch `n_filled` once it is less than
// n_slots ahead of `n_released`; the consumer takes batch `n_taken` once it is filled.
struct RatingStream::State {
  RatingBatch all;  // in host memory
  EpochOrder order;
  BatchMemory layout;
  std::vector<std::unique_ptr<StreamSlot>> slots;

  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t n_filled = 0, n_taken = 0, n_released = 0;
  bool stopping = false;
  std::exception_ptr failure;
  std::thread reader;
  double busy_before = 0;  // seconds of the slots before the epoch

  State(const MakeSlot& make_slot, const RatingView& r, const RatingSourceOptions& o)
      : all{r.users.data(), r.items.data(), r.ratings.data(), r.size(), o.weights.empty() ? nullptr : o.weights.data()},
        order(r.size(), o),
        layout(order.batch_size(), !o.weights.empty()) {
    for (unsigned s = 0; s < o.n_slots; ++s) slots.push_back(make_slot(layout.bytes()));
  }
  ~State() { stop(); }

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

  // Copies batch `batch` of the epoch into `slot`.
  void fill(StreamSlot& slot, std::uint64_t batch, const std::vector<std::uint32_t>& blocks) const {
    const GatherRatings op{.all = all,
                           .block_order = blocks.data(),
                           .block_size = order.block_size(),
                           .first = batch * order.batch_size(),
                           .n_ratings = order.size_of(batch),
                           .out = layout.arrays(slot.host().data())};
    cpu::run(op, {}, 1);
  }

  void read_epoch(std::uint64_t epoch) {
    try {
      const std::vector<std::uint32_t> blocks = order.blocks(epoch);
      for (std::uint64_t batch = 0; batch < order.n_batches(); ++batch) {
        {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return stopping || batch < n_released + slots.size(); });
          if (stopping) return;
        }
        StreamSlot& slot = *slots[batch % slots.size()];
        slot.wait_until_free();
        fill(slot, batch, blocks);
        slot.upload(layout.bytes());
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

RatingStream::RatingStream(Backend& backend, const RatingView& ratings, const RatingSourceOptions& options)
    : RatingStream([&backend](std::uint64_t bytes) { return backend.make_slot(bytes); }, ratings, options) {}
RatingStream::RatingStream(const Arena& arena, const std::string& name, const RatingView& ratings,
                           const RatingSourceOptions& options)
    : RatingStream([&](std::uint64_t bytes) { return arena.slot(name, bytes); }, ratings, options) {}
RatingStream::RatingStream(const MakeSlot& make_slot, const RatingView& ratings, const RatingSourceOptions& options)
    : state_(std::make_unique<State>(make_slot, ratings, options)) {}
RatingStream::~RatingStream() = default;

std::uint64_t RatingStream::n_batches() const { return state_->order.n_batches(); }
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
    if (s.n_taken == s.order.n_batches()) return {};
    s.changed.wait(lock, [&] { return s.failure || s.n_filled > s.n_taken; });
    if (s.failure) std::rethrow_exception(s.failure);
  }
  const std::uint64_t batch = s.n_taken++;
  return s.layout.batch(s.slots[batch % s.slots.size()]->device(), s.order.size_of(batch));
}

}  // namespace unfold
