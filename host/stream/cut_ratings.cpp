#include "host/stream/cut_ratings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "host/stream/batch_memory.hpp"
#include "unfold/step_variables.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kSmallestRun = 16, kLargestRun = 512;  // ratings of a sorted list that stay together
constexpr std::uint64_t kRoundSeed = 0xD1B54A32D192ED03ull;    // what the order of rounds adds to the seed

EpochOrder order_of(std::uint64_t n, std::uint64_t block_size, std::uint64_t seed) {
  RatingSourceOptions options;
  options.block_size = block_size;
  options.seed = seed;
  return {n, options};
}

}  // namespace

std::uint64_t CutRatings::bytes(std::uint64_t n_ratings, const RatingCut& cut) {
  return RatingLists::is_one(cut) ? 0 : BatchMemory(n_ratings, false).bytes();
}

CutRatings::CutRatings(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options,
                       bool in_memory)
    : options_(options), order_(ratings.size(), options), parts_(options.cut.n_parts) {
  const std::uint64_t n_bytes = bytes(ratings.size(), options.cut);
  if (in_memory) {
    memory_ = arena.array<std::byte>(fmt::format("{} training ratings, cut for {} thread{}", ratings.size(),
                                                 options.cut.n_parts, options.cut.n_parts == 1 ? "" : "s"),
                                     n_bytes);
  }
  if (arena.is_plan()) return;
  const RatingLists lists(ratings, options.cut);
  n_rounds_ = lists.n_rounds();
  if (n_bytes == 0) {
    lists_ = {const_cast<Row*>(ratings.users.data()), const_cast<Row*>(ratings.items.data()),
              const_cast<float*>(ratings.ratings.data()), nullptr};
    starts_ = {0, ratings.size()};
    return;
  }
  if (!in_memory) file_ = TemporaryMap(n_bytes);
  lists_ = BatchMemory(ratings.size(), false).arrays(in_memory ? memory_.data() : file_.bytes().data());
  starts_ = lists.write(ratings, lists_);
}

void CutRatings::start_epoch(std::uint64_t epoch) {
  epoch_ = epoch;
  n_batches_taken_ = 0;
  rounds_ = order_of(n_rounds_, 1, options_.seed + kRoundSeed).blocks(epoch);
  next_round_ = 0;
  round_size_ = n_taken_ = 0;
}

// The next round that has ratings.
void CutRatings::start_round() {
  const bool is_sorted = starts_.size() > 2;
  round_size_ = n_taken_ = 0;
  while (round_size_ == 0) {
    const std::uint64_t first = std::uint64_t{rounds_[next_round_++]} * parts_.size();
    for (std::uint64_t p = 0; p < parts_.size(); ++p) {
      const std::uint64_t list = first + p, size = starts_[list + 1] - starts_[list];
      const std::uint64_t block_size =
          is_sorted ? std::clamp(size / 64, kSmallestRun, kLargestRun) : options_.block_size;
      const EpochOrder order = order_of(size, block_size, options_.seed + list * kSeedStride);
      parts_[p] = {starts_[list], size, order.block_size(), 0, order.blocks(epoch_)};
      round_size_ += size;
    }
  }
}

// How many of the first n ratings of the present round are each part's: one of each part that has any left, in turn.
std::vector<std::uint64_t> CutRatings::shares(std::uint64_t n) const {
  std::vector<std::uint64_t> sizes;
  for (const Part& part : parts_) sizes.push_back(part.size);
  std::ranges::sort(sizes);
  // Whole turns, while lists end one after another.
  std::uint64_t n_turns = 0, n_left = n;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const std::uint64_t n_lists = sizes.size() - k, turns = std::min(sizes[k] - n_turns, n_left / n_lists);
    n_turns += turns;
    n_left -= turns * n_lists;
    if (n_turns < sizes[k]) break;
  }
  std::vector<std::uint64_t> of_part;
  for (const Part& part : parts_) {
    const bool has_one_more = n_left > 0 && part.size > n_turns;
    if (has_one_more) --n_left;
    of_part.push_back(std::min(part.size, n_turns) + (has_one_more ? 1 : 0));
  }
  return of_part;
}

// The ratings of a part up to its number `end`.
void CutRatings::add_runs(Part& part, std::uint64_t end) {
  const std::size_t first_run = runs_.size();
  while (part.n_taken < end) {
    const std::uint64_t within = part.n_taken % part.block_size;
    const std::uint64_t n = std::min(part.block_size - within, end - part.n_taken);
    const std::uint64_t first = part.begin + part.blocks[part.n_taken / part.block_size] * part.block_size + within;
    if (runs_.size() > first_run && runs_.back().first + runs_.back().size == first) {
      runs_.back().size += n;
    } else {
      runs_.push_back({first, n, place_});
    }
    part.n_taken += n;
    place_ += n;
  }
  ends_.push_back(runs_.size());
}

// The next n ratings of the present round.
void CutRatings::take(std::uint64_t n) {
  n_taken_ += n;
  const std::vector<std::uint64_t> ends = shares(n_taken_);
  for (std::size_t p = 0; p < parts_.size(); ++p) add_runs(parts_[p], ends[p]);
}

RatingBatch CutRatings::next() {
  if (n_batches_taken_ == n_batches()) return {};
  const std::uint64_t size = order_.size_of(n_batches_taken_++);
  runs_.clear();
  ends_.clear();
  place_ = 0;
  while (place_ < size) {
    if (n_taken_ == round_size_) start_round();
    take(std::min(size - place_, round_size_ - n_taken_));
  }
  cut_ = {runs_.data(), ends_.data(), ends_.size() / parts_.size(), static_cast<std::uint32_t>(parts_.size())};
  return {lists_.users, lists_.items, lists_.ratings, size, nullptr, &cut_};
}

}  // namespace unfold
