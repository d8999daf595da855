#include "host/data/dataset_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "host/data/dataset_json.hpp"
#include "host/data/duplicates.hpp"
#include "host/data/external_shuffle.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"

namespace unfold {

DatasetBuilder::DatasetBuilder(const std::vector<std::filesystem::path>& sources,
                               const std::filesystem::path& directory, const ImportOptions& options,
                               const ImportProgress& progress)
    : directory_(directory), options_(options), reader_(sources, options, progress), ratings_(new_spill()) {}

// A quarter of the bound each: at most two are alive beside the buffers of a step.
RatingSpill DatasetBuilder::new_spill() const {
  return RatingSpill(1, reader_.has_times(), options_.memory_bytes / 4, directory_);
}

void DatasetBuilder::build() {
  read_source();
  drop_duplicates();
  drop_below_minimum();
  order_rows(users_, kUserIdsFile);
  order_rows(items_, kItemIdsFile);
  write_shuffled();
  // The description names the file of rejected lines, so they are in place before it is written.
  const RejectedFile rejected = reader_.commit_rejected();
  report_.rejected_file = rejected.path.string();
  write_dataset_json(directory_, report_, source_hash(), rejected.hash, options_);
}

void DatasetBuilder::read_source() {
  Record record;
  while (reader_.next(record)) {
    const Row user = row_of(users_, record.user, Role::kUser);
    const Row item = row_of(items_, record.item, Role::kItem);
    ratings_.append(0, {user, item, record.rating, record.time});
  }
  report_ = reader_.report();
  users_.counts.resize(users_.ids.size());
  items_.counts.resize(items_.ids.size());
  if (ratings_.size() > 0) return;
  if (report_.n_rejected > 0) {
    throw DataError(fmt::format("{}: no ratings: all {} lines with content were rejected; the first: {}",
                                report_.source, report_.n_rejected, reader_.first_error()));
  }
  throw DataError(fmt::format("{}: {}", report_.source, reader_.describe_empty()));
}

Row DatasetBuilder::row_of(Side& side, std::string_view id, Role role) {
  // Files are often sorted by user.
  if (side.last_row < side.ids.size() && side.ids.id(side.last_row) == id) return side.last_row;
  const std::uint64_t max_ids = std::min<std::uint64_t>(options_.max_ids, kNoRow);
  side.last_row = side.ids.size() < max_ids ? side.ids.find_or_add(id) : side.ids.find(id);
  if (side.last_row != kNoRow) return side.last_row;
  reader_.fail(fmt::format("{}: {} is one id too many: {} {}s are the most there can be; split the file",
                           reader_.format().column_label(role), in_quotes(id), max_ids, role_name(role)));
}

void DatasetBuilder::drop_duplicates() {
  const std::uint64_t n_partitions = pair_partitions_needed(ratings_.size(), options_.memory_bytes);
  if (n_partitions > 1) ratings_ = partition_by_pair(ratings_, n_partitions, options_.memory_bytes, directory_);
  RatingSpill kept = new_spill();
  for (std::uint64_t partition = 0; partition < n_partitions; ++partition) {
    const std::vector<bool> replaced = find_replaced(ratings_, partition, users_.ids.size());
    std::size_t position = 0;
    ratings_.for_each(partition, [&](const Rating& rating) {
      if (replaced[position++]) return;
      kept.append(0, rating);
      ++users_.counts[rating.user];
      ++items_.counts[rating.item];
    });
    ratings_.drop(partition);
  }
  report_.n_duplicates = ratings_.size() - kept.size();
  ratings_ = std::move(kept);
}

// The largest set in which every user and item reaches its minimum. It does not depend on the order in which
// ratings are dropped, so counts may fall while a pass is under way.
void DatasetBuilder::drop_below_minimum() {
  if (options_.min_user_ratings <= 1 && options_.min_item_ratings <= 1) return;
  const std::uint64_t before = ratings_.size();
  bool stable = false;
  while (!stable) {
    RatingSpill kept = new_spill();
    ratings_.for_each(0, [&](const Rating& rating) {
      std::uint64_t& of_user = users_.counts[rating.user];
      std::uint64_t& of_item = items_.counts[rating.item];
      if (of_user >= options_.min_user_ratings && of_item >= options_.min_item_ratings) {
        kept.append(0, rating);
      } else {
        --of_user;
        --of_item;
      }
    });
    stable = kept.size() == ratings_.size();
    ratings_ = std::move(kept);
  }
  report_.n_below_minimum = before - ratings_.size();
  if (ratings_.size() > 0) return;
  std::string options;
  if (options_.min_user_ratings > 1) options += fmt::format(" --min-user-ratings {}", options_.min_user_ratings);
  if (options_.min_item_ratings > 1) options += fmt::format(" --min-item-ratings {}", options_.min_item_ratings);
  throw DataError(
      fmt::format("{}: no ratings left of {} after{}; pass lower minimums", report_.source, before, options));
}

// Rows by descending count, then by first appearance; ids without ratings are left out.
void DatasetBuilder::order_rows(Side& side, const char* file) {
  std::vector<Row> order(side.counts.size());
  std::iota(order.begin(), order.end(), Row{0});
  std::erase_if(order, [&](Row row) { return side.counts[row] == 0; });
  std::stable_sort(order.begin(), order.end(), [&](Row a, Row b) { return side.counts[a] > side.counts[b]; });
  side.new_rows.assign(side.counts.size(), kNoRow);
  for (std::size_t n = 0; n < order.size(); ++n) side.new_rows[order[n]] = static_cast<Row>(n);
  side.n_kept = static_cast<std::uint32_t>(order.size());
  std::vector<std::uint64_t>().swap(side.counts);

  FileWriter writer = FileWriter::create(directory_ / file);
  for (const Row row : order) {
    writer.write(side.ids.id(row));
    writer.write("\n");
  }
  writer.close();
  side.ids = IdMap();
}

void DatasetBuilder::write_shuffled() {
  ExternalShuffle shuffle(ratings_.size(), reader_.has_times(), options_.memory_bytes, directory_);
  ratings_.for_each(0, [&](const Rating& rating) {
    shuffle.add({users_.new_rows[rating.user], items_.new_rows[rating.item], rating.rating, rating.time});
  });
  ratings_.drop(0);

  RatingWriter writer = RatingWriter::to_directory(directory_, reader_.has_times());
  double sum = 0;
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -lowest;
  shuffle.for_each([&](const Rating& rating) {
    writer.append(rating);
    sum += static_cast<double>(rating.rating);
    lowest = std::min(lowest, rating.rating);
    highest = std::max(highest, rating.rating);
  });
  report_.n_ratings = writer.size();
  report_.n_users = users_.n_kept;
  report_.n_items = items_.n_kept;
  report_.rating_min = static_cast<double>(lowest);
  report_.rating_max = static_cast<double>(highest);
  report_.rating_mean = sum / static_cast<double>(writer.size());
  writer.finish();
}

}  // namespace unfold
