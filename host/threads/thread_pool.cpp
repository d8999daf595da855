#include "host/threads/thread_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <utility>

#include "host/threads/processors.hpp"
#include "unfold/error.hpp"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace unfold {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;  // no product overflows

// How long a thread looks for what it waits for before it sleeps: about what it costs to be woken, so that a wait takes
// at most twice what it would have if its length had been known (Karlin, Manasse, McGeoch and Owicki, Competitive
// randomized algorithms for nonuniform problems, SODA 1990).
constexpr std::chrono::microseconds kLookFor{50};

// Work that is left for which those that sleep are woken, as long as one thread would take for it.
constexpr Seconds kWorthWaking{60e-6};
// Fewer pieces a thread than this say nothing before it is too late, and all are woken at once.
constexpr std::uint32_t kFewAThread = 4;

constexpr std::uint64_t kThread = std::uint64_t{1} << 32;  // of ThreadPool::offer_
std::uint32_t n_left(std::uint64_t offer) { return static_cast<std::uint32_t>(offer); }
std::uint64_t n_allowed(std::uint64_t offer) { return offer / kThread; }

std::atomic<std::uint32_t> process_forks{0};
// Whether this thread is doing a piece, of any pool.
thread_local bool is_in_piece = false;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether holds() came true while it was looked for, once where it is not to be looked for long.
template <typename Holds>
bool look(const Holds& holds, bool looks) {
  if (!looks) return holds();
  const auto until = Clock::now() + kLookFor;
  do {
    for (int n = 0; n < 16; ++n) {
      if (holds()) return true;
      pause();
    }
  } while (Clock::now() < until);
  return false;
}

// Signals go to the threads of the program. Those that an instruction raises stay with the thread that ran it.
sigset_t signals_of_others() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&signals, own);
  return signals;
}

}  // namespace

struct ThreadPool::Helper {
  enum State : std::uint32_t { kAwake, kAsleep };

  ThreadPool* pool;
  int thread;
  pthread_t handle;
  alignas(64) std::atomic<std::uint32_t> state{kAwake};

  void wake() {
    if (state.load() == kAsleep && state.exchange(kAwake) == kAsleep) state.notify_one();
  }
};

ThreadPool::ThreadPool(int n_running) : n_running_(n_running) {}

ThreadPool::~ThreadPool() {
  if (!was_forked()) end_helpers();
}

bool ThreadPool::was_forked() const { return !helpers_.empty() && n_forks_ != process_forks; }

void ThreadPool::require_helpers() const {
  if (!was_forked()) return;
  throw UsageError(
      "this process was forked from one that had begun to compute on several threads, which a child does not have; "
      "fork before, start another program in the child (exec), or use one thread there (--threads 1)");
}

void ThreadPool::end_helpers() {
  is_ending_ = true;
  for (const auto& helper : helpers_) helper->wake();
  for (const auto& helper : helpers_) pthread_join(helper->handle, nullptr);
  helpers_.clear();
  is_ending_ = false;
}

