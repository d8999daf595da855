// Raw files to data sets: into a directory, into the cache, and in terms of ids that are known.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
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

// Where no variable names a folder. Other users write there too, so the name is the user's own.
fs::path temporary_cache() {
  std::error_code ignored;
  return fs::temp_directory_path(ignored) / fmt::format("unfold-cache-{}", ::geteuid());
}

// Nobody else may put entries into a cache that lies where anybody can make folders.
void make_private(const fs::path& cache) {
  struct stat status {};
  if (::mkdir(cache.c_str(), 0700) != 0 && errno != EEXIST) {
    throw DataError(fmt::format("{}: cannot make the cache directory: {}; name another with UNFOLD_CACHE or --cache",
                                cache.string(), errno_text(errno)));
  }
  const bool is_own = ::lstat(cache.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
  if (is_own && ((status.st_mode & 077) == 0 || ::chmod(cache.c_str(), 0700) == 0)) return;
  throw DataError(
      fmt::format("{}: is not a folder of this user, so what it holds is not trusted; name a cache with "
                  "UNFOLD_CACHE or --cache, or set HOME",
                  cache.string()));
}

void make_cache_directory(const fs::path& cache) {
  if (cache == temporary_cache()) return make_private(cache);
  std::error_code error;
  fs::create_directories(cache, error);
  if (error) {
    throw DataError(fmt::format("{}: cannot make the cache directory: {}; name another with UNFOLD_CACHE or --cache",
                                cache.string(), error.message()));
  }
}

// The rejected lines belong to the result: an import that wrote them is repeated where they are gone (into a
// descriptor), changed, or wanted under another name.
bool rejected_lines_are_there(const Dataset& dataset, const ImportOptions& options) {
  const ImportReport& report = dataset.report();
  if (report.n_rejected == 0) return true;
  if (!options.rejected_file.empty() && options.rejected_file != report.rejected_file) return false;
  if (open_descriptor(report.rejected_file) >= 0) return false;
  try {
    return hash_file(report.rejected_file) == dataset.rejected_hash();
  } catch (const DataError&) {
    return false;
  }
}

bool open_entry(const fs::path& entry, Dataset& dataset) {
  if (!Dataset::is_dataset(entry)) return false;
  try {
    dataset = Dataset::open(entry, Dataset::Check::kContents);
    return true;
  } catch (const Error&) {
    return false;  // damaged, or without checksums; an import replaces it
  }
}

// Goes up where the same text is read otherwise than before: entries made by the old rules are then left alone.
constexpr int kReadingRules = 2;

fs::path cache_entry(const fs::path& cache, const ContentHash& content, const ImportOptions& options) {
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}", kDatasetVersion, kReadingRules, content, canonical_options(options));
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

void require_sources(const std::vector<fs::path>& sources) {
  if (sources.empty()) throw UsageError("no file to import; name at least one");
}

// Throws UsageError where the folder is no data set or holds anything else. `given` is the target's name, `existing`
// where what it names is at the moment.
void require_dataset(const fs::path& given, const fs::path& existing) {
  std::vector<std::string> files = dataset_files(true);
  files.emplace_back(kDatasetFile);
  std::error_code error;
  std::string reason = Dataset::is_dataset(existing) ? "" : "it is no imported data set";
  for (fs::directory_iterator entry(existing, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (std::ranges::find(files, name) == files.end()) reason = fmt::format("it holds \"{}\"", name);
  }
  if (reason.empty()) return;
  throw UsageError(fmt::format("{}: is not replaced, as {}; choose another name, or move away what is there",
                               given.string(), reason));
}

}  // namespace

Dataset import_dataset(const fs::path& source, const fs::path& out, const ImportOptions& options,
                       const ImportProgress& progress) {
  return import_dataset(std::vector{source}, out, options, progress);
}

Dataset import_dataset(const std::vector<fs::path>& sources, const fs::path& out, const ImportOptions& options,
                       const ImportProgress& progress) {
  require_sources(sources);
  std::error_code ignored;
  std::vector<NamedInput> inputs;
  for (const fs::path& source : sources) inputs.push_back({"DATA", source});
  check_output(out, inputs, options.overwrite ? Existing::kReplace : Existing::kRefuse);
  const auto require = [&out](const fs::path& existing) { require_dataset(out, existing); };
  if (fs::exists(fs::symlink_status(out, ignored))) require(out);
  StagedDirectory staged(out);
  DatasetBuilder builder(with_content(sources), staged.path(), options, progress);
  builder.build();
  if (options.overwrite) {
    staged.commit_replacing(require);
  } else {
    staged.commit();
  }
  builder.keep_rejected();
  return Dataset::open(out);
}

CachedDataset open_or_import(const fs::path& source, const fs::path& cache, const ImportOptions& options,
                             const ImportProgress& progress) {
  return open_or_import(std::vector{source}, cache, options, progress);
}

CachedDataset open_or_import(const std::vector<fs::path>& given, const fs::path& cache, const ImportOptions& options,
                             const ImportProgress& progress) {
  require_sources(given);
  if (given.size() == 1 && Dataset::is_dataset(given[0])) return {Dataset::open(given[0]), true};
  const std::vector<fs::path> sources = with_content(given);
  const fs::path& source = sources[0];
  const auto pipe = std::find_if(sources.begin(), sources.end(), [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_fifo(path, ignored);
  });
  if (pipe != sources.end()) {
    throw DataError(
        fmt::format("{}: a pipe can be read only once, and the cache reads twice; import it into a folder: "
                    "--out DIR",
                    pipe->string()));
  }
  const ContentHash content = hash_files(sources);
  const fs::path entry = cache_entry(cache, content, options);
  make_cache_directory(cache);
  remove_litter(cache);
  Dataset dataset;
  if (open_entry(entry, dataset) && rejected_lines_are_there(dataset, options)) return {std::move(dataset), true};
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
  builder.keep_rejected();
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
  return temporary_cache();
}

}  // namespace unfold
