// Raw files to data sets: into a directory, into the cache, and in terms of ids that are known.
#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "host/data/dataset_builder.hpp"
#include "host/data/dataset_json.hpp"
#include "host/data/raw_file.hpp"
#include "host/io/staged.hpp"
#include "unfold/dataset.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

void make_cache_directory(const fs::path& cache) {
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) {
    throw DataError(fmt::format("{}: cannot make the cache directory: {}; name another with UNFOLD_CACHE or --cache",
                                cache.string(), error.message()));
  }
}

// The rejected lines belong to the result: an import that wrote them is repeated where they are gone.
bool rejected_lines_are_there(const ImportReport& report, const fs::path& source, const ImportOptions& options) {
  std::error_code ignored;
  return report.n_rejected == 0 || fs::exists(RejectedLines(source, options).target(), ignored);
}

bool open_entry(const fs::path& entry, Dataset& dataset) {
  if (!Dataset::is_dataset(entry)) return false;
  try {
    dataset = Dataset::open(entry);
    return true;
  } catch (const Error&) {
    return false;  // damaged; an import replaces it
  }
}

fs::path cache_entry(const fs::path& cache, const ContentHash& content, const ImportOptions& options) {
  const std::string key = fmt::format("{}\n{}\n{}", kDatasetVersion, content, canonical_options(options));
  return cache / ("dataset-" + hash_text(key));
}

// Makes the staging directory; says what to do where the cache cannot be written.
struct StagedEntry {
  explicit StagedEntry(const fs::path& entry) try : directory(entry) {
  } catch (const Error& error) {
    throw DataError(fmt::format("{}; the cache {} cannot be written: name another with UNFOLD_CACHE or --cache",
                                error.what(), entry.parent_path().string()));
  }
  StagedDirectory directory;
};

}  // namespace

Dataset import_dataset(const fs::path& source, const fs::path& out, const ImportOptions& options,
                       const ImportProgress& progress) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(out, ignored))) {
    throw UsageError(fmt::format("{}: exists already; choose another name or remove it", out.string()));
  }
  StagedDirectory staged(out);
  DatasetBuilder builder(source, staged.path(), options, progress);
  builder.build();
  staged.commit();
  builder.commit_rejected();
  return Dataset::open(out);
}

CachedDataset open_or_import(const fs::path& source, const fs::path& cache, const ImportOptions& options,
                             const ImportProgress& progress) {
  if (Dataset::is_dataset(source)) return {Dataset::open(source), true};
  std::error_code ignored;
  if (fs::is_fifo(source, ignored)) {
    throw DataError(fmt::format("{}: a pipe can be read only once, and the cache reads twice; import it into a folder: "
                                "--out DIR",
                                source.string()));
  }
  const ContentHash content = hash_file(source);
  const fs::path entry = cache_entry(cache, content, options);
  Dataset dataset;
  if (open_entry(entry, dataset) && rejected_lines_are_there(dataset.report(), source, options)) {
    return {std::move(dataset), true};
  }
  make_cache_directory(cache);
  StagedEntry staged(entry);
  DatasetBuilder builder(source, staged.directory.path(), options, progress);
  builder.build();
  if (builder.source_hash() != content) {
    throw DataError(
        fmt::format("{}: the file changed while it was read; run again when nothing writes to it", source.string()));
  }
  try {
    staged.directory.commit_replacing([](const fs::path&) {});
  } catch (const UsageError&) {
    // Another process has put the same entry there in this moment. The two are equal: open that one.
  }
  builder.commit_rejected();
  return {Dataset::open(entry), false};
}

fs::path default_cache_directory() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value != nullptr ? value : "");
  };
  if (fs::path chosen = variable("UNFOLD_CACHE"); !chosen.empty()) return chosen;
  if (const fs::path base = variable("XDG_CACHE_HOME"); !base.empty()) return base / "unfold";
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "unfold";
  std::error_code ignored;
  return fs::temp_directory_path(ignored) / "unfold-cache";
}

}  // namespace unfold
