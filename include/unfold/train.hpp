// Training, from options to a model in host memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "unfold/backend.hpp"
#include "unfold/dataset.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/item_groups.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/model.hpp"
#include "unfold/split.hpp"

namespace unfold {

// The one source of the command line, the configuration file, the log and model.json: visit_train_options below names
// every field once, with its help. Defaults are those of a first run on data nobody tuned for.
struct TrainOptions {
  std::string model = "mf";
  std::uint32_t dim = 128;
  std::string table_type = "float32";
  std::uint32_t epochs = 20;
  std::string optimizer = "sgd";
  double learning_rate = 0.05;
  std::string schedule = "linear";
  double learning_rate_decay = 0.9;
  double warmup = 0.25;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double l2 = 0.06;
  double l2_bias = -1;
  bool no_bias = false;
  std::string rating_range;
  double init_std = 0.1;
  std::uint64_t batch_size = 0;
  bool group_batches = false;
  bool deterministic = false;
  bool cuda_graph = false;
  std::uint32_t patience = 0;
  bool refit = false;
  std::uint64_t seed = 1;
  std::string device = "auto";
  std::uint32_t threads = 0;

  // Of model softmax alone.
  std::string loss = "softmax";
  std::string score = "cosine";
  std::string score_type = "float32";
  double temperature = 0;
  double positive_temperature = 0;
  double negative_weight = 1.22;
  bool learn_temperature = false;
  bool positive_in_denominator = false;
  std::uint32_t denominator_items = 0;
  std::string positive_from;
  double rating_weight = 1;
  double user_balance = 0;
  double dropout = 0.1;
  std::string negatives = "uniform";
  std::uint32_t n_negatives = 512;
  bool own_negatives = false;
  double hard_warmup = 0.1;
  double hard_weight = 1;
  double hard_temperature = 0.1;
  double adaptive_alpha = 1.0;
  double adaptive_beta = 0.1;
  double adaptive_power = -2.0;
  std::uint32_t mined_skip = 10;
  std::uint32_t weight_rank = 0;
  double weight_temperature = 0.2;
  std::uint32_t refresh_epochs = 5;

