#include "host/cli/input_options.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "host/cli/interrupt.hpp"
#include "host/io/output_rule.hpp"
#include "host/io/temporary.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

// A fresh folder, removed with what it holds.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& parent) : entry_(make_temporary_directory(parent)) {
    if (entry_.error == 0) return;
    throw DataError(fmt::format("{}: cannot make a folder there: {}; set TMPDIR to one with room", parent.string(),
                                errno_text(entry_.error)));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(entry_.path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return entry_.path; }

 private:
  TemporaryEntry entry_;
};

// "user=userId,item=movieId" as a map from role to column.
std::map<std::string, std::string> parse_columns(const std::string& text) {
  std::map<std::string, std::string> columns;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const std::size_t equals = part.find('=');
    const std::string role = part.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == part.size() ||
        (role != "user" && role != "item" && role != "rating" && role != "time")) {
      throw UsageError(
          fmt::format("--columns: \"{}\" is not ROLE=COLUMN with ROLE user, item, rating or time, as in "
                      "user=userId,item=movieId or user=1,item=2",
                      part));
    }
    if (!columns.emplace(role, part.substr(equals + 1)).second) {
      throw UsageError(fmt::format("--columns: {} is given twice", role));
    }
    begin = end + 1;
  }
  return columns;
}

}  // namespace

void InputOptions::add_reading(OptionSet& options) {
  options.add(format, "format",
              "layout of the input; auto: found out from the content; dat: fields parted by ::; adjacency: user item "
              "item ...",
              {.words = {"auto", "csv", "tsv", "dat", "pipe", "semicolon", "space", "adjacency"}});
  options.add(columns, "columns",
              "ROLE=COLUMN,... with roles user, item, rating, time and a header name or a number from 1, as in "
              "user=userId,item=movieId; absent: found out");
  options.add(header, "header", "whether the first line names the columns", {.words = {"auto", "yes", "no"}});
  options.add(quote, "quote",
              "auto: quotes may stand around fields; double: the same, and such fields may hold whole lines; none: a "
              "quote is a character like any other",
              {.words = {"auto", "double", "none"}});
  options.add(on_error, "on-error", "what to do with a line that cannot be read; skip: count it and keep it aside",
              {.words = {"fail", "skip"}});
  options.add(rejected, "rejected",
              "where --on-error skip writes such lines; absent: the input's name + .rejected here, and a number where "
              "that is taken",
              Saved::kNo, "FILE");
}

void InputOptions::add_keeping(OptionSet& options) {
  options.add(min_user_ratings, "min-user-ratings", "leave out users with fewer ratings", Allowed::from(1));
  options.add(min_item_ratings, "min-item-ratings", "leave out items with fewer ratings", Allowed::from(1));
}

void InputOptions::add_cache(OptionSet& options) {
  options.add(cache, "cache",
              "folder of imports, kept by content so that a second run starts at once; absent: $UNFOLD_CACHE, else "
              "~/.cache/unfold",
              Saved::kNo, "DIR");
}

ImportOptions InputOptions::resolve() const {
  ImportOptions options;
  options.format = format;
  options.columns = parse_columns(columns);
  options.header = header;
  options.min_user_ratings = min_user_ratings;
  options.min_item_ratings = min_item_ratings;
  options.quote = quote;
  options.on_error = on_error == "skip" ? OnError::kSkip : OnError::kFail;
  if (!rejected.empty() && on_error != "skip") throw UsageError("--rejected needs --on-error skip");
  options.rejected_file = rejected;
  options.overwrite = overwrite;
  if (is_next && !rejected.empty() && open_descriptor(rejected) < 0) {
    options.rejected_file = next_free(rejected);
    options.overwrite = false;
  }
  return options;
}

std::filesystem::path InputOptions::cache_directory() const {
  return cache.empty() ? default_cache_directory() : std::filesystem::path(cache);
}

ImportProgress import_progress(const std::string& source, Progress& progress) {
  return [source, &progress](std::uint64_t done, std::uint64_t total) {
    throw_if_interrupted();
    progress.importing(source, done, total);
  };
}

