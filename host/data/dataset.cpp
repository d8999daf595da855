#include "unfold/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "host/data/dataset_json.hpp"
#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, const std::string& text) {
  throw DataError(fmt::format("{}: {}; import the ratings again", file.string(), text));
}

constexpr std::string_view kRemedy = "; import the ratings again";

void check_ids_file(const MappedFile& file, std::uint64_t expected_bytes) {
  const std::uint64_t bytes = file.bytes().size();
  if (bytes != expected_bytes) fail(file.name(), fmt::format("has {} bytes where {} belong", bytes, expected_bytes));
}

// Ops do not check rows, so a damaged column must not get past here. One pass at memory speed.
void check_rows(std::span<const Row> rows, std::uint32_t n_rows, const fs::path& file) {
  Row highest = 0;
  for (const Row row : rows) highest = std::max(highest, row);
  if (highest >= n_rows) fail(file, fmt::format("holds row {} where there are {} rows", highest, n_rows));
}

IdMap read_ids(const MappedFile& file, std::uint32_t expected) {
  IdMap ids = IdMap::parse(file.text(), file.name());
  if (ids.size() != expected) fail(file.name(), fmt::format("holds {} ids where {} belong", ids.size(), expected));
  return ids;
}

}  // namespace

struct Dataset::Ids {
  MappedFile users, items;
};

bool Dataset::is_dataset(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / kDatasetFile, ignored);
}

Dataset Dataset::open(const fs::path& directory, Check check) {
  if (!is_dataset(directory)) {
    throw DataError(fmt::format("{}: is no imported data set (it has no {}); make one with unfold import",
                                directory.string(), kDatasetFile));
  }
  return read_folder(directory, [check](const Folder& folder) { return read(folder, check); });
}

Dataset Dataset::read(const Folder& folder, Check check) {
  const fs::path& directory = folder.path();
  DatasetDescription description = read_dataset_json(folder);
  if (check == Check::kContents) {
    if (!n_checksums(description.json)) fail(directory, "has no checksums, by which damage would be seen");
    check_contents(description.json, folder, kRemedy);
  }
  Dataset dataset;
  dataset.directory_ = directory;
  dataset.report_ = std::move(description.report);
  dataset.rejected_hash_ = std::move(description.rejected_hash);
  dataset.ratings_ = Ratings::open(folder);
  dataset.ids_ = std::make_shared<const Ids>(Ids{folder.map(kUserIdsFile), folder.map(kItemIdsFile)});
  const RatingView ratings = dataset.ratings();
  const ImportReport& report = dataset.report_;
  if (ratings.size() != report.n_ratings || ratings.size() == 0) {
    fail(directory, fmt::format("the columns hold {} ratings where {} belong", ratings.size(), report.n_ratings));
  }
  if (ratings.has_times() != report.has_times) fail(directory / "time.npy", "is there or not, against dataset.json");
  check_rows(ratings.users, report.n_users, directory / "user.npy");
  check_rows(ratings.items, report.n_items, directory / "item.npy");
  check_ids_file(dataset.ids_->users, description.user_ids_bytes);
  check_ids_file(dataset.ids_->items, description.item_ids_bytes);
  check_sizes(description.json, folder, kRemedy);
  return dataset;
}

IdMap Dataset::read_user_ids() const { return read_ids(ids_->users, report_.n_users); }

IdMap Dataset::read_item_ids() const { return read_ids(ids_->items, report_.n_items); }

}  // namespace unfold
