#include "host/train/best_model.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "host/store/model_tensors.hpp"
#include "host/train/spare_memory.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kCheapBytes = 8 << 20;  // copied in milliseconds
constexpr double kInterval = 20;                // what is not cheap takes at most 5% of the time

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

bool BestModel::plan(Backend& backend, MemoryPlan& plan, const TrainableModel& model) {
  const std::vector<TableView> tables = model.weight_tables();
  const auto take = [&](const Arena& arena) { KeptWeights(arena, tables); };
  if (!tables.empty() && add_where_it_fits(backend, plan, take)) {
    plan.add_host("the model, at the end", model.host_bytes());
    return true;
  }
  plan.add_host("copies of the best model and the last", 2 * model.host_bytes());
  return false;
}

bool BestModel::is_cheap() const {
  return model_.host_bytes() < kCheapBytes || seconds_between(kept_at_, Clock::now()) > kInterval * seconds_;
}

std::string BestModel::keep(std::uint32_t epoch) {
  const Clock::time_point started = Clock::now();
  // On the device a number that is not finite is found; on the host it is named.
  if (!on_device_ || !on_device_->keep()) {
    Model model;
    std::string fault = download(model);
    if (!fault.empty()) return fault;
    if (on_device_) throw std::logic_error("a model's weight_tables() hold what is not finite, and its tensors do not");
    on_host_ = std::move(model);
  }
  epoch_ = epoch;
  kept_at_ = Clock::now();
  seconds_ = seconds_between(started, kept_at_);
  return {};
}

std::string BestModel::download(Model& to) const {
  Model model;
  model_.download(model);
  model.kind = family_.name();
  model.architecture["predicts_ratings"] = family_.predicts_ratings();
  std::string fault = tensor_not_finite(model);
  if (fault.empty()) to = std::move(model);
  return fault;
}

std::string BestModel::take(Model& to) {
  if (on_device_) {
    on_device_->restore();
    return download(to);
  }
  to = std::move(on_host_);
  return {};
}

}  // namespace unfold