LoadedData load_data(const std::string& source, const InputOptions& input, Progress& progress) {
  const ImportOptions options = input.resolve();
  remove_temporary_litter();
  const ImportProgress callback = import_progress(source, progress);
  std::error_code ignored;
  if ((input.no_cache && !Dataset::is_dataset(source)) || std::filesystem::is_fifo(source, ignored)) {
    const TemporaryFolder folder(temporary_directory());
    Dataset dataset = import_dataset(source, folder.path() / "dataset", options, callback);
    say_report(source, dataset.report(), false, progress);
    // The columns are mapped and outlive their names; the ids are read before the folder goes.
    LoadedData data{std::move(dataset), {}, {}};
    data.user_ids = data.dataset.read_user_ids();
    data.item_ids = data.dataset.read_item_ids();
    return data;
  }
  CachedDataset cached = open_or_import(source, input.cache_directory(), options, callback);
  say_report(source, cached.dataset.report(), cached.was_cached, progress);
  LoadedData data{std::move(cached.dataset), {}, {}};
  data.user_ids = data.dataset.read_user_ids();
  data.item_ids = data.dataset.read_item_ids();
  throw_if_interrupted();
  return data;
}

namespace {

void say_layout(const ImportReport& report, Progress& progress) {
  for (const std::string& note : report.notes) progress.say("  note: " + note);
  if (report.n_comments > 0) progress.say(fmt::format("  {} comment lines left out", format_count(report.n_comments)));
}

}  // namespace

void say_report(const std::string& source, const ImportReport& report, bool was_cached, Progress& progress) {
  progress.say(fmt::format("{}: {} ratings of {} users and {} items ({}{}{})", source, format_count(report.n_ratings),
                           format_count(report.n_users), format_count(report.n_items), report.format,
                           report.columns.empty() ? "" : ", " + report.columns, was_cached ? "; imported before" : ""));
  if (report.has_ratings) {
    progress.say(fmt::format("  ratings from {:g} to {:g}, mean {:.4g}", report.rating_min, report.rating_max,
                             report.rating_mean));
  }
  say_layout(report, progress);
  if (report.n_duplicates > 0) {
    progress.say(fmt::format("  {} repeated pairs dropped, the last {} stays", format_count(report.n_duplicates),
                             report.has_times ? "by time" : "in the file"));
  }
  if (report.n_below_minimum > 0) {
    progress.say(
        fmt::format("  {} ratings of users or items below the minimum left out", format_count(report.n_below_minimum)));
  }
  if (report.n_rejected > 0) {
    progress.warn(fmt::format("unfold: warning: {}: {} lines could not be read{}", source,
                              format_count(report.n_rejected),
                              report.rejected_file.empty() ? "" : "; they are in " + report.rejected_file));
  }
}

nlohmann::ordered_json to_json(const ImportReport& report) {
  return {{"source", report.source},
          {"format", report.format},
          {"columns", report.columns},
          {"has_ratings", report.has_ratings},
          {"has_times", report.has_times},
          {"notes", report.notes},
          {"n_lines", report.n_lines},
          {"n_comments", report.n_comments},
          {"n_parsed", report.n_parsed},
          {"n_rejected", report.n_rejected},
          {"n_duplicates", report.n_duplicates},
          {"n_below_minimum", report.n_below_minimum},
          {"n_ratings", report.n_ratings},
          {"n_users", report.n_users},
          {"n_items", report.n_items},
          {"rating_min", report.rating_min},
          {"rating_max", report.rating_max},
          {"rating_mean", report.rating_mean}};
}

namespace {

Ratings rated_alike(const RatingView& pairs, float rating) {
  RatingWriter writer = RatingWriter::temporary(pairs.has_times());
  for (std::uint64_t n = 0; n < pairs.size(); ++n) {
    Rating pair = pairs[n];
    pair.rating = rating;
    writer.append(pair);
  }
  return writer.finish();
}

}  // namespace

MappedRatings load_mapped(const std::string& role, const std::string& file, const IdMap& user_ids,
                          const IdMap& item_ids, const InputOptions& input, std::optional<float> positive_from,
                          Progress& progress) {
  MappedRatings mapped = read_mapped_ratings(file, user_ids, item_ids, input.resolve());
  if (positive_from && !mapped.report.has_ratings) mapped.ratings = rated_alike(mapped.ratings.view(), *positive_from);
  throw_if_interrupted();
  progress.say(fmt::format("{} {}: {} ratings, {} of unknown users, {} of unknown items", role, file,
                           format_count(mapped.ratings.size()), format_count(mapped.n_unknown_users),
                           format_count(mapped.n_unknown_items)));
  say_layout(mapped.report, progress);
  if (mapped.report.n_duplicates > 0) {
    progress.say(fmt::format("  {} repeated pairs dropped", format_count(mapped.report.n_duplicates)));
  }
  if (mapped.report.n_rejected > 0) {
    progress.warn(fmt::format("unfold: warning: {}: {} lines could not be read; they are in {}", file,
                              format_count(mapped.report.n_rejected), mapped.report.rejected_file));
  }
  return mapped;
}

}  // namespace unfold::cli
