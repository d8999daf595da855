#include "host/stream/resident_ratings.hpp"

#include <fmt/format.h>

#include <string>

#include "unfold/rating_stream.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kRatingsAPiece = 262144;  // copied at once: 3 MiB, with weights 4

}  // namespace

ResidentRatings::ResidentRatings(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options)
    : backend_(arena.backend()),
      order_(ratings.size(), options),
      layout_(order_.batch_size(), !options.weights.empty()) {
  const std::string name = fmt::format("{} training ratings, kept on the device", ratings.size());
  users_ = arena.array<Row>(name, ratings.size());
  items_ = arena.array<Row>(name, ratings.size());
  ratings_ = arena.array<float>(name, ratings.size());
  weights_ = arena.array<float>(name, options.weights.size());
  block_order_ = arena.array<std::uint32_t>("order of their blocks in an epoch", order_.n_blocks());
  batch_ = arena.array<std::byte>(fmt::format("batch of {} ratings", order_.batch_size()), layout_.bytes());
  copy_all(arena, ratings, options);
}

// Through the ring of a stream: from page-locked memory, in pieces, each copied while the next is read.
void ResidentRatings::copy_all(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options) {
  RatingSourceOptions pieces;
  pieces.batch_size = kRatingsAPiece;
  pieces.n_slots = 3;
  pieces.n_readers = options.n_readers;
  pieces.weights = options.weights;
  RatingStream stream(arena, "slots that the training ratings go through", ratings, pieces);
  if (arena.is_plan()) return;
  stream.start_epoch(0);
  std::uint64_t first = 0;
  for (RatingBatch piece = stream.next(); piece.size > 0; piece = stream.next()) {
    const std::uint64_t bytes = sizeof(Row) * piece.size;
    backend_.copy_on_device(users_.data() + first, piece.users, bytes);
    backend_.copy_on_device(items_.data() + first, piece.items, bytes);
    backend_.copy_on_device(ratings_.data() + first, piece.ratings, bytes);
    if (piece.weights != nullptr) backend_.copy_on_device(weights_.data() + first, piece.weights, bytes);
    first += piece.size;
  }
}

// The device would wait for an order to be drawn, so the next one is drawn ahead.
std::vector<std::uint32_t> ResidentRatings::blocks_of(std::uint64_t epoch) {
  std::vector<std::uint32_t> blocks;
  if (next_blocks_.valid()) blocks = next_blocks_.get();
  if (next_epoch_ != epoch) blocks = order_.blocks(epoch);
  next_epoch_ = epoch + 1;
  next_blocks_ = std::async(std::launch::async, [this, next = next_epoch_] { return order_.blocks(next); });
  return blocks;
}

void ResidentRatings::start_epoch(std::uint64_t epoch) {
  block_order_.upload(blocks_of(epoch));  // in order with the ops: those of an epoch that was left come first
  n_taken_ = 0;
}

RatingBatch ResidentRatings::all() const {
  return {users_.data(), items_.data(), ratings_.data(), ratings_.size(), weights_.data()};
}

RatingBatch ResidentRatings::next() {
  if (n_taken_ == n_batches()) return {};
  const std::uint64_t size = order_.size_of(n_taken_);
  backend_.run(GatherRatings{.all = all(),
                             .block_order = block_order_.data(),
                             .block_size = order_.block_size(),
                             .first = n_taken_ * order_.batch_size(),
                             .n_ratings = size,
                             .out = layout_.arrays(batch_.data())});
  ++n_taken_;
  return layout_.batch(batch_.data(), size);
}

}  // namespace unfold
