// A condition that several threads wait for: they look for a short while, then sleep.
#pragma once

#include <condition_variable>
#include <mutex>

#include "host/device/look_briefly.hpp"

namespace unfold {

class ShortWait {
 public:
  // `looks`: whether a wait begins with looking. Not where the device is the host's own cores: they have better to do.
  explicit ShortWait(bool looks) : looks_(looks) {}

  // Until holds(), which reads atomics alone: several threads ask it at once.
  template <typename Holds>
  void wait(const Holds& holds) {
    if (looks_ && look_briefly(holds)) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, holds);
  }
  // Runs change(), which may make a condition hold, and wakes who waits.
  template <typename Change>
  void notify(const Change& change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

 private:
  bool looks_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace unfold
