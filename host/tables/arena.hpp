// What a run holds in a backend's memory, by name. The same code plans and allocates: an arena over a plan adds up the
// bytes of what it is asked for and makes nothing, so what is planned is what is allocated.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/memory_plan.hpp"

namespace unfold {

class Arena {
 public:
  // Allocates.
  explicit Arena(Backend& backend) : backend_(backend) {}
  // Plans. `plan` outlives the arena.
  Arena(Backend& backend, MemoryPlan& plan) : backend_(backend), plan_(&plan) {}

  Backend& backend() const { return backend_; }
  // Arrays have a size and no memory: what would fill them is left undone.
  bool is_plan() const { return plan_ != nullptr; }

  // n elements, zeroed. `name` is that of an entry of the plan, which adds up what has the same name.
  template <typename T>
  DeviceArray<T> array(const std::string& name, std::uint64_t n) const {
    if (plan_ == nullptr) return DeviceArray<T>(backend_, n);
    plan_->add_device(name, n * sizeof(T));
    return DeviceArray<T>::planned(n);
  }
  template <typename T>
  DeviceArray<T> array(const std::string& name, const std::vector<T>& values) const {
    DeviceArray<T> made = array<T>(name, values.size());
    made.upload(values);
    return made;
  }
  // A slot of a ring; null where it is planned. Where the device has memory of its own, the plan adds the slot's
  // host memory too.
  std::unique_ptr<StreamSlot> slot(const std::string& name, std::uint64_t bytes) const {
    if (plan_ == nullptr) return backend_.make_slot(bytes);
    plan_->add_device(name, bytes);
    if (backend_.has_own_memory()) plan_->add_host(name + ": pinned copies", bytes);
    return nullptr;
  }

 private:
  Backend& backend_;
  MemoryPlan* plan_ = nullptr;
};

}  // namespace unfold
