// The model of the best epoch so far: as a copy of its tables on the device where there is room, which costs little and
// comes to the host once, when the run ends; else as a copy on the host. What is kept is finite.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "host/models/trainable.hpp"
#include "host/train/kept_weights.hpp"
#include "unfold/model_family.hpp"

namespace unfold {

class BestModel {
 public:
  // Adds to `plan` what keeping takes of both memories. Whether there is room for it on the device.
  static bool plan(Backend& backend, MemoryPlan& plan, const TrainableModel& model);

  // Both outlive this. Keeps on the host.
  BestModel(const ModelFamily& family, TrainableModel& model) : family_(family), model_(model) {}
  // Keeps on the device, in the arena's memory, from the first epoch on. Requires that the model has weight_tables().
  void keep_on_device(const Arena& arena) { on_device_.emplace(arena, model_.weight_tables()); }

  // Functions that give a text say which number is not finite, "item.bias (number 3 of it is nan)"; empty: all are.

  // Keeps the model as it is, of `epoch`; where a number is not finite, what was kept stays.
  std::string keep(std::uint32_t epoch);
  std::uint32_t epoch() const { return epoch_; }  // that is kept; 0: none
  // Whether keeping takes a small part of the time since the last time.
  bool is_cheap() const;

  // Brings the model as it is to `to`, which stays as it was where a number is not finite.
  std::string download(Model& to) const;
  // Brings what is kept to `to`, once, at the end. Requires epoch() > 0.
  std::string take(Model& to);

 private:
  using Clock = std::chrono::steady_clock;

  const ModelFamily& family_;
  TrainableModel& model_;
  std::optional<KeptWeights> on_device_;
  Model on_host_;
  std::uint32_t epoch_ = 0;
  Clock::time_point kept_at_;
  double seconds_ = 0;  // that keeping took the last time
};

}  // namespace unfold
