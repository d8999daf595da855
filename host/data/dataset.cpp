#include "unfold/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "host/data/dataset_json.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& text) {
  throw DataError(fmt::format("{}: {}; import the ratings again", file.string(), text));
}

void check_ids_file(const fs::path& file, std::uint64_t expected_bytes) {
  std::error_code error;
  const std::uint64_t bytes = fs::file_size(file, error);
  if (error) fail(file, fmt::format("cannot be read: {}", error.message()));
  if (bytes != expected_bytes) fail(file, fmt::format("has {} bytes where {} belong", bytes, expected_bytes));
}

// Ops do not check rows, so a damaged column must not get past here. One pass at memory speed.
void check_rows(std::span<const Row> rows, std::uint32_t n_rows, const fs::path& file) {
  Row highest = 0;
  for (const Row row : rows) highest = std::max(highest, row);
  if (highest >= n_rows) fail(file, fmt::format("holds row {} where there are {} rows", highest, n_rows));
}

IdMap read_ids(const fs::path& file, std::uint32_t expected) {
  IdMap ids = IdMap::read(file);
  if (ids.size() != expected) fail(file, fmt::format("holds {} ids where {} belong", ids.size(), expected));
  return ids;
}

}  // namespace

bool Dataset::is_dataset(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / kDatasetFile, ignored);
}

Dataset Dataset::open(const fs::path& directory) {
  if (!is_dataset(directory)) {
    throw DataError(fmt::format("{}: is no imported data set (it has no {}); make one with unfold import",
                                directory.string(), kDatasetFile));
  }
  DatasetDescription description = read_dataset_json(directory);
  Dataset dataset;
  dataset.directory_ = directory;
  dataset.report_ = std::move(description.report);
  dataset.ratings_ = Ratings::open(directory);
  const RatingView ratings = dataset.ratings();
  const ImportReport& report = dataset.report_;
  if (ratings.size() != report.n_ratings || ratings.size() == 0) {
    fail(directory, fmt::format("the columns hold {} ratings where {} belong", ratings.size(), report.n_ratings));
  }
  if (ratings.has_times() != report.has_times) fail(directory / "time.npy", "is there or not, against dataset.json");
  check_rows(ratings.users, report.n_users, directory / "user.npy");
  check_rows(ratings.items, report.n_items, directory / "item.npy");
  check_ids_file(directory / kUserIdsFile, description.user_ids_bytes);
  check_ids_file(directory / kItemIdsFile, description.item_ids_bytes);
  return dataset;
}

IdMap Dataset::read_user_ids() const { return read_ids(directory_ / kUserIdsFile, report_.n_users); }

IdMap Dataset::read_item_ids() const { return read_ids(directory_ / kItemIdsFile, report_.n_items); }

}  // namespace unfold
