// A wait's beginning: to look again and again, for about as long as it would take to sleep and be woken.
#pragma once

#include <chrono>
#include <thread>

namespace unfold {

// To be woken takes tens of microseconds, and on a device a step may take fewer: a thread that slept whenever it had to
// wait would then always be late, and the device would wait for it. Steps that are much longer do not notice.
inline constexpr std::chrono::microseconds kLookFor{50};

// Whether holds() came true meanwhile; it is asked once at least. Other threads get their turns in between.
template <typename Holds>
bool look_briefly(const Holds& holds) {
  const auto until = std::chrono::steady_clock::now() + kLookFor;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace unfold
