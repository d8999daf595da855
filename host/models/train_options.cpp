#include "unfold/train_options.hpp"

#include <array>
#include <string_view>

#include "host/ops/ops.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

struct NamedOptimizer {
  const char* name;
  OptimizerKind kind;
};
constexpr std::array<NamedOptimizer, 4> kOptimizers = {{{"sgd", OptimizerKind::kSgd},
                                                        {"adagrad", OptimizerKind::kAdagrad},
                                                        {"rowwise-adagrad", OptimizerKind::kRowwiseAdagrad},
                                                        {"adam", OptimizerKind::kAdam}}};

Allowed optimizer_names() {
  Allowed allowed;
  for (const NamedOptimizer& optimizer : kOptimizers) allowed.words.push_back(optimizer.name);
  return allowed;
}

}  // namespace

void add_run_options(TrainOptions& run, std::vector<Option>& options) {
  constexpr auto kRun = OptionGroup::kRun;
  const auto add = [&](auto& field, const char* name, Allowed allowed, const char* help) {
    options.push_back({name, kRun, &field, std::move(allowed), help});
  };
  add(run.epochs, "epochs", Allowed::from(1), "passes over the training part");
  add(run.patience, "patience", {}, "stop after this many epochs without a better validation score; 0: never");
  add(run.refit, "refit", {},
      "after validation has chosen the epoch, train again on training and validation together for as many epochs at "
      "the rates they had, and keep that model; --refit=false: keep the one that was chosen");
  add(run.seed, "seed", {}, "of the split, the start and the order of the data");
  add(run.device, "device", {}, "auto, cpu, cuda or cuda:N");
  add(run.threads, "threads", Allowed::between(0, cpu::kMaxThreads),
      "CPU threads, of which no more run than the process may use; 0: as many");
}

void add_batch_options(TrainOptions& run, std::vector<Option>& options) {
  const auto add = [&](auto& field, const char* name, Allowed allowed, const char* help) {
    options.push_back({name, OptionGroup::kOptimizer, &field, std::move(allowed), help});
  };
  const Allowed share{.least = 0, .most = 1, .excludes_most = true};
  add(run.optimizer, "optimizer", optimizer_names(), "update rule; its state is of the rows touched only");
  add(run.learning_rate, "learning-rate", Allowed::over(0), "step size at the start (one-cycle: at the peak)");
  add(run.schedule, "schedule", {.words = {"constant", "exponential", "linear", "cosine", "one-cycle"}},
      "the learning rate over the run: exponential: times learning-rate-decay each epoch; linear, cosine: to 0 at the "
      "end; one-cycle: cosine up, then down");
  add(run.learning_rate_decay, "learning-rate-decay", {.least = 0, .most = 1, .excludes_least = true},
      "factor of the exponential schedule");
  add(run.warmup, "warmup", {.least = 0, .most = 1, .excludes_least = true, .excludes_most = true},
      "one-cycle: share of the run before the peak");
  add(run.beta1, "beta1", share, "adam: decay of the mean gradient");
  add(run.beta2, "beta2", share, "adam: decay of the mean squared gradient");
  add(run.epsilon, "epsilon", Allowed::over(0), "adagrad, adam: added to the root");
  add(run.batch_size, "batch-size", Allowed::between(0, (1u << 31) - 1),
      "ratings a step; 0: chosen from the data and the update");
  add(run.group_batches, "group-batches", {}, "fill each batch with items of one group (--items, --group-column)");
  add(run.cuda_graph, "cuda-graph", {},
      "CUDA: launch each step as one graph, for small batches; the same bits with it and without");
}

void add_residency_option(TrainOptions& run, std::vector<Option>& options) {
  options.push_back(
      {"resident",
       OptionGroup::kRun,
       &run.resident,
       {.words = {"auto", "always", "never"}},
       "CUDA: where the training ratings are: always: copied to the device once, where they stay; never: "
       "streamed to it in every epoch, as held-out ones then are; auto: copied where they fit beside the rest, else "
       "streamed; batches are the same either way"});
}

OptimizerKind optimizer_kind(const TrainOptions& run) {
  for (const NamedOptimizer& optimizer : kOptimizers) {
    if (run.optimizer == optimizer.name) return optimizer.kind;
  }
  throw UsageError("--optimizer " + run.optimizer + ": use " + optimizer_names().to_string());
}

}  // namespace unfold
