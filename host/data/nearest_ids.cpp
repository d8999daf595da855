#include "host/data/nearest_ids.hpp"

#include <algorithm>
#include <utility>

#include "host/text/edit_distance.hpp"

namespace unfold {
namespace {

// A few edits, however long the id: more make another id.
std::size_t edits_allowed(std::size_t length) { return length < 6 ? 1 : length < 9 ? 2 : 3; }

// Rows by how far their ids are, the best n.
class NearestRows {
 public:
  NearestRows(std::size_t n, std::size_t limit) : n_(n), limit_(limit) {}

  // The most edits that a row offered now may have; rows come in ascending order.
  bool takes(std::size_t edits) const { return found_.size() < n_ ? edits <= limit_ : edits < found_.back().first; }
  bool is_final() const { return !takes(0); }
  std::size_t limit() const { return found_.size() < n_ ? limit_ : found_.back().first - 1; }

  void offer(Row row, std::size_t edits) {
    if (!takes(edits) || std::ranges::find(found_, row, &Found::second) != found_.end()) return;
    const auto after = std::ranges::upper_bound(found_, edits, {}, &Found::first);
    found_.insert(after, {edits, row});
    if (found_.size() > n_) found_.pop_back();
  }

  std::vector<Row> rows() const {
    std::vector<Row> rows;
    for (const Found& found : found_) rows.push_back(found.second);
    return rows;
  }

 private:
  using Found = std::pair<std::size_t, Row>;  // edits, row
  std::size_t n_, limit_;
  std::vector<Found> found_;
};

// The id as other programs write it: without blanks around it, without zeros in front, without ".0".
std::vector<std::string_view> spellings(std::string_view id) {
  std::vector<std::string_view> out;
  const std::size_t begin = std::min(id.find_first_not_of(" \t\r"), id.size());
  const std::size_t end = id.find_last_not_of(" \t\r") + 1;
  id = id.substr(begin, end > begin ? end - begin : 0);
  out.push_back(id);
  id.remove_prefix(std::min(id.find_first_not_of('0'), id.size()));
  out.push_back(id);
  if (id.ends_with(".0")) out.push_back(id.substr(0, id.size() - 2));
  return out;
}

}  // namespace

std::vector<Row> nearest_ids(std::string_view id, const IdMap& ids, std::size_t n) {
  NearestRows nearest(n, edits_allowed(id.size()));
  for (const std::string_view spelling : spellings(id)) {
    if (const Row row = ids.find(spelling); row != kNoRow) nearest.offer(row, 0);
  }
  EditDistance edits(id);
  for (Row row = 0; row < ids.size() && !nearest.is_final(); ++row) {
    const std::string_view candidate = ids.id(row);
    const bool goes_on = id.size() > 2 && nearest.takes(1) && candidate.starts_with(id);
    const std::size_t distance = goes_on ? 1 : edits.to(candidate, nearest.limit());
    // An id of which nothing is left is not near.
    if (distance < std::max(candidate.size(), id.size())) nearest.offer(row, distance);
  }
  return nearest.rows();
}

}  // namespace unfold
