// A test or validation file in terms of the ids of a training set.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "host/data/duplicates.hpp"
#include "host/data/interaction_reader.hpp"
#include "host/data/rating_spill.hpp"
#include "host/io/temporary.hpp"
#include "unfold/dataset.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Known ids keep their rows; the others get rows after those, so that their duplicates can be told.
class ExtendedIds {
 public:
  explicit ExtendedIds(const IdMap& known) : known_(known) {
    others_.set_max_size(std::uint64_t{kNoRow} - known.size());
  }
  Row row(std::string_view id) {
    const Row row = known_.find(id);
    return row != kNoRow ? row : known_.size() + others_.find_or_add(id);
  }
  std::uint64_t size() const { return std::uint64_t{known_.size()} + others_.size(); }
  // The row as others see it.
  Row known(Row row) const { return row < known_.size() ? row : kNoRow; }

 private:
  const IdMap& known_;
  IdMap others_;
};

// Calls keep(rating) for the ratings that are not replaced, in the order they came.
template <typename Keep>
void for_each_kept(RatingSpill& ratings, std::uint64_t n_users, std::uint64_t memory_bytes,
                   const std::filesystem::path& folder, Keep&& keep) {
  const std::uint64_t n_partitions = pair_partitions_needed(ratings.size(), memory_bytes);
  std::vector<std::vector<bool>> replaced;
  if (n_partitions == 1) {
    replaced.push_back(find_replaced(ratings, 0, n_users));
  } else {
    RatingSpill partitioned = partition_by_pair(ratings, n_partitions, memory_bytes, folder);
    for (std::uint64_t n = 0; n < n_partitions; ++n) replaced.push_back(find_replaced(partitioned, n, n_users));
  }
  std::vector<std::size_t> positions(replaced.size(), 0);
  ratings.for_each(0, [&](const Rating& rating) {
    const auto partition = static_cast<std::size_t>(pair_partition(rating.user, rating.item, n_partitions));
    if (!replaced[partition][positions[partition]++]) keep(rating);
  });
}

MappedRatings map_dataset(const std::filesystem::path& source, const IdMap& user_ids, const IdMap& item_ids) {
  const Dataset dataset = Dataset::open(source);
  const auto known_rows = [](const IdMap& of, const IdMap& known) {
    std::vector<Row> rows(of.size());
    for (Row row = 0; row < of.size(); ++row) rows[row] = known.find(of.id(row));
    return rows;
  };
  const std::vector<Row> users = known_rows(dataset.read_user_ids(), user_ids);
  const std::vector<Row> items = known_rows(dataset.read_item_ids(), item_ids);
  MappedRatings mapped;
  mapped.report = dataset.report();
  const RatingView ratings = dataset.ratings();
  RatingWriter writer = RatingWriter::temporary(ratings.has_times(), temporary_directory());
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    Rating rating = ratings[n];
    rating.user = users[rating.user];
    rating.item = items[rating.item];
    mapped.n_unknown_users += rating.user == kNoRow ? 1 : 0;
    mapped.n_unknown_items += rating.item == kNoRow ? 1 : 0;
    writer.append(rating);
  }
  mapped.ratings = writer.finish();
  return mapped;
}

}  // namespace

MappedRatings read_mapped_ratings(const std::filesystem::path& source, const IdMap& user_ids, const IdMap& item_ids,
                                  const ImportOptions& options) {
  if (Dataset::is_dataset(source)) return map_dataset(source, user_ids, item_ids);
  ImportOptions reading = options;
  reading.known_ids = true;
  InteractionReader reader({source}, reading);
  const std::filesystem::path folder = temporary_directory();
  ExtendedIds users(user_ids), items(item_ids);
  RatingSpill ratings(1, reader.has_times(), options.memory_bytes / 4, folder);
  Record record;
  while (reader.next(record)) {
    ratings.append(0, {users.row(record.user), items.row(record.item), record.rating, record.time});
  }
  if (ratings.size() == 0) {
    throw DataError(fmt::format("{}: {}", reader.report().source,
                                reader.first_error().empty()
                                    ? reader.describe_empty()
                                    : fmt::format("no ratings in {} lines; the first line rejected: {}",
                                                  reader.report().n_lines, reader.first_error())));
  }

  MappedRatings mapped;
  mapped.report = reader.report();
  std::vector<bool> user_seen(static_cast<std::size_t>(users.size())),
      item_seen(static_cast<std::size_t>(items.size()));
  double sum = 0;
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -lowest;
  RatingWriter writer = RatingWriter::temporary(reader.has_times(), folder);
  for_each_kept(ratings, users.size(), options.memory_bytes, folder, [&](const Rating& rating) {
    user_seen[rating.user] = true;
    item_seen[rating.item] = true;
    const Rating known = {users.known(rating.user), items.known(rating.item), rating.rating, rating.time};
    mapped.n_unknown_users += known.user == kNoRow ? 1 : 0;
    mapped.n_unknown_items += known.item == kNoRow ? 1 : 0;
    sum += static_cast<double>(rating.rating);
    lowest = std::min(lowest, rating.rating);
    highest = std::max(highest, rating.rating);
    writer.append(known);
  });
  ImportReport& report = mapped.report;
  report.n_ratings = writer.size();
  report.n_duplicates = ratings.size() - writer.size();
  report.n_users = static_cast<std::uint32_t>(std::count(user_seen.begin(), user_seen.end(), true));
  report.n_items = static_cast<std::uint32_t>(std::count(item_seen.begin(), item_seen.end(), true));
  report.rating_min = static_cast<double>(lowest);
  report.rating_max = static_cast<double>(highest);
  report.rating_mean = sum / static_cast<double>(writer.size());
  mapped.ratings = writer.finish();
  report.rejected_file = reader.commit_rejected().path.string();
  reader.keep_rejected();
  return mapped;
}

}  // namespace unfold
