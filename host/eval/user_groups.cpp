#include "host/eval/user_groups.hpp"

#include <algorithm>
#include <cstddef>

namespace unfold {

UserGroups::UserGroups(const SeenItems& seen, const ItemGroups& groups, std::uint64_t n_users)
    : items_(groups), n_items_(groups.of_item.size()), offsets_{0} {
  const std::uint64_t n_groups = groups.names.size();
  // Counting sort of the items by group; those without one come last.
  const auto slot = [&](std::uint64_t item) { return std::min<std::uint64_t>(groups.of_item[item], n_groups); };
  member_offsets_.assign(n_groups + 2, 0);
  for (std::uint64_t item = 0; item < n_items_; ++item) ++member_offsets_[slot(item) + 1];
  for (std::uint64_t g = 0; g <= n_groups; ++g) member_offsets_[g + 1] += member_offsets_[g];
  members_.resize(n_items_);
  std::vector<std::uint64_t> next(member_offsets_.begin(), member_offsets_.end() - 1);
  for (std::uint64_t item = 0; item < n_items_; ++item) members_[next[slot(item)]++] = static_cast<Row>(item);

  for (std::uint64_t user = 0; user < n_users; ++user) {
    const auto first = static_cast<std::ptrdiff_t>(groups_.size());
    for (const ItemLists* lists : {static_cast<const ItemLists*>(&seen), &seen.validation}) {
      for (const Row item : lists->of(user)) {
        if (groups.of_item[item] != kNoGroup) groups_.push_back(groups.of_item[item]);
      }
    }
    std::sort(groups_.begin() + first, groups_.end());
    groups_.erase(std::unique(groups_.begin() + first, groups_.end()), groups_.end());
    offsets_.push_back(groups_.size());
  }
}

std::span<const Row> UserGroups::members(std::uint32_t group) const {
  return std::span<const Row>(members_).subspan(member_offsets_[group],
                                                member_offsets_[group + 1] - member_offsets_[group]);
}

bool UserGroups::is_other(Row user, Row item) const {
  const std::uint32_t group = items_.of_item[item];
  if (group == kNoGroup) return false;
  const std::span<const std::uint32_t> own = groups_of(user);
  return !std::binary_search(own.begin(), own.end(), group);
}

std::uint64_t UserGroups::n_others(Row user) const {
  std::uint64_t n = n_items_ - members(static_cast<std::uint32_t>(items_.names.size())).size();
  for (const std::uint32_t group : groups_of(user)) n -= members(group).size();
  return n;
}

void UserGroups::append_own(Row user, std::vector<Row>& items) const {
  const auto first = static_cast<std::ptrdiff_t>(items.size());
  std::uint64_t n_lists = 0;
  const auto add = [&](std::uint32_t group) {
    const std::span<const Row> list = members(group);
    items.insert(items.end(), list.begin(), list.end());
    n_lists += list.empty() ? 0 : 1;
  };
  for (const std::uint32_t group : groups_of(user)) add(group);
  add(static_cast<std::uint32_t>(items_.names.size()));
  if (n_lists > 1) std::sort(items.begin() + first, items.end());
}

std::uint64_t OwnLists::n_other_tests(Row user) const {
  const std::span<const Row> test = test_.of(user);
  return static_cast<std::uint64_t>(
      std::count_if(test.begin(), test.end(), [&](Row item) { return groups_.is_other(user, item); }));
}

std::uint64_t OwnLists::n_competing(Row user) const { return groups_.n_others(user) - n_other_tests(user); }

std::uint64_t OwnLists::size(Row user) const {
  return groups_.n_own(user) - (test_.of(user).size() - n_other_tests(user));
}

void OwnLists::append(Row user, std::vector<Row>& ids) const {
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  groups_.append_own(user, ids);
  // Both are ascending: what is no test item moves up in place.
  const std::span<const Row> test = test_.of(user);
  auto next = test.begin();
  auto kept = ids.begin() + first;
  for (auto item = kept; item != ids.end(); ++item) {
    while (next != test.end() && *next < *item) ++next;
    if (next == test.end() || *next != *item) *kept++ = *item;
  }
  ids.erase(kept, ids.end());
}

}  // namespace unfold
