#include "host/store/seen_items_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "host/io/safetensors.hpp"
#include "host/store/model_tensors.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

struct Shape {
  std::uint32_t n_users, n_items;
};

[[noreturn]] void fail_lists(const fs::path& path) {
  throw DataError(fmt::format("{}: its lists of items are damaged; train again", path.string()));
}

void read_lists(const SafetensorsFile& file, const char* offsets_name, const char* items_name, const fs::path& path,
                const Shape& shape, ItemLists& lists) {
  const std::uint64_t n_offsets[] = {std::uint64_t{shape.n_users} + 1};
  const std::span<const std::uint64_t> offsets = file.tensor<std::uint64_t>(offsets_name, n_offsets);
  const std::span<const Row> items = file.column<Row>(items_name);
  bool is_valid = offsets.front() == 0 && offsets.back() == items.size() && std::ranges::is_sorted(offsets);
  // What reads the lists relies on rows in range, ascending and distinct.
  for (std::uint64_t user = 0; is_valid && user < shape.n_users; ++user) {
    for (std::uint64_t n = offsets[user]; n < offsets[user + 1]; ++n) {
      if (items[n] >= shape.n_items || (n > offsets[user] && items[n] <= items[n - 1])) is_valid = false;
    }
  }
  if (!is_valid) fail_lists(path);
  lists.offsets.assign(offsets.begin(), offsets.end());
  lists.items.assign(items.begin(), items.end());
}

}  // namespace

void write_seen_items(const SeenItems& seen, const fs::path& file) {
  std::vector<TensorView> tensors;
  const auto add_lists = [&](const char* offsets, const char* items, const ItemLists& lists) {
    tensors.push_back(tensor_view<std::uint64_t>(offsets, lists.offsets, {lists.offsets.size()}));
    tensors.push_back(tensor_view<Row>(items, lists.items, {lists.items.size()}));
  };
  add_lists("offsets", "items", seen);
  if (seen.knows_held_out()) {
    add_lists("validation.offsets", "validation.items", seen.validation);
    add_lists("test.offsets", "test.items", seen.test);
  }
  tensors.push_back(tensor_view<float>("item_mean_rating", seen.item_mean_rating, {seen.item_mean_rating.size()}));
  tensors.push_back(tensor_view<float>("mean_rating", {&seen.mean_rating, 1}, {1}));
  write_safetensors(file, std::move(tensors));
}

SeenItems read_seen_items(MappedFile mapped, const fs::path& path, std::uint32_t n_users, std::uint32_t n_items) {
  const SafetensorsFile file = SafetensorsFile::parse(std::move(mapped));
  const Shape shape{n_users, n_items};
  SeenItems seen;
  read_lists(file, "offsets", "items", path, shape, seen);
  const std::uint64_t means_shape[] = {n_items}, one[] = {1};
  const std::span<const float> means = file.tensor<float>("item_mean_rating", means_shape);
  seen.item_mean_rating.assign(means.begin(), means.end());
  seen.mean_rating = file.tensor<float>("mean_rating", one)[0];
  if (!std::isfinite(seen.mean_rating) || !std::ranges::all_of(means, [](float x) { return std::isfinite(x); })) {
    fail_not_finite(path, "a mean rating");
  }
  if (!file.has_tensor("validation.offsets")) return seen;  // of a model that was saved without them
  read_lists(file, "validation.offsets", "validation.items", path, shape, seen.validation);
  read_lists(file, "test.offsets", "test.items", path, shape, seen.test);
  // What joins the lists relies on pairs that are in one of them only.
  for (Row user = 0; user < n_users; ++user) {
    for (const Row item : seen.validation.of(user)) {
      if (seen.contains(user, item) || seen.test.contains(user, item)) fail_lists(path);
    }
    for (const Row item : seen.test.of(user)) {
      if (seen.contains(user, item)) fail_lists(path);
    }
  }
  return seen;
}

}  // namespace unfold
