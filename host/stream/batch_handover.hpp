// How an epoch's batches pass from readers to the consumer, through a ring of slots: batch b stands in slot b %
// n_slots, and is filled once it is less than n_slots ahead of what the consumer has released.
//
//   readers    claim(open) a piece ... fill it ... finish(piece), and where that completes the batch: publish(batch)
//   consumer   wait_for(batch) ... release()
//
// Pieces are claimed in order, so that several readers fill one large batch together, or small ones at the same time.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include "host/stream/short_wait.hpp"

namespace unfold {

class BatchHandover {
 public:
  struct Piece {
    std::uint64_t batch;
    unsigned number;  // below n_pieces
  };

  BatchHandover(unsigned n_slots, unsigned n_pieces, bool looks)
      : n_slots_(n_slots), n_pieces_(n_pieces), wait_(looks), n_missing_(n_slots), in_slot_(n_slots) {}

  unsigned slot_of(std::uint64_t batch) const { return static_cast<unsigned>(batch % n_slots_); }

  // Before the readers of an epoch begin.
  void start(std::uint64_t n_batches) {
    n_batches_ = n_batches;
    next_ = {0, 0};
    n_released_ = 0;
    for (std::atomic<std::uint64_t>& batch : in_slot_) batch = 0;
    failure_ = nullptr;
    is_ended_ = has_failed_ = false;
  }
  // Lets claims and waits of readers end.
  void end() {
    wait_.notify([this] { is_ended_ = true; });
  }

  // The next piece; nothing at the end. Of a batch's first piece open(slot) is called once its slot is released, before
  // any other piece of it is claimed, by one reader at a time.
  template <typename Open>
  std::optional<Piece> claim(const Open& open) {
    const std::lock_guard lock(claims_);
    if (next_.batch == n_batches_) return std::nullopt;
    if (next_.number == 0) {
      wait_.wait([this] { return is_ended_ || next_.batch < n_released_ + n_slots_; });
      if (is_ended_) return std::nullopt;
      open(slot_of(next_.batch));
      n_missing_[slot_of(next_.batch)] = n_pieces_;
    }
    if (is_ended_) return std::nullopt;
    const Piece piece = next_;
    next_ = piece.number + 1 < n_pieces_ ? Piece{piece.batch, piece.number + 1} : Piece{piece.batch + 1, 0};
    return piece;
  }
  // Whether the batch is complete with this piece.
  bool finish(const Piece& piece) { return --n_missing_[slot_of(piece.batch)] == 0; }
  void publish(std::uint64_t batch) {
    wait_.notify([&] { in_slot_[slot_of(batch)] = batch + 1; });
  }
  // What a reader threw: wait_for throws it, and the other readers end.
  void fail(const std::exception_ptr& failure) {
    wait_.notify([&] {
      if (has_failed_) return;
      failure_ = failure;
      is_ended_ = has_failed_ = true;
    });
  }

  // Until it is published.
  void wait_for(std::uint64_t batch) {
    wait_.wait([&] { return has_failed_ || in_slot_[slot_of(batch)] == batch + 1; });
    if (has_failed_) std::rethrow_exception(failure_);
  }
  // Of batches in their order.
  void release() {
    wait_.notify([this] { ++n_released_; });
  }

 private:
  unsigned n_slots_, n_pieces_;
  std::uint64_t n_batches_ = 0;
  ShortWait wait_;
  std::mutex claims_;
  Piece next_{};                                     // under claims_
  std::vector<std::atomic<unsigned>> n_missing_;     // pieces of the batch in a slot
  std::vector<std::atomic<std::uint64_t>> in_slot_;  // 1 + the batch that is published there; 0: none
  std::atomic<std::uint64_t> n_released_ = 0;
  std::atomic<bool> is_ended_ = true, has_failed_ = false;
  std::exception_ptr failure_;  // written before has_failed_
};

}  // namespace unfold