  // The defaults of a model family: "mf" or "softmax". Throws UsageError for another name.
  static TrainOptions defaults(const std::string& model);
};

// visitor(field, "name", "help with unit, range and effect") for each option, in the order of the help page.
template <typename Options, typename Visitor>
void visit_train_options(Options& o, Visitor&& visit) {
  visit(o.model, "model",
        "model family: mf (biased matrix factorization of ratings) or softmax (which items a user chooses, by sampled "
        "softmax); softmax has defaults of its own: dim 64, epochs 80, optimizer adam, learning-rate 0.01, schedule "
        "cosine, "
        "beta2 0.999, l2 0, patience 20, validation random:0.1");
  visit(o.dim, "dim", "columns of each embedding, 1 to 1024");
  visit(o.table_type, "table-type",
        "elements of the embeddings while training: float32, or float16 or bfloat16, which halve their memory and "
        "traffic; sums and optimizer state stay float32, and so does the written model");
  visit(o.epochs, "epochs", "passes over the training part, >= 1");
  visit(o.optimizer, "optimizer", "sgd, adagrad, rowwise-adagrad or adam (state of the rows touched only)");
  visit(o.learning_rate, "learning-rate", "step size at the start (one-cycle: at the peak), > 0");
  visit(o.schedule, "schedule",
        "constant; exponential (times learning-rate-decay each epoch); linear or cosine (to 0 at the end); one-cycle "
        "(cosine up, then down)");
  visit(o.learning_rate_decay, "learning-rate-decay", "factor of the exponential schedule, in (0, 1]");
  visit(o.warmup, "warmup", "one-cycle: share of the run before the peak, in (0, 1)");
  visit(o.beta1, "beta1", "adam: decay of the mean gradient, in [0, 1)");
  visit(o.beta2, "beta2", "adam: decay of the mean squared gradient, in [0, 1)");
  visit(o.epsilon, "epsilon", "adagrad, adam: added to the root, > 0");
  visit(o.l2, "l2",
        "L2 penalty that a rating puts on the two embeddings it touches, with errors in units of the ratings' standard "
        "deviation, >= 0; softmax, score dot: that a positive puts on its two, and each shared negative on its own");
  visit(o.l2_bias, "l2-bias", "the same on the two biases, >= 0; -1: as --l2");
  visit(o.no_bias, "no-bias", "leave out the biases of users and items (softmax: of items)");
  visit(o.rating_range, "rating-range", "LO:HI, predictions are LO + (HI - LO) * sigmoid(score); empty: unbounded");
  visit(o.init_std, "init-std", "embeddings start uniform with standard deviation init-std / sqrt(dim), >= 0");
  visit(o.batch_size, "batch-size", "ratings a step, >= 1; 0: chosen from the data and the update");
  visit(o.group_batches, "group-batches", "fill each batch with items of one group (--items, --group-column)");
  visit(o.deterministic, "deterministic",
        "sum gradients by row in a fixed order: equal bits from run to run for any number of threads, but slower; "
        "softmax: "
        "always so, with the option and without");
  visit(o.cuda_graph, "cuda-graph",
        "CUDA: launch each step as one graph, for small batches; the same bits with it and without");
  visit(o.patience, "patience", "stop after this many epochs without a better validation score; 0: never");
  visit(o.refit, "refit",
        "after validation has chosen the epoch, train again on training and validation together for as many epochs at "
        "the rates they had, and keep that model; --refit=false: keep the one that was chosen");
  visit(o.seed, "seed", "of the split, the start and the order of the data");
  visit(o.device, "device", "auto, cpu, cuda or cuda:N");
  visit(o.threads, "threads", "CPU threads; 0: all that the process may use");
  visit(o.loss, "loss",
        "softmax: softmax (sampled softmax), bsl (bilateral: the negatives' side weighted by negative-weight, or at a "
        "temperature of its own) or bpr");
  visit(o.score, "score", "softmax: cosine, or dot (product of the embeddings)");
  visit(o.score_type, "score-type",
        "softmax: scores of shared negatives while training: float32, or bfloat16, which on CUDA halves their traffic "
        "and uses tensor cores, with sums in float32; the CPU computes in float32 all the same");
  visit(
      o.temperature, "temperature",
      "softmax: scores are divided by it, lower looks at harder negatives; 0: of cosines 1.4 / (number of items)^(1/4) "
      "up to 0.3, of products 1");
  visit(o.positive_temperature, "positive-temperature", "softmax, bsl: that of the positive's side, > 0; 0: the same");
  visit(o.negative_weight, "negative-weight", "softmax, bsl: weight of the negatives' side, > 0");
  visit(o.learn_temperature, "learn-temperature", "softmax: train the temperature too, beginning with the given one");
  visit(o.positive_in_denominator, "positive-in-denominator",
        "softmax: count the positive among the terms of the denominator, as the exact softmax does");
  visit(o.denominator_items, "denominator-items",
        "softmax, with positive-in-denominator: the negatives together count as this many items; few care for the "
        "whole list, many for its head; 0: as all items");
  visit(
      o.positive_from, "positive-from",
      "softmax: ratings from X on are positives, lower ones say no (in validation and test too); empty: those above 0 "
      "where some ratings are 0 or below, else all");
  visit(
      o.rating_weight, "rating-weight",
      "softmax: a positive counts this factor more for each standard deviation that its rating is above the mean, > 0; "
      "1: all alike");
  visit(o.user_balance, "user-balance",
        "softmax: a positive counts (its user's number of positives)^-X, X in [0, 1]; 0: positives alike, 1: users "
        "alike");
  visit(o.dropout, "dropout", "softmax: share of the query vector's elements dropped in training, in [0, 1)");
  visit(o.negatives, "negatives",
        "softmax: uniform, popularity:ALPHA, in-batch, mixed:FRACTION or full; hard ones: hard:M/N, "
        "score-weighted:M/N, adaptive:M/N, mined:M/K or disliked:M; both: uniform+hard:8/256 (docs/negatives.md)");
  visit(o.n_negatives, "n-negatives", "softmax: random negatives that a batch shares, >= 1");
  visit(o.own_negatives, "own-negatives",
        "softmax: n-negatives random ones for each positive instead (with hard ones: candidates for each positive)");
  visit(o.hard_warmup, "hard-warmup", "softmax: share of the run before hardness sets in, in [0, 1)");
  visit(o.hard_weight, "hard-weight", "softmax: how many negatives a hard one counts as, > 0");
  visit(o.hard_temperature, "hard-temperature", "softmax, score-weighted: candidates are drawn ~ exp(score / T), > 0");
  visit(o.adaptive_alpha, "adaptive-alpha", "softmax, adaptive: a of the target score b (s + a)^(p + 1)");
  visit(o.adaptive_beta, "adaptive-beta", "softmax, adaptive: b of it, > 0");
  visit(o.adaptive_power, "adaptive-power",
        "softmax, adaptive: p of it; below -1 the target falls as the positive's score s rises");
  visit(o.mined_skip, "mined-skip",
        "softmax, mined: best items passed over, for they may be positives that nobody recorded");
  visit(o.weight_rank, "weight-rank",
        "softmax: weigh positives by how near they are to the user's top K, with this K (SL@K); 0: all alike");
  visit(o.weight_temperature, "weight-temperature", "softmax: how sharp that weight is, > 0");
  visit(o.refresh_epochs, "refresh-epochs",
        "softmax: epochs between searches for users' best items (mined, weight-rank)");
}

// Throws UsageError naming the option, its value and what is allowed.
void validate(const TrainOptions& options);

// The least rating of a positive of model softmax; nothing where all ratings are positives, and for mf. As asked for,
// or from the scale of `ratings`: where some are 0 or below and others above, the lowest of those above. Throws
// DataError where ratings differ and none is above 0.
std::optional<float> positive_threshold(const TrainOptions& options, const RatingView& ratings);

nlohmann::ordered_json to_json(const TrainOptions& options);

// The learning rate and momentum (Adam's beta1) at a point of the run, progress in [0, 1).
struct ScheduleValue {
  double learning_rate;
  double beta1;
};
ScheduleValue scheduled(const TrainOptions& options, double progress);

struct TrainProgress {
  std::uint32_t epoch = 0;  // 1-based
  std::uint32_t n_epochs = 0;
  double epoch_progress = 0;  // 0 to 1
  const char* loss_name = "rmse";
  double train_loss = 0;          // of the epoch so far, before each update
  double ratings_per_second = 0;  // of the epoch so far
  double eta_seconds = 0;         // to the end of the run
  std::uint32_t best_epoch = 0;   // kept so far; 0: none
};

struct TrainResult;

// Called from the training thread.
struct TrainCallbacks {
  std::function<void(const MemoryPlan&)> plan;         // before anything is allocated
  std::function<void(const TrainProgress&)> progress;  // at most ten times a second
  // After every epoch, the history line: epoch, train_rmse (mf) or train_loss (softmax), learning_rate, seconds,
  // ratings_per_second, wait_share (of the epoch, in which the device had no batch to work on); softmax: negatives
  // (scored), rejected (draws that the query knew) and temperature; with a validation part,
  // validation_rmse and validation_mae, or validation_recall@20 and validation_ndcg@20.
  std::function<void(const nlohmann::ordered_json&)> evaluation;
  std::function<void(const std::string&)> notice;  // something a user should know
  std::function<bool()> stop;                      // true: finish the batch and stop (asked between batches)
  // refit: the model that validation chose, before it is trained again; what the caller adds to it stays. Lines of
  // `evaluation` hold "refit": true after.
  std::function<void(TrainResult&)> chosen;
};

enum class TrainOutcome { kFinished, kEarlyStopped, kInterrupted, kDiverged };

struct TrainResult {
  Model model;  // without ids, seen and scores, which the caller adds
  TrainOutcome outcome = TrainOutcome::kFinished;
  std::string message;           // kDiverged: epoch, step and what to do
  std::uint32_t best_epoch = 0;  // the epoch the model is of (the best by validation, else the last)
  bool has_model = true;         // false: diverged before a first epoch ended
  bool validated = false;        // best_epoch is validation's choice
  bool unscored = false;         // there was a validation part, and nothing of it could be scored
  bool refitted = false;         // trained again, on training and validation, for best_epoch epochs
  Ratings joined;                // refitted: training and validation together
};

// The data of a run. Rows of `train` are in range; `validation` may hold kUnknownRow, and may be empty.
struct TrainData {
  RatingView train;
  RatingView validation;
  std::uint32_t n_users = 0;
  std::uint32_t n_items = 0;
  const ItemGroups* groups = nullptr;  // of all items; for group_batches
  const SeenItems* seen = nullptr;     // of `train`; null: made where the model needs it
};

// Every number of the model is finite: where one is not, the run has diverged. With refit, a second run that is
// interrupted (the outcome says so) or diverges leaves the model that validation chose. Throws UsageError, DeviceError
// (memory: both numbers), DataError.
TrainResult train(Backend& backend, const TrainData& data, const TrainOptions& options,
                  const TrainCallbacks& callbacks);

}  // namespace unfold
