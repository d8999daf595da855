#include "unfold/synthetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/synthetic_pairs.hpp"
#include "host/io/file.hpp"
#include "host/io/staged.hpp"
#include "unfold/error.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

void require(bool holds, std::string_view option, double value, std::string_view allowed) {
  if (!holds) throw UsageError(fmt::format("synthetic data: {} is {}; it must be {}", option, value, allowed));
}

void validate(const SyntheticOptions& o) {
  const auto is_scale = [](double value) { return std::isfinite(value) && value >= 0; };
  require(o.n_users >= 1, "users", o.n_users, "at least 1");
  require(o.n_items >= 1, "items", o.n_items, "at least 1");
  require(o.n_ratings >= 1, "ratings", static_cast<double>(o.n_ratings), "at least 1");
  require(o.dim >= 1, "dim", o.dim, "at least 1");
  require(is_scale(o.noise), "noise", o.noise, "finite and not negative");
  require(is_scale(o.signal_std), "signal-std", o.signal_std, "finite and not negative");
  require(is_scale(o.bias_std), "bias-std", o.bias_std, "finite and not negative");
  require(std::isfinite(o.mean), "mean", o.mean, "finite");
  require(is_scale(o.skew), "skew", o.skew, "finite and not negative");
  require(is_scale(o.user_skew), "user-skew", o.user_skew, "finite and not negative");
  require(o.groups >= 1 && o.groups <= std::min(o.n_users, o.n_items), "groups", o.groups,
          "at least 1 and at most the number of users and of items");
  require(std::isfinite(o.rating_min), "rating-min", o.rating_min, "finite");
  require(std::isfinite(o.rating_max) && o.rating_max >= o.rating_min, "rating-max", o.rating_max,
          "finite and not under rating-min");
  require(is_scale(o.rating_step), "rating-step", o.rating_step, "finite and not negative");
  const std::uint64_t n_possible = count_possible_pairs(o);
  if (o.n_ratings > n_possible) {
    throw UsageError(
        fmt::format("synthetic data: {} ratings are more than the {} pairs that {} users and {} items in {} group(s) "
                    "have; ask for fewer ratings or more users and items",
                    o.n_ratings, n_possible, o.n_users, o.n_items, o.groups));
  }
}

// n draws from N(0, std^2), fixed by their stream and position alone.
std::vector<float> draw_normals(const SyntheticOptions& options, SyntheticStream stream, std::uint64_t n, double std) {
  std::vector<float> values(n);
  for (std::uint64_t i = 0; i < n; i += 4) {
    const RandomBlock bits =
        random_block(options.seed, RandomPurpose::kSynthetic, static_cast<std::uint32_t>(stream), i / 4);
    double draws[4];
    normal_pair(bits.v[0], bits.v[1], draws[0], draws[1]);
    normal_pair(bits.v[2], bits.v[3], draws[2], draws[3]);
    for (std::uint64_t j = i; j < std::min(i + 4, n); ++j) values[j] = static_cast<float>(std * draws[j - i]);
  }
  return values;
}

// The known answer.
class PlantedModel {
 public:
  explicit PlantedModel(const SyntheticOptions& options)
      : options_(options),
        // The product of two such elements has the standard deviation signal_std / sqrt(dim); dim of them add up.
        element_std_(std::sqrt(options.signal_std / std::sqrt(static_cast<double>(options.dim)))),
        user_bias_(draw_normals(options, SyntheticStream::kUserBias, options.n_users, options.bias_std)),
        item_bias_(draw_normals(options, SyntheticStream::kItemBias, options.n_items, options.bias_std)),
        user_factors_(draw_normals(options, SyntheticStream::kUserFactor, std::uint64_t{options.n_users} * options.dim,
                                   element_std_)),
        item_factors_(draw_normals(options, SyntheticStream::kItemFactor, std::uint64_t{options.n_items} * options.dim,
                                   element_std_)) {}

  double score(Row user, Row item) const {
    const float* p = user_factors_.data() + std::uint64_t{user} * options_.dim;
    const float* q = item_factors_.data() + std::uint64_t{item} * options_.dim;
    double sum = options_.mean + static_cast<double>(user_bias_[user]) + static_cast<double>(item_bias_[item]);
    for (std::uint32_t d = 0; d < options_.dim; ++d) sum += static_cast<double>(p[d]) * static_cast<double>(q[d]);
    return sum;
  }

  double clip(double rating) const {
    if (options_.rating_min >= options_.rating_max) return rating;
    return std::clamp(rating, options_.rating_min, options_.rating_max);
  }

  // The rating written in line `position` for this score. A float, as that is what a reader makes of it.
  float rating(double score, std::uint64_t position) const {
    const RandomBlock bits = random_block(options_.seed, RandomPurpose::kSynthetic,
                                          static_cast<std::uint32_t>(SyntheticStream::kNoise), position);
    double noise, unused;
    normal_pair(bits.v[0], bits.v[1], noise, unused);
    double value = score + options_.noise * noise;
    if (options_.rating_step > 0) value = std::round(value / options_.rating_step) * options_.rating_step;
    return static_cast<float>(clip(value)) + 0.0f;  // no "-0"
  }

