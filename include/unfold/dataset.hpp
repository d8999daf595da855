// An imported data set: a directory with the columns of every interaction, shuffled once, and the external ids
// in row order. docs/formats.md describes the files.
//
//   dataset.json   what it holds, where it came from, the import's report and options
//   user.npy item.npy rating.npy [time.npy]
//   user_ids.txt item_ids.txt
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unfold/id_map.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

// What an import read, and what it left out and why. Every line is accounted for.
struct ImportReport {
  std::string source;                 // path as given
  std::string format;                 // "csv", "tsv", "dat", "space", "adjacency", ...
  std::string columns;                // "user=userId,item=movieId,rating=rating,time=timestamp"
  bool has_ratings = false;           // the input has a rating column
  bool has_times = false;             // the input has a time column
  std::vector<std::string> notes;     // of the layout: columns that are not read, ids that are read as others
  std::uint64_t n_lines = 0;          // lines read, header, comments and blank lines included
  std::uint64_t n_comments = 0;       // lines that are comments
  std::uint64_t n_parsed = 0;         // interactions understood
  std::uint64_t n_rejected = 0;       // lines left out under on_error = skip
  std::string rejected_file;          // where they were written, if any
  std::uint64_t n_duplicates = 0;     // repeated (user, item) pairs dropped; the last by time stays
  std::uint64_t n_below_minimum = 0;  // ratings of users or items under the minimum count
  std::uint64_t n_ratings = 0;        // kept
  std::uint32_t n_users = 0;          // kept
  std::uint32_t n_items = 0;          // kept
  double rating_min = 1, rating_max = 1, rating_mean = 1;  // of the kept ratings
};

// What to do with a line that cannot be read.
enum class OnError { kFail, kSkip };

struct ImportOptions {
  std::string format = "auto";  // auto, csv, tsv, dat ("::"), pipe ("|"), semicolon, space, adjacency
  std::map<std::string, std::string>
      columns;                  // role (user, item, rating, time) -> header name or 1-based number; empty: found out
  std::string header = "auto";  // auto, yes, no
  std::string quote = "auto";   // auto: as in RFC 4180, and lines lost in an open quote are an error; double: without
                                // that check; none: a quote is a character like any other
  std::uint64_t min_user_ratings = 1;  // users with fewer ratings are left out (repeated with the items' until stable)
  std::uint64_t min_item_ratings = 1;  // items with fewer ratings are left out
  OnError on_error = OnError::kFail;
  std::filesystem::path rejected_file;  // with kSkip: the rejected lines, as they were; empty: SOURCE's name +
                                        // ".rejected" in the working folder, and a number where that is taken
  bool overwrite = false;               // the data set and rejected_file may replace what they find
  std::uint64_t memory_bytes = std::uint64_t{1}
                               << 30;  // bound on buffers that would grow with the file; ids come on top
  bool known_ids = false;              // the ids are known, as read_mapped_ratings says: users may be counted up
  std::uint64_t max_ids = kNoRow;      // per side; lower for tests
};

// Told how far an import is, at most a few times a second: bytes of the source read so far, and in all.
using ImportProgress = std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)>;

class Dataset {
 public:
  // How far the files are checked: their sizes, headers and rows, or against their checksums too, which reads all.
  enum class Check { kHeaders, kContents };
  // Maps an imported data set. Throws DataError; with kContents, for one without checksums too. All files are of one
  // data set, also where another takes its place meanwhile.
  static Dataset open(const std::filesystem::path& directory, Check check = Check::kHeaders);
  // True where `path` is a directory that holds dataset.json.
  static bool is_dataset(const std::filesystem::path& path);

  RatingView ratings() const { return ratings_.view(); }
  std::uint32_t n_users() const { return report_.n_users; }
  std::uint32_t n_items() const { return report_.n_items; }
  const ImportReport& report() const { return report_; }
  // Of the rejected lines, as they were written; empty where there are none.
  const std::string& rejected_hash() const { return rejected_hash_; }
  const std::filesystem::path& directory() const { return directory_; }
  IdMap read_user_ids() const;
  IdMap read_item_ids() const;

 private:
  static Dataset read(const Folder& folder, Check check);
  struct Ids;
  Ratings ratings_;
  ImportReport report_;
  std::string rejected_hash_;
  std::filesystem::path directory_;
  std::shared_ptr<const Ids> ids_;
};

// Imports a raw file into the directory `out`, written aside and renamed; with options.overwrite it may take the place
// of a data set, and of nothing else. Rows are ordered by descending frequency (ties by first appearance), interactions
// are in random order with a fixed seed. Memory is bounded by options.memory_bytes and the ids. Throws DataError; then
// nothing is left behind.
Dataset import_dataset(const std::filesystem::path& source, const std::filesystem::path& out,
                       const ImportOptions& options, const ImportProgress& progress = {});
// Likewise several files, one after the other: the first decides the format, and its header, if any, may stand in front
// of each. Empty ones are passed over. Throws UsageError where no file is named.
Dataset import_dataset(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& out,
                       const ImportOptions& options, const ImportProgress& progress = {});

// Opens `source` if it is an imported data set, else the cached import of it, else imports it into the cache.
// The key is the file's content (XXH3, 128 bits) and the options. `cache` is a directory, made where missing. An entry
// is used when all its bytes are those that were written; a damaged one is made anew.
struct CachedDataset {
  Dataset dataset;
  bool was_cached;
};
CachedDataset open_or_import(const std::filesystem::path& source, const std::filesystem::path& cache,
                             const ImportOptions& options, const ImportProgress& progress = {});
CachedDataset open_or_import(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& cache,
                             const ImportOptions& options, const ImportProgress& progress = {});

// $UNFOLD_CACHE, else $XDG_CACHE_HOME/unfold, else ~/.cache/unfold, else a folder of the user's own in the temporary
// one, which open_or_import makes for the user alone (mode 0700) and refuses where it is another's.
std::filesystem::path default_cache_directory();

// A second file (test, validation) in terms of a known set of ids. Ids that are not known become kNoRow
// and are counted; such interactions are kept, in file order. Duplicated pairs are treated as in an import. `source`
// may be an imported data set too, in the order of its columns.
struct MappedRatings {
  Ratings ratings;
  ImportReport report;
  std::uint64_t n_unknown_users = 0;  // interactions whose user is not known
  std::uint64_t n_unknown_items = 0;  // interactions whose item is not known
};
MappedRatings read_mapped_ratings(const std::filesystem::path& source, const IdMap& user_ids, const IdMap& item_ids,
                                  const ImportOptions& options);

}  // namespace unfold
