// Loops whose pieces several threads share: the caller and helpers of its own, which sleep when there is nothing to do.
//
// Pieces are handed out one after another to whoever is free. The caller begins at once and waits, at the end, for
// pieces that were begun alone, never for a helper that has not come. So a thread that has lost its processor holds up
// one piece, and the number of pieces, which is for the caller to choose, decides how sums are ordered, not threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <vector>

namespace unfold {

// A reference to what is done with a piece: f(piece), or f(piece, thread) where that needs memory of a thread's own.
// thread < n_threads; the caller's is 0.
class PieceFunction {
 public:
  template <typename F>
  PieceFunction(const F& f)  // NOLINT(google-explicit-constructor): made where a function is passed
      : object_(&f), call_([](const void* object, std::uint64_t piece, int thread) {
          if constexpr (std::is_invocable_v<const F&, std::uint64_t, int>) {
            (*static_cast<const F*>(object))(piece, thread);
          } else {
            (*static_cast<const F*>(object))(piece);
          }
        }) {}
  void operator()(std::uint64_t piece, int thread) const { call_(object_, piece, thread); }

 private:
  const void* object_;
  void (*call_)(const void*, std::uint64_t, int);
};

// Helpers of one thread, which alone calls run(). They start when they are first wanted and end with the pool.
class ThreadPool {
 public:
  // At most n_running threads run at a time, the caller's among them, whatever a loop asks for.
  explicit ThreadPool(int n_running);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void allow(int n_running) { n_running_ = n_running; }
  // parallel_for, by this pool's helpers.
  void run(std::uint64_t n_pieces, int n_threads, PieceFunction f);

 private:
  struct Helper;

  bool was_forked() const;
  void require_helpers() const;
  void start_helpers(int n_threads);
  void end_helpers();
  void share_pieces(std::uint64_t first, std::uint32_t n_pieces, int n_threads);
  std::uint32_t take_pieces(int thread);
  void do_piece(std::uint64_t piece, int thread) noexcept;
  void count_done(std::uint32_t n_pieces);
  void wait_for_others();
  void wake_below(int thread);
  void help(Helper& self);
  bool has_work(int thread) const;

  int n_running_;
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::uint32_t n_forks_ = 0;  // of the process when helpers started
  bool looks_ = true;          // before it sleeps; not where threads take each other's processors

  // The present loop. What is not atomic is read only by who has taken a piece, and the loop does not end before.
  const PieceFunction* function_ = nullptr;
  std::uint64_t end_ = 0;  // of the pieces
  bool wakes_at_once_ = false;
  std::exception_ptr error_;
  std::atomic<bool> has_failed_{false};
  std::atomic<bool> is_ending_{false};
  // Threads that may take part, in the upper half, and pieces that nobody has taken.
  alignas(64) std::atomic<std::uint64_t> offer_{0};
  alignas(64) std::atomic<std::uint32_t> n_unfinished_{0};
};

// The calling thread's pool, on as many threads as the process may run at a time (processors.hpp). It ends with the
// thread.
ThreadPool& thread_pool();

// Calls f once for each piece in [0, n_pieces), on at most n_threads threads, and returns when all is done. What f
// throws ends the loop, and the first of it reaches the caller. A call from within a piece runs on its thread alone,
// with thread 0. Threads of different callers do not meet. Throws UsageError in a process that was forked after the
// calling thread had helpers, for they did not come with it; n_threads = 1 needs none.
void parallel_for(std::uint64_t n_pieces, int n_threads, PieceFunction f);

// As many as the process may run at a time, at least 1: for loops that no option sets a number for.
int all_threads();

// parallel_for by slices: f(first, last) or f(first, last, thread) for [0, n) cut every `slice`.
template <typename F>
void parallel_slices(std::uint64_t n, std::uint64_t slice, int n_threads, const F& f) {
  parallel_for((n + slice - 1) / slice, n_threads, [&](std::uint64_t s, int thread) {
    const std::uint64_t first = s * slice, last = n - first < slice ? n : first + slice;
    if constexpr (std::is_invocable_v<const F&, std::uint64_t, std::uint64_t, int>) {
      f(first, last, thread);
    } else {
      f(first, last);
    }
  });
}

}  // namespace unfold
