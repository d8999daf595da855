#include "host/cli/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace unfold::cli {
namespace {

// One signal often comes twice: timeout(1) sends it to the process and to its group, and a terminal that closes sends
// SIGHUP as its shell does. Only what comes later than this is a second one.
constexpr std::int64_t kSameSignalNanoseconds = 300'000'000;

std::atomic<std::int64_t> first_time{0};  // of the first signal; 0: none came
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::int64_t now_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Only async-signal-safe calls.
extern "C" void on_signal(int signal) {
  const int error = errno;
  const std::int64_t now = now_nanoseconds();
  std::int64_t first = 0;
  if (!first_time.compare_exchange_strong(first, now)) {
    if (signal != SIGHUP && now - first > kSameSignalNanoseconds) _exit(kInterruptedExitCode);
    return;
  }
  static constexpr char kMessage[] = "\nunfold: stopping; press Ctrl-C again to quit at once\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  errno = error;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What whoever started the program ignores (a job in the background, nohup) stays ignored.
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

bool interrupted() noexcept { return first_time.load(std::memory_order_relaxed) != 0; }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

}  // namespace unfold::cli
