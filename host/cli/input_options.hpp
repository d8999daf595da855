// The options that say how a file of ratings is read, shared by the commands that read one.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/cli/option_set.hpp"
#include "host/cli/progress.hpp"
#include "unfold/dataset.hpp"
#include "unfold/id_map.hpp"

namespace unfold::cli {

struct InputOptions {
  std::string format = "auto";
  std::string columns;
  std::string header = "auto";
  std::string quote = "auto";
  std::uint64_t min_user_ratings = 1;
  std::uint64_t min_item_ratings = 1;
  std::string on_error = "fail";
  std::string rejected;
  std::string cache;
  bool no_cache = false;
  bool overwrite = false;  // what the reading writes may replace what it finds
  bool is_next = false;    // a file was read before: the rejected lines of the two go to two files

  // How lines are read; for every command that takes a file.
  void add_reading(OptionSet& options);
  // What is kept, and where the import goes; for the commands that import.
  void add_keeping(OptionSet& options);
  void add_cache(OptionSet& options);

  // Throws UsageError.
  ImportOptions resolve() const;
  std::filesystem::path cache_directory() const;
};

// An imported data set with its ids.
struct LoadedData {
  Dataset dataset;
  IdMap user_ids;
  IdMap item_ids;
};

// Opens or imports DATA, with progress and the report. With --no-cache, or of a pipe, the import lives in a temporary
// folder that is gone when this returns. Throws Interrupted after Ctrl-C; then nothing is left behind.
LoadedData load_data(const std::string& source, const InputOptions& input, Progress& progress);

// Tells what the import of `source` read, kept and left out. (The report of a cached import names the file that it
// was made from, which may have had another name.)
void say_report(const std::string& source, const ImportReport& report, bool was_cached, Progress& progress);
nlohmann::ordered_json to_json(const ImportReport& report);

// The import's callback: shows progress, throws Interrupted after Ctrl-C.
ImportProgress import_progress(const std::string& source, Progress& progress);

// A test or validation file, or an imported data set, in terms of the model's ids, and what it held that the model does
// not know. Pairs without ratings are positives: they get the rating `positive_from`, where the model has one.
MappedRatings load_mapped(const std::string& role, const std::string& file, const IdMap& user_ids,
                          const IdMap& item_ids, const InputOptions& input, std::optional<float> positive_from,
                          Progress& progress);

}  // namespace unfold::cli