 private:
  const SyntheticOptions& options_;
  double element_std_;
  std::vector<float> user_bias_, item_bias_;        // [n_users], [n_items]
  std::vector<float> user_factors_, item_factors_;  // [n_users, dim], [n_items, dim]
};

// Writes one formatted line.
template <typename... Values>
void write_line(FileWriter& writer, fmt::format_string<Values...> format, Values&&... values) {
  fmt::basic_memory_buffer<char, 128> line;
  fmt::format_to(std::back_inserter(line), format, std::forward<Values>(values)...);
  writer.write(line.data(), line.size());
}

// A table of `n` ids and their groups, with two named columns.
struct GroupTable {
  std::uint64_t n, n_groups;
  std::string_view id_column;
  char separator;

  void write(const fs::path& file) const {
    FileWriter writer = FileWriter::create(file);
    write_line(writer, "{}{}group\n", id_column, separator);
    for (std::uint64_t id = 0; id < n; ++id) write_line(writer, "{}{}{}\n", id, separator, id % n_groups);
    writer.close();
  }
};

// The tables of groups that belong to a data set, staged under their names.
class StagedGroups {
 public:
  StagedGroups(const fs::path& file, const SyntheticOptions& options)
      : existing_(options.overwrite ? Existing::kReplace : Existing::kRefuse) {
    const std::string stem = (file.parent_path() / file.stem()).string();
    const bool named = !options.items_out.empty();
    // The tables beside a file have its name; a descriptor has none to give.
    const bool has_tables = options.groups > 1 && open_descriptor(file) < 0;
    if (has_tables) add(stem + ".users.csv", {options.n_users, options.groups, "id", ','});
    if (named) {
      add(options.items_out, {options.n_items, options.groups, "item", '\t'});
    } else if (has_tables) {
      add(stem + ".items.csv", {options.n_items, options.groups, "id", ','});
    }
  }
  void commit() {
    for (const auto& file : files_) file->commit();
  }

 private:
  void add(const fs::path& file, const GroupTable& table) {
    files_.push_back(std::make_unique<StagedFile>(file, existing_));
    table.write(files_.back()->path());
  }

  Existing existing_;
  std::vector<std::unique_ptr<StagedFile>> files_;
};

SyntheticReport write_ratings(const fs::path& file, const SyntheticOptions& options,
                              const std::vector<SyntheticPair>& pairs) {
  FileWriter writer = FileWriter::create(file);
  SyntheticReport report;
  report.n_ratings = pairs.size();
  if (options.implicit) {
    writer.write("user,item\n");
    for (const auto& [user, item] : pairs) write_line(writer, "{},{}\n", user, item);
    writer.close();
    return report;
  }
  const PlantedModel model(options);
  double squared = 0, absolute = 0;
  writer.write("user,item,rating\n");
  for (std::uint64_t n = 0; n < pairs.size(); ++n) {
    const auto [user, item] = pairs[n];
    const double score = model.score(user, item);
    const float rating = model.rating(score, n);
    const double error = model.clip(score) - static_cast<double>(rating);
    squared += error * error;
    absolute += std::abs(error);
    write_line(writer, "{},{},{}\n", user, item, rating);
  }
  writer.close();
  report.best_rmse = std::sqrt(squared / static_cast<double>(pairs.size()));
  report.best_mae = absolute / static_cast<double>(pairs.size());
  return report;
}

void count_seen(const std::vector<SyntheticPair>& pairs, const SyntheticOptions& options, SyntheticReport& report) {
  std::vector<bool> users(options.n_users), items(options.n_items);
  for (const auto& [user, item] : pairs) users[user] = items[item] = true;
  report.n_users_seen = static_cast<std::uint32_t>(std::ranges::count(users, true));
  report.n_items_seen = static_cast<std::uint32_t>(std::ranges::count(items, true));
}

}  // namespace

SyntheticReport write_synthetic(const fs::path& file, const SyntheticOptions& options) {
  validate(options);
  const fs::path users = (file.parent_path() / file.stem()).string() + ".users.csv";
  for (const fs::path& other : {file, options.groups > 1 ? users : file}) {
    if (options.items_out.lexically_normal() != other.lexically_normal()) continue;
    throw UsageError(fmt::format("synthetic data: {} is asked to hold two tables; give --items-out another name",
                                 options.items_out.string()));
  }
  // Staged first: a folder that cannot be written is found before the work.
  StagedFile staged(file, options.overwrite ? Existing::kReplace : Existing::kRefuse);
  StagedGroups groups(file, options);
  const std::vector<SyntheticPair> pairs = draw_synthetic_pairs(options);
  SyntheticReport report = write_ratings(staged.path(), options, pairs);
  count_seen(pairs, options, report);
  groups.commit();
  staged.commit();
  return report;
}

}  // namespace unfold
