// Raw files to data sets: into a directory, into the cache, and in terms of ids that are known.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

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

// Empty parts of a data set in several files are nothing to speak of.
std::vector<fs::path> with_content(std::vector<fs::path> sources) {
  const auto is_empty = [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && fs::file_size(path, ignored) == 0;
  };
  if (!std::all_of(sources.begin(), sources.end(), is_empty)) std::erase_if(sources, is_empty);
  return sources;
}

}  // namespace

Dataset import_dataset(const fs::path& source, const fs::path& out, const ImportOptions& options,
                       const ImportProgress& progress) {
  return import_dataset(std::vector{source}, out, options, progress);
}

Dataset import_dataset(const std::vector<fs::path>& sources, const fs::path& out, const ImportOptions& options,
                       const ImportProgress& progress) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(out, ignored))) {
    throw UsageError(fmt::format("{}: exists already; choose another name or remove it", out.string()));
  }
  StagedDirectory staged(out);
  DatasetBuilder builder(with_content(sources), staged.path(), options, progress);
  builder.build();
  staged.commit();
  builder.commit_rejected();
  return Dataset::open(out);
}

CachedDataset open_or_import(const fs::path& source, const fs::path& cache, const ImportOptions& options,
                             const ImportProgress& progress) {
  return open_or_import(std::vector{source}, cache, options, progress);
}

CachedDataset open_or_import(const std::vector<fs::path>& given, const fs::path& cache, const ImportOptions& options,
                             const ImportProgress& progress) {
  if (given.size() == 1 && Dataset::is_dataset(given[0])) return {Dataset::open(given[0]), true};
  const std::vector<fs::path> sources = with_content(given);
  const fs::path& source = sources[0];
  const auto pipe = std::find_if(sources.begin(), sources.end(), [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_fifo(path, ignored);
  });
  if (pipe != sources.end()) {
    throw DataError(fmt::format("{}: a pipe can be read only once, and the cache reads twice; import it into a folder: "
                                "--out DIR",
                                pipe->string()));
  }
  const ContentHash content = hash_files(sources);
  const fs::path entry = cache_entry(cache, content, options);
  Dataset dataset;
  if (open_entry(entry, dataset) && rejected_lines_are_there(dataset.report(), source, options)) {
    return {std::move(dataset), true};
  }
  make_cache_directory(cache);
  StagedEntry staged(entry);
  DatasetBuilder builder(sources, staged.directory.path(), options, progress);
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
