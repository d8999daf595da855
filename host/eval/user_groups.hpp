// Which groups of items each user has to do with: those of the user's training and validation items, so that what is
// masked is never of another group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/eval/full_ranking.hpp"
#include "unfold/item_groups.hpp"

namespace unfold {

class UserGroups {
 public:
  UserGroups(const SeenItems& seen, const ItemGroups& groups, std::uint64_t n_users);

  // Ascending and distinct. Empty for a user without such an item that has a group.
  std::span<const std::uint32_t> groups_of(Row user) const {
    return std::span<const std::uint32_t>(groups_).subspan(offsets_[user], offsets_[user + 1] - offsets_[user]);
  }
  bool is_other(Row user, Row item) const;  // the item has a group, and it is none of the user's
  std::uint64_t n_others(Row user) const;   // items of which is_other holds
  std::uint64_t n_own(Row user) const { return n_items_ - n_others(user); }
  // Adds the items of which it does not hold, ascending.
  void append_own(Row user, std::vector<Row>& items) const;

 private:
  std::span<const Row> members(std::uint32_t group) const;  // names.size(): the items without a group

  const ItemGroups& items_;
  std::uint64_t n_items_;
  std::vector<std::uint64_t> offsets_;  // [n_users + 1]
  std::vector<std::uint32_t> groups_;
  std::vector<std::uint64_t> member_offsets_;  // [n_groups + 2]
  std::vector<Row> members_;                   // [n_items], by group
};

// What is left out of a ranking so that a user's test items compete with the items of other groups alone: all other
// items. Test items are neither: they do not compete with themselves where they are of another group.
class OwnLists : public UserLists {
 public:
  OwnLists(const UserGroups& groups, const TestItems& test) : groups_(groups), test_(test) {}
  std::uint64_t size(Row user) const override;
  void append(Row user, std::vector<Row>& ids) const override;
  // Items of other groups that are no test items of the user: what the test items compete with.
  std::uint64_t n_competing(Row user) const;

 private:
  std::uint64_t n_other_tests(Row user) const;

  const UserGroups& groups_;
  const TestItems& test_;
};

}  // namespace unfold
