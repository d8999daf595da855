#include "host/cli/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace unfold::cli {
namespace {

// One signal often comes twice: timeout(1) sends it to the process and to its group, and a terminal that closes sends
// SIGHUP as its shell does. Only what comes later than this is a second one.
constexpr std::int64_t kSameSignalNanoseconds = 300'000'000;

std::atomic<bool> is_interrupted{false};
std::atomic<std::int64_t> first_time{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

std::int64_t now_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Only async-signal-safe calls.
extern "C" void on_signal(int signal) {
  const std::int64_t now = now_nanoseconds();
  if (is_interrupted.exchange(true)) {
    if (signal != SIGHUP && now - first_time > kSameSignalNanoseconds) _exit(kInterruptedExitCode);
    return;
  }
  first_time = now;
  static constexpr char kMessage[] = "\nunfold: stopping; press Ctrl-C again to quit at once\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
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

bool interrupted() noexcept { return is_interrupted.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

}  // namespace unfold::cli
