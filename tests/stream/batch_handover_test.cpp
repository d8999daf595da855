// Readers and a consumer pass batches through slots of plain memory: under ThreadSanitizer, what the hand-over does not
// order is a race.
#include "host/stream/batch_handover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

namespace unfold {
namespace {

class Handovers : public testing::TestWithParam<std::tuple<int, int, int, bool>> {
 protected:
  unsigned n_slots() const { return static_cast<unsigned>(std::get<0>(GetParam())); }
  unsigned n_pieces() const { return static_cast<unsigned>(std::get<1>(GetParam())); }
  int n_readers() const { return std::get<2>(GetParam()); }
  bool looks() const { return std::get<3>(GetParam()); }

  // Each slot's numbers are plain: one a piece, of its batch, and how often the slot was opened and published.
  struct Slot {
    std::vector<std::uint64_t> pieces;
    int n_opened = 0, n_published = 0;
  };
  void read(std::uint64_t fails_at) {
    try {
      const auto open = [&](unsigned slot) { ++slots_[slot].n_opened; };
      while (const auto piece = handover_.claim(open)) {
        if (piece->batch == fails_at) throw std::runtime_error("no more");
        Slot& slot = slots_[handover_.slot_of(piece->batch)];
        slot.pieces[piece->number] = 100 * piece->batch + piece->number;
        if (!handover_.finish(*piece)) continue;
        ++slot.n_published;
        handover_.publish(piece->batch);
      }
    } catch (...) {
      handover_.fail(std::current_exception());
    }
  }
  void start(std::uint64_t n_batches, std::uint64_t fails_at = ~std::uint64_t{0}) {
    stop();
    handover_.start(n_batches);
    for (int n = 0; n < n_readers(); ++n) readers_.emplace_back([this, fails_at] { read(fails_at); });
  }
  void stop() {
    handover_.end();
    for (std::thread& reader : readers_) reader.join();
    readers_.clear();
  }
  // Takes batch `batch`, and hands it back.
  void take(std::uint64_t batch) {
    handover_.wait_for(batch);
    const Slot& slot = slots_[handover_.slot_of(batch)];
    EXPECT_EQ(slot.n_opened, slot.n_published);
    for (unsigned n = 0; n < n_pieces(); ++n) EXPECT_EQ(slot.pieces[n], 100 * batch + n);
    handover_.release();
  }
  void TearDown() override { stop(); }

  BatchHandover handover_{n_slots(), n_pieces(), looks()};
  std::vector<Slot> slots_{n_slots(), Slot{std::vector<std::uint64_t>(n_pieces())}};
  std::vector<std::thread> readers_;
};

TEST_P(Handovers, EveryBatchIsWholeAndInItsTurn) {
  for (const std::uint64_t n_batches : {1u, 3u, 200u}) {
    start(n_batches);
    for (std::uint64_t batch = 0; batch < n_batches; ++batch) take(batch);
  }
  start(0);
}

TEST_P(Handovers, AnEpochCanBeLeftAnywhere) {
  for (const std::uint64_t n_taken : {0u, 1u, 7u, 50u}) {
    start(100);
    for (std::uint64_t batch = 0; batch < n_taken; ++batch) take(batch);
    stop();
    for (Slot& slot : slots_) slot.n_opened = slot.n_published = 0;  // a batch may have been left half filled
  }
}

TEST_P(Handovers, AFailureEndsTheEpochAndTheNextOneStartsAgain) {
  for (const std::uint64_t fails_at : {0u, 1u, 30u}) {
    start(100, fails_at);
    std::uint64_t n_taken = 0;
    EXPECT_THROW(for (;; ++n_taken) take(n_taken), std::runtime_error);
    EXPECT_LE(n_taken, fails_at);
    stop();
    for (Slot& slot : slots_) slot.n_opened = slot.n_published = 0;
    start(5);
    for (std::uint64_t batch = 0; batch < 5; ++batch) take(batch);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Handovers,
                         testing::Combine(testing::Values(1, 2, 7), testing::Values(1, 3), testing::Values(1, 4),
                                          testing::Bool()));

}  // namespace
}  // namespace unfold
