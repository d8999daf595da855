#include "unfold/rating_stream.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>
#include <vector>

#include "host/ops/ops.hpp"
#include "host/stream/batch_handover.hpp"
#include "host/stream/batch_memory.hpp"
#include "host/stream/epoch_order.hpp"
#include "host/tables/arena.hpp"

namespace unfold {
namespace {

constexpr unsigned kFewestSlots = 3, kMostSlots = 32;
constexpr std::uint64_t kRingBytes = std::uint64_t{32} << 20;    // of a ring of more than the fewest slots
constexpr std::uint64_t kPieceBytes = std::uint64_t{256} << 10;  // of a batch, worth a reader
constexpr std::uint64_t kLineRatings = 16;                       // in a cache line of each array

}  // namespace

struct RatingStream::State {
  RatingBatch all;  // in host memory
  EpochOrder order;
  BatchMemory layout;
  std::vector<std::unique_ptr<StreamSlot>> slots;
  unsigned n_readers, n_pieces;  // that a batch is cut into
  BatchHandover handover;
  std::vector<std::uint32_t> blocks;  // of the epoch
  std::vector<std::thread> readers;
  std::uint64_t n_taken = 0, n_released = 0;

  State(const MakeSlot& make_slot, unsigned n_slots, bool looks, const RatingView& r, const RatingSourceOptions& o)
      : all{r.users.data(), r.items.data(), r.ratings.data(), r.size(), o.weights.empty() ? nullptr : o.weights.data()},
        order(r.size(), o),
        layout(order.batch_size(), !o.weights.empty()),
        n_readers(std::max(1u, o.n_readers)),
        n_pieces(static_cast<unsigned>(std::clamp<std::uint64_t>(layout.bytes() / kPieceBytes, 1, n_readers))),
        handover(n_slots, n_pieces, looks) {
    for (unsigned s = 0; s < n_slots; ++s) slots.push_back(make_slot(layout.bytes()));
  }
  ~State() { stop(); }

  StreamSlot& slot_of(std::uint64_t batch) { return *slots[handover.slot_of(batch)]; }

  void stop() {
    handover.end();
    for (std::thread& reader : readers) reader.join();
    readers.clear();
  }

  void start(std::uint64_t epoch) {
    stop();
    // A slot that was taken and not handed back is free again: its ops are ahead of any that follow.
    if (n_taken > n_released) slot_of(n_released).release();
    n_taken = n_released = 0;
    handover.start(order.n_batches());
    blocks = order.blocks(epoch);
    for (unsigned n = 0; n < n_readers; ++n) readers.emplace_back([this] { read(); });
  }

  // What a reader does until the epoch ends.
  void read() {
    try {
      const auto open = [this](unsigned slot) { slots[slot]->wait_until_free(); };
      while (const std::optional<BatchHandover::Piece> piece = handover.claim(open)) {
        fill(*piece);
        if (!handover.finish(*piece)) continue;
        slot_of(piece->batch).upload(layout.bytes());
        handover.publish(piece->batch);
      }
    } catch (...) {
      handover.fail(std::current_exception());
    }
  }

  // Copies a piece of an epoch's batch into its slot. Pieces begin at cache lines.
  void fill(const BatchHandover::Piece& piece) {
    const std::uint64_t size = order.size_of(piece.batch), lines = (size + kLineRatings - 1) / kLineRatings;
    const auto bound = [&](unsigned number) { return std::min(size, lines * number / n_pieces * kLineRatings); };
    const std::uint64_t begin = bound(piece.number);
    const GatherRatings op{.all = all,
                           .block_order = blocks.data(),
                           .block_size = order.block_size(),
                           .first = piece.batch * order.batch_size() + begin,
                           .n_ratings = bound(piece.number + 1) - begin,
                           .out = layout.arrays(slot_of(piece.batch).host().data(), begin)};
    cpu::run(op, {}, 1);
  }
};

RatingStream::RatingStream(Backend& backend, const RatingView& ratings, const RatingSourceOptions& options)
    : state_(std::make_unique<State>([&backend](std::uint64_t bytes) { return backend.make_slot(bytes); },
                                     n_slots(backend, ratings.size(), options), backend.has_own_memory(), ratings,
                                     options)) {}
RatingStream::RatingStream(const Arena& arena, const std::string& name, const RatingView& ratings,
                           const RatingSourceOptions& options)
    : state_(std::make_unique<State>([&](std::uint64_t bytes) { return arena.slot(name, bytes); },
                                     n_slots(arena.backend(), ratings.size(), options),
                                     arena.backend().has_own_memory(), ratings, options)) {}
RatingStream::RatingStream(const MakeSlot& make_slot, const RatingView& ratings, const RatingSourceOptions& options)
    : state_(std::make_unique<State>(make_slot, options.n_slots == 0 ? kFewestSlots : options.n_slots, false, ratings,
                                     options)) {}
RatingStream::~RatingStream() = default;

unsigned RatingStream::n_slots(const Backend& backend, std::uint64_t n_ratings, const RatingSourceOptions& options) {
  if (options.n_slots > 0) return options.n_slots;
  if (!backend.has_own_memory()) return kFewestSlots;
  const BatchMemory layout(EpochOrder(n_ratings, options).batch_size(), !options.weights.empty());
  return static_cast<unsigned>(std::clamp<std::uint64_t>(kRingBytes / layout.bytes(), kFewestSlots, kMostSlots));
}

std::uint64_t RatingStream::n_batches() const { return state_->order.n_batches(); }
void RatingStream::start_epoch(std::uint64_t epoch) { state_->start(epoch); }

RatingBatch RatingStream::next() {
  State& s = *state_;
  if (s.n_taken > s.n_released) {
    s.slot_of(s.n_released++).release();
    s.handover.release();
  }
  if (s.n_taken == s.order.n_batches()) return {};
  s.handover.wait_for(s.n_taken);
  const std::uint64_t batch = s.n_taken++;
  return s.layout.batch(s.slot_of(batch).device(), s.order.size_of(batch));
}

}  // namespace unfold
