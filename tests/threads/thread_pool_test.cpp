// Loops that threads share: every piece once, errors, nested loops, several callers, forks, signals.
#include "host/threads/thread_pool.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unfold/error.hpp"

namespace unfold::test {
namespace {

using namespace std::chrono_literals;

// Until holds(), for ten seconds at most.
template <typename Holds>
bool comes_true(const Holds& holds) {
  for (const auto until = std::chrono::steady_clock::now() + 10s; !holds(); std::this_thread::sleep_for(100us)) {
    if (std::chrono::steady_clock::now() > until) return false;
  }
  return true;
}

// Holds up each of n_threads until all are there, and tells whether they came.
class Meeting {
 public:
  explicit Meeting(int n_threads) : n_missing_(n_threads) {}
  bool wait() {
    --n_missing_;
    return comes_true([this] { return n_missing_ <= 0; });
  }

 private:
  std::atomic<int> n_missing_;
};

TEST(ThreadPool, DoesEveryPieceOnce) {
  for (const int n_running : {1, 2, 3, 9}) {
    ThreadPool pool(n_running);
    for (const std::uint64_t n : {0u, 1u, 2u, 7u, 1000u, 100'000u}) {
      for (const int n_threads : {1, 2, 8, 100}) {
        std::vector<int> seen(n);
        std::atomic<int> highest{0};
        pool.run(n, n_threads, [&](std::uint64_t piece, int thread) {
          ++seen[piece];
          for (int before = highest; before < thread && !highest.compare_exchange_weak(before, thread);) {
          }
        });
        EXPECT_EQ(seen, std::vector<int>(n, 1));
        EXPECT_LT(highest, std::min(n_threads, n_running));
      }
    }
  }
}

TEST(ThreadPool, RunsPiecesSideBySide) {
  for (const int n : {2, 3, 8}) {
    ThreadPool pool(n);
    for (int repeat = 0; repeat < 20; ++repeat) {
      Meeting meeting(n);
      std::atomic<int> n_met{0};
      std::mutex mutex;
      std::set<int> threads;
      pool.run(static_cast<std::uint64_t>(n), n, [&](std::uint64_t, int thread) {
        n_met += meeting.wait() ? 1 : 0;
        const std::lock_guard lock(mutex);
        threads.insert(thread);
      });
      EXPECT_EQ(n_met, n);
      EXPECT_EQ(threads.size(), static_cast<std::size_t>(n)) << "each has a number of its own";
    }
  }
}

TEST(ThreadPool, WakesThoseThatSleep) {
  ThreadPool pool(2);
  for (const std::uint64_t n_pieces : {2u, 40u}) {
    for (int repeat = 0; repeat < 5; ++repeat) {
      std::this_thread::sleep_for(5ms);  // longer than a helper looks for work
      std::atomic<bool> has_helped{false};
      // The caller's pieces last until the helper has come.
      pool.run(n_pieces, 2, [&](std::uint64_t, int thread) {
        if (thread == 1) has_helped = true;
        for (int n = 0; n < 100 && !has_helped; ++n) std::this_thread::sleep_for(100us);
      });
      EXPECT_TRUE(has_helped) << n_pieces << " pieces";
    }
  }
}

TEST(ThreadPool, DoesNotWaitForAHelperThatHasNotBegun) {
  ThreadPool pool(2);
  // Loops one after another, with everything that a late helper could mistake for its own: counts, functions.
  std::uint64_t total = 0;
  for (std::uint64_t n = 2; n < 20'000; ++n) {
    const std::uint64_t n_pieces = 2 + n % 3;
    std::atomic<std::uint64_t> sum{0};
    pool.run(n_pieces, 2, [&](std::uint64_t piece) { sum += piece + n; });
    total += sum - n * n_pieces - n_pieces * (n_pieces - 1) / 2;
  }
  EXPECT_EQ(total, 0u);
}

TEST(ThreadPool, PassesTheFirstErrorOn) {
  ThreadPool pool(4);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::atomic<int> n_done{0};
    try {
      pool.run(1000, 4, [&](std::uint64_t piece) {
        if (piece % 100 == 3) throw DataError("piece " + std::to_string(piece));
        ++n_done;
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const DataError& error) {
      EXPECT_EQ(std::strncmp(error.what(), "piece ", 6), 0) << error.what();
    }
    EXPECT_LT(n_done, 990);
    pool.run(10, 4, [&](std::uint64_t) { ++n_done; });  // works as before
  }
  EXPECT_THROW(parallel_for(1, 1, [](std::uint64_t) { throw DataError(""); }), DataError);
}

TEST(ThreadPool, RunsNestedLoopsOnTheirCaller) {
  ThreadPool pool(3);
  std::atomic<int> n_inner{0}, n_elsewhere{0};
  pool.run(30, 3, [&](std::uint64_t) {
    const auto caller = std::this_thread::get_id();
    parallel_for(10, 3, [&](std::uint64_t, int thread) {
      ++n_inner;
      n_elsewhere += thread != 0 || std::this_thread::get_id() != caller ? 1 : 0;
    });
  });
  EXPECT_EQ(n_inner, 300);
  EXPECT_EQ(n_elsewhere, 0);
}

TEST(ThreadPool, ServesSeveralCallersAtATime) {
  std::vector<std::thread> callers;
  std::atomic<std::uint64_t> total{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        std::atomic<std::uint64_t> sum{0};
        parallel_for(100, 2, [&](std::uint64_t piece) { sum += piece; });
        total += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4u * 200 * 4950);
}

TEST(ThreadPool, SlicesAreWholeAndInBounds) {
  for (const std::uint64_t n : {0u, 1u, 99u, 100u, 101u, 1000u}) {
    std::vector<int> seen(n);
    parallel_slices(n, 100, 3, [&](std::uint64_t first, std::uint64_t last) {
      EXPECT_EQ(first % 100, 0u);
      EXPECT_TRUE(last == n || last == first + 100);
      for (std::uint64_t k = first; k < last; ++k) ++seen[k];
    });
    EXPECT_EQ(seen, std::vector<int>(n, 1));
  }
}

// Helpers end with their pool, and with the thread that had it.
TEST(ThreadPool, LeavesNoThreadBehind) {
  const auto n_threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
#if defined(__SANITIZE_THREAD__)
  constexpr int kOfSanitizer = 1;  // starts with the first other thread
#else
  constexpr int kOfSanitizer = 0;
#endif
  const auto at_first = n_threads();
  std::thread([] {}).join();
  ASSERT_TRUE(comes_true([&] { return n_threads() <= at_first + kOfSanitizer; }));
  const auto before = n_threads();
  {
    ThreadPool pool(5);
    pool.run(100, 5, [](std::uint64_t) {});
    EXPECT_EQ(n_threads(), before + 4);
    pool.run(100, 2, [](std::uint64_t) {});
    EXPECT_EQ(n_threads(), before + 4);
  }
  // The kernel may count a thread for a moment that was joined.
  EXPECT_TRUE(comes_true([&] { return n_threads() == before; }));
  std::thread([] { parallel_for(100, 2, [](std::uint64_t) {}); }).join();
  EXPECT_TRUE(comes_true([&] { return n_threads() == before; }));
}

// What the child's function returns ends it.
template <typename Child>
int exit_code_of(const Child& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);  // a child that hangs is no result
    _exit(child());
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ThreadPool, TellsAForkedChildThatItsThreadsAreGone) {
  auto pool = std::make_unique<ThreadPool>(2);
  pool->run(100, 2, [](std::uint64_t) {});
  const auto child = [&] {
    std::uint64_t sum = 0;
    pool->run(100, 1, [&](std::uint64_t piece) { sum += piece; });
    if (sum != 4950) return 1;
    try {
      pool->run(100, 2, [](std::uint64_t) {});
      return 2;
    } catch (const UsageError& error) {
      if (std::string(error.what()).find("--threads 1") == std::string::npos) return 3;
    }
    pool.reset();
    return 0;
  };
  EXPECT_EQ(exit_code_of(child), 0);
  std::atomic<int> n{0};
  pool->run(100, 2, [&](std::uint64_t) { ++n; });
  EXPECT_EQ(n, 100) << "the parent's are still there";
}

TEST(ThreadPool, TellsAChildThatWasForkedWithinAPiece) {
  ThreadPool pool(2);
  std::atomic<pid_t> pid{-1};
  const pid_t parent = getpid();
  Meeting meeting(2);
  try {
    pool.run(2, 2, [&](std::uint64_t, int thread) {
      meeting.wait();  // so that one piece is the helper's
      if (thread != 0) {
        comes_true([&] { return pid != -1; });
        return;
      }
      pid = fork();
      if (pid == 0) alarm(20);
    });
  } catch (const UsageError&) {
    _exit(getpid() == parent ? 9 : 7);
  }
  ASSERT_EQ(getpid(), parent);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

// A helper takes no signal of the program, but those of its own instructions.
TEST(ThreadPool, LeavesSignalsToTheProgram) {
  ThreadPool pool(2);
  Meeting meeting(2);
  sigset_t blocked, own;
  sigemptyset(&blocked);
  pool.run(2, 2, [&](std::uint64_t, int thread) {
    meeting.wait();
    pthread_sigmask(SIG_BLOCK, nullptr, thread == 0 ? &own : &blocked);
  });
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM}) {
    EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
    EXPECT_EQ(sigismember(&own, signal), 0) << signal;
  }
  for (const int signal : {SIGBUS, SIGSEGV, SIGFPE}) EXPECT_EQ(sigismember(&blocked, signal), 0) << signal;
}

}  // namespace
}  // namespace unfold::test
