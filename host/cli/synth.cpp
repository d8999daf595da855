// unfold synth FILE
#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "unfold/synthetic.hpp"

namespace unfold::cli {
namespace {

struct SynthCommand {
  std::string file, items_out;
  SyntheticOptions options;
  bool json = false;
  bool quiet = false;
};

void bind(SynthCommand& command, OptionSet& options) {
  SyntheticOptions& o = command.options;
  options.add_positional(command.file, "FILE", "CSV file to write, with header user,item,rating");
  options.add(o.n_users, "users", "number of users", Allowed::from(1));
  options.add(o.n_items, "items", "number of items", Allowed::from(1));
  options.add(o.n_ratings, "ratings", "number of ratings; a pair occurs at most once", Allowed::from(1));
  options.add(o.dim, "dim", "planted dimension", Allowed::from(1));
  options.add(o.noise, "noise", "standard deviation of the noise, in rating units; the best RMSE before rounding");
  options.add(o.signal_std, "signal-std", "standard deviation of p_u.q_i, in rating units");
  options.add(o.bias_std, "bias-std", "standard deviation of each bias, in rating units");
  options.add(o.mean, "mean", "mean rating");
  options.add(o.skew, "skew", "items are drawn with probability ~ rank^-skew, >= 0; 0: uniform");
  options.add(o.user_skew, "user-skew", "the same of users");
  options.add(o.groups, "groups",
              "disjoint groups of users and items that only meet inside; every group has tastes of its own",
              Allowed::from(1));
  options.add(o.rating_min, "rating-min", "ratings are clipped from below here, where rating-min < rating-max");
  options.add(o.rating_max, "rating-max", "and from above here");
  options.add(o.rating_step, "rating-step", "round ratings to multiples of this, where > 0");
  options.add(o.implicit, "implicit", "write pairs without a rating");
  options.add(o.seed, "seed", "the same seed and options write the same bytes");
  options.add(
      command.items_out, "items-out",
      "write the items' groups as a table with columns item and group, separated by a tab, which the --items of "
      "train, evaluate and map reads; absent: with groups, FILE's name + .items.csv with id,group",
      Saved::kNo, "FILE");
  options.add(o.overwrite, "overwrite", "replace the files where they exist", Saved::kNo);
  options.add(command.quiet, "quiet", "print nothing but what --json asks for; errors remain");
  options.add(command.json, "json", "print the counts and the planted model's error as one JSON object");
}

std::string page_of(const SynthCommand& command, const SyntheticReport& report) {
  if (command.json) {
    return json_page({{"file", command.file},
                      {"n_ratings", report.n_ratings},
                      {"n_users", report.n_users_seen},
                      {"n_items", report.n_items_seen},
                      {"best_rmse", report.best_rmse},
                      {"best_mae", report.best_mae}}) +
           '\n';
  }
  std::string page =
      fmt::format("{}: {} ratings of {} users and {} items\n", command.file, format_count(report.n_ratings),
                  format_count(report.n_users_seen), format_count(report.n_items_seen));
  if (!command.options.implicit) {
    page += fmt::format("the planted model's rmse {:.4f}, mae {:.4f}: no model can do better\n", report.best_rmse,
                        report.best_mae);
  }
  return page;
}

int run(SynthCommand& command) {
  command.options.items_out = command.items_out;
  check_outputs({}, {{"FILE", command.file}, {"--items-out", command.items_out}}, command.options.overwrite);
  const SyntheticReport report = write_synthetic(command.file, command.options);
  if (command.quiet && !command.json) return 0;
  const std::string page = page_of(command, report);
  if (is_stdout(command.file) || is_stdout(command.items_out)) {
    print_err("{}", page);
  } else {
    print_out("{}", page);
  }
  return 0;
}

}  // namespace

RunCommand add_synth(CLI::App& root) {
  CLI::App& app = add_command(root, "synth", "write a data set with a known answer",
                              "rating = mean + b_u + b_i + p_u.q_i + noise * N(0, 1), then rounded and clipped.\n\n"
                              "Examples:\n  unfold synth ratings.csv --users 10000 --items 2000 --ratings 1000000\n"
                              "  unfold synth grouped.csv --groups 10 --items-out items.tsv");
  auto command = std::make_shared<SynthCommand>();
  OptionSet options(app);
  bind(*command, options);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
