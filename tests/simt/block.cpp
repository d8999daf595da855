#include "tests/simt/block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace simt {
namespace {

std::string place(const std::source_location& where) {
  const std::string file = where.file_name();
  const std::size_t slash = file.rfind('/');
  return fmt::format("{}:{}", slash == std::string::npos ? file : file.substr(slash + 1), where.line());
}

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

}  // namespace

Block::Block(unsigned n_threads, std::size_t dynamic_bytes)
    : n_threads_(n_threads), warps_((n_threads + kWarp - 1) / kWarp), dynamic_(nullptr, Free{kWarp}) {
  for (unsigned w = 0; w < warps_.size(); ++w) {
    const unsigned lanes = std::min(kWarp, n_threads - w * kWarp);
    warps_[w].present = ~0u >> (kWarp - lanes);
    make_ready(w, warps_[w].present);
  }
  dynamic_ = allocate_shared(dynamic_bytes, 16);
}

void Block::take(unsigned thread) {
  Warp& warp = warps_[thread / kWarp];
  warp.ready &= ~(1u << thread % kWarp);
  if (warp.ready == 0) ready_warps_ &= ~(1u << thread / kWarp);
}

bool Block::arrive_at_barrier(const std::source_location& where) {
  if (n_at_barrier_ == 0) barrier_ = where;
  if (!same_place(where, barrier_)) {
    throw std::runtime_error(fmt::format("waits at the barrier of {} while others of its block wait at that of {}",
                                         place(where), place(barrier_)));
  }
  if (++n_at_barrier_ < n_threads_) return false;
  n_at_barrier_ = 0;
  for (unsigned w = 0; w < warps_.size(); ++w) make_ready(w, warps_[w].present);
  return true;
}

bool Block::arrive_at_exchange(unsigned thread, Exchange kind, std::uint32_t mask, std::uint64_t value, unsigned source,
                               const std::source_location& where) {
  const unsigned lane = thread % kWarp;
  Warp& warp = warps_[thread / kWarp];
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("exchange at {} with mask {:#010x} {}", place(where), mask, why));
  };
  if ((mask >> lane & 1) == 0) refuse(fmt::format("does not name the calling lane {}", lane));
  if ((mask & ~warp.present) != 0)
    refuse(fmt::format("names lane {}, which the block does not have", std::countr_zero(mask & ~warp.present)));
  if ((mask & warp.returned) != 0)
    refuse(fmt::format("names lane {}, which has returned", std::countr_zero(mask & warp.returned)));
  if (kind == Exchange::kShuffle && (mask >> source & 1) == 0) {
    refuse(fmt::format("reads lane {}, which the mask does not name", source));
  }
  warp.values[lane] = value;
  warp.sources[lane] = source;
  auto meeting =
      std::find_if(warp.meetings.begin(), warp.meetings.end(), [&](const Meeting& m) { return m.mask == mask; });
  if (meeting == warp.meetings.end()) meeting = warp.meetings.insert(meeting, {kind, mask, 0});
  if (meeting->kind != kind) refuse("meets lanes that exchange in another way");
  const auto run_of = [&](unsigned of_lane) { return reinterpret_cast<Collective*>(warp.values[of_lane])->run; };
  if (kind == Exchange::kCollective && meeting->arrived != 0 &&
      run_of(lane) != run_of(static_cast<unsigned>(std::countr_zero(meeting->arrived)))) {
    refuse("meets lanes that do something else together");
  }
  meeting->arrived |= 1u << lane;
  if (meeting->arrived != mask) return false;
  finish(thread / kWarp, *meeting);
  warp.meetings.erase(meeting);
  return true;
}

void Block::finish(unsigned warp_number, const Meeting& meeting) {
  Warp& warp = warps_[warp_number];
  std::uint64_t votes = 0;
  for (std::uint32_t rest = meeting.mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (warp.values[lane] != 0) votes |= 1u << lane;
  }
  for (std::uint32_t rest = meeting.mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    std::uint64_t& result = warp.results[lane];
    result = 0;
    if (meeting.kind == Exchange::kShuffle) result = warp.values[warp.sources[lane]];
    if (meeting.kind == Exchange::kVote) result = votes;
    if (meeting.kind != Exchange::kMatch) continue;
    for (std::uint32_t others = meeting.mask; others != 0; others &= others - 1) {
      const int other = std::countr_zero(others);
      if (warp.values[other] == warp.values[lane]) result |= 1u << other;
    }
  }
  if (meeting.kind == Exchange::kCollective) {
    Collective* lanes[kWarp];
    for (unsigned lane = 0; lane < kWarp; ++lane) lanes[lane] = reinterpret_cast<Collective*>(warp.values[lane]);
    lanes[0]->run(lanes);
  }
  make_ready(warp_number, meeting.mask);
}

void Block::arrive_at_end(unsigned thread) {
  Warp& warp = warps_[thread / kWarp];
  warp.returned |= 1u << thread % kWarp;
  ++n_returned_;
}

std::string Block::describe_deadlock(unsigned& thread) const {
  const unsigned n_waiting = n_threads_ - n_returned_;
  for (unsigned w = 0; w < warps_.size(); ++w) {
    for (const Meeting& meeting : warps_[w].meetings) {
      thread = w * kWarp + static_cast<unsigned>(std::countr_zero(meeting.arrived));
      const std::uint32_t absent = meeting.mask & ~meeting.arrived;
      return fmt::format(
          "exchange with mask {:#010x} waits for lanes {:#010x}, of which {:#010x} have returned{}", meeting.mask,
          absent, absent & warps_[w].returned,
          n_at_barrier_ > 0 ? fmt::format(" and others wait at the barrier of {}", place(barrier_)) : "");
    }
  }
  for (unsigned w = 0; w < warps_.size(); ++w) {
    const std::uint32_t waiting = warps_[w].present & ~warps_[w].returned;
    if (waiting == 0) continue;
    thread = w * kWarp + static_cast<unsigned>(std::countr_zero(waiting));
    break;
  }
  return fmt::format("{} of {} threads wait at the barrier of {}, which the {} others have returned without reaching",
                     n_waiting, n_threads_, place(barrier_), n_returned_);
}

Block::Memory Block::allocate_shared(std::size_t bytes, std::size_t alignment) {
  shared_bytes_ += bytes;
  if (shared_bytes_ > kMaxSharedBytes) {
    throw std::runtime_error(
        fmt::format("the block takes {} bytes of shared memory, and a device has {}", shared_bytes_, kMaxSharedBytes));
  }
  Memory memory(::operator new(bytes, std::align_val_t(alignment)), Free{alignment});
  std::memset(memory.get(), 0xFF, bytes);
  return memory;
}

void* Block::shared_array(const void* key, std::size_t bytes, std::size_t alignment) {
  for (const Declared& array : arrays_) {
    if (array.key == key) return array.memory.get();
  }
  arrays_.push_back({key, allocate_shared(bytes, std::max<std::size_t>(alignment, 16))});
  return arrays_.back().memory.get();
}

}  // namespace simt
