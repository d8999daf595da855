#include "tests/support/small_model.hpp"

#include <bit>
#include <cmath>

#include "unfold/random.hpp"

namespace unfold::test {
namespace {

// Finite floats of any exponent.
std::vector<float> random_floats(std::uint64_t n, std::uint64_t key) {
  std::vector<float> values;
  for (std::uint64_t i = 0; values.size() < n; ++i) {
    const float value = std::bit_cast<float>(philox(key, i, 0).v[0]);
    if (std::isfinite(value)) values.push_back(value);
  }
  if (n > 1) values[0] = -0.0f;
  if (n > 2) values[1] = 1e-45f;
  return values;
}

}  // namespace

Model small_model(std::uint32_t dim) {
  Model model;
  for (const char* id : {"plain", "with space", "com,ma", "quo\"te", "\xff\xfe bytes"}) model.user_ids.find_or_add(id);
  for (const char* id : {"100%", "tab\there", "ret\rurn", "\xc3\xa9t\xc3\xa9"}) model.item_ids.find_or_add(id);
  const std::uint64_t n_users = model.user_ids.size(), n_items = model.item_ids.size();
  model.tensors["user.embedding"] = {{n_users, dim}, random_floats(n_users * dim, 1)};
  model.tensors["item.embedding"] = {{n_items, dim}, random_floats(n_items * dim, 2)};
  model.tensors["user.bias"] = {{n_users}, random_floats(n_users, 3)};
  model.tensors["item.bias"] = {{n_items}, random_floats(n_items, 4)};
  model.tensors["global.bias"] = {{1}, {3.7f}};
  model.architecture["predicts_ratings"] = true;
  set_rating_range(model, RatingRange{0.1f, 5.5f});
  RatingWriter writer = RatingWriter::temporary(false);
  for (const Rating& rating : {Rating{0, 1, 4}, Rating{4, 3, 2}, Rating{0, 0, 5}, Rating{4, 1, 1}})
    writer.append(rating);
  const Ratings train = writer.finish();
  model.seen = SeenItems::from_ratings(train.view(), model.user_ids.size(), model.item_ids.size());
  model.training = {{"source", "folder \xff/ratings.csv"}, {"learning_rate", 0.05}, {"epochs", 3}};
  model.metrics = {{"rmse", 0.9}};
  model.history = {{{"epoch", 1}, {"train_rmse", 1.5}}, {{"epoch", 2}, {"train_rmse", 1.25}}};
  model.config = "dim=3\n[train]\nseed=1\n";
  return model;
}

}  // namespace unfold::test