// There are then n_threads with the caller, or as many as the system grants.
void ThreadPool::start_helpers(int n_threads) {
  if (static_cast<int>(helpers_.size()) + 1 >= n_threads) return;
  end_helpers();  // those that run may read the list
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, [] { ++process_forks; });
  n_forks_ = process_forks;
  looks_ = n_threads <= all_threads();
  const sigset_t blocked = signals_of_others();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto body = [](void* argument) -> void* {
    auto* const self = static_cast<Helper*>(argument);
    is_in_piece = true;
    self->pool->help(*self);
    return nullptr;
  };
  for (int thread = 1; thread < n_threads; ++thread) {
    auto helper = std::make_unique<Helper>();
    helper->pool = this;
    helper->thread = thread;
    if (pthread_create(&helper->handle, nullptr, body, helper.get()) != 0) {
      n_running_ = thread;
      break;
    }
    helpers_.push_back(std::move(helper));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ThreadPool::run(std::uint64_t n_pieces, int n_threads, PieceFunction f) {
  n_threads = std::min(n_threads, n_running_);
  if (n_pieces < static_cast<std::uint64_t>(n_threads)) n_threads = static_cast<int>(n_pieces);
  if (n_threads <= 1 || is_in_piece) {
    for (std::uint64_t piece = 0; piece < n_pieces; ++piece) f(piece, 0);
    return;
  }
  require_helpers();
  start_helpers(n_threads);
  n_threads = std::min(n_threads, static_cast<int>(helpers_.size()) + 1);
  function_ = &f;
  has_failed_ = false;
  constexpr std::uint64_t kMostPieces = std::numeric_limits<std::uint32_t>::max();
  for (std::uint64_t first = 0; first < n_pieces; first += kMostPieces) {
    share_pieces(first, static_cast<std::uint32_t>(std::min(kMostPieces, n_pieces - first)), n_threads);
  }
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::share_pieces(std::uint64_t first, std::uint32_t n_pieces, int n_threads) {
  end_ = first + n_pieces;
  wakes_at_once_ = n_pieces < kFewAThread * static_cast<std::uint32_t>(n_threads);
  n_unfinished_.store(n_pieces, std::memory_order_relaxed);
  offer_ = kThread * static_cast<std::uint64_t>(n_threads) + n_pieces;
  is_in_piece = true;
  count_done(take_pieces(0));
  is_in_piece = false;
  wait_for_others();
}

// How many the thread did. Those that sleep below it are woken when pieces have shown what the others will take.
std::uint32_t ThreadPool::take_pieces(int thread) {
  std::uint32_t n_done = 0;
  std::uint64_t offer = offer_;
  bool has_woken = false;
  Clock::time_point start;
  while (n_left(offer) > 0 && static_cast<std::uint64_t>(thread) < n_allowed(offer)) {
    // Where the offer has become another loop's meanwhile, with the same numbers, a piece of that one is taken.
    if (!offer_.compare_exchange_weak(offer, offer - 1)) continue;
    if (!has_woken) {
      const auto now = Clock::now();
      if (n_done == 0) start = now;
      has_woken = wakes_at_once_ || (n_done > 0 && Seconds(now - start) * n_left(offer) >= kWorthWaking * n_done);
      if (has_woken) wake_below(thread);
    }
    do_piece(end_ - n_left(offer), thread);
    ++n_done;
    offer = offer_;
  }
  return n_done;
}

void ThreadPool::do_piece(std::uint64_t piece, int thread) noexcept {
  if (has_failed_.load(std::memory_order_relaxed)) return;
  try {
    (*function_)(piece, thread);
  } catch (...) {
    if (!has_failed_.exchange(true)) error_ = std::current_exception();
  }
}

void ThreadPool::count_done(std::uint32_t n_pieces) {
  if (n_pieces > 0 && n_unfinished_.fetch_sub(n_pieces) == n_pieces) n_unfinished_.notify_one();
}

void ThreadPool::wait_for_others() {
  if (look([this] { return n_unfinished_ == 0; }, looks_)) return;
  require_helpers();  // it was a piece that forked
  for (std::uint32_t n = n_unfinished_; n != 0; n = n_unfinished_) n_unfinished_.wait(n);
}

// Threads form a tree, in which each wakes two: to wake all of many would keep the caller from its own pieces.
void ThreadPool::wake_below(int thread) {
  const std::uint64_t n_threads = n_allowed(offer_), left = 2 * static_cast<std::uint64_t>(thread) + 1;
  for (std::uint64_t below = left; below < std::min(left + 2, n_threads); ++below) helpers_[below - 1]->wake();
}

bool ThreadPool::has_work(int thread) const {
  const std::uint64_t offer = offer_;
  return n_left(offer) > 0 && static_cast<std::uint64_t>(thread) < n_allowed(offer);
}

// What a helper does until the pool ends.
void ThreadPool::help(Helper& self) {
  const auto is_wanted = [&] { return has_work(self.thread) || is_ending_; };
  while (true) {
    if (look(is_wanted, looks_)) {
      if (is_ending_) return;
      count_done(take_pieces(self.thread));
      continue;
    }
    self.state = Helper::kAsleep;
    if (is_wanted()) self.state = Helper::kAwake;
    self.state.wait(Helper::kAsleep);
  }
}

ThreadPool& thread_pool() {
  thread_local ThreadPool pool(all_threads());
  return pool;
}

void parallel_for(std::uint64_t n_pieces, int n_threads, PieceFunction f) {
  if (n_threads > 1 && n_pieces > 1) return thread_pool().run(n_pieces, n_threads, f);
  for (std::uint64_t piece = 0; piece < n_pieces; ++piece) f(piece, 0);
}

int all_threads() {
  static const int n = static_cast<int>(usable_processors());
  return n;
}

}  // namespace unfold
