// A picture of a model: its embeddings in the plane of their two leading principal components.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "unfold/item_groups.hpp"
#include "unfold/model.hpp"

namespace unfold {

struct EmbeddingMapOptions {
  std::string title = "Item embeddings";
  std::string group_label = "group";  // over the legend
  bool users = false;                 // draw users too
  bool overwrite = false;             // replace a file of the picture's name
  std::uint64_t max_points = 20000;   // items drawn, and users likewise; beyond it a random sample, the same each time
};

// What a picture shows.
struct EmbeddingMapReport {
  std::uint64_t n_items_drawn = 0, n_users_drawn = 0;
  double variance_share[2] = {};  // of the two components
};

// Writes an SVG that needs no other file: a circle an item, coloured by its group (grey without `groups` or without
// one), and a cross a user, coloured where all training items with a group are of the same one. With 12 groups or fewer
// there is a legend; colours repeat after 18.
//
// The plane is that of the items: covariance of their embeddings about their mean, in double. An item is drawn at
// (axis . (item - mean)), because a shift of all items changes no user's order; a user at (axis . user). So the
// products of drawn users and items differ from the model's scores by what is the same for all items of a user, by the
// items' biases, and by the columns that the plane leaves out.
//
// Written aside and renamed. Deterministic. Throws DataError: an embedding that is not finite, a file that cannot be
// written; UsageError: groups of another number of items, a file of that name without options.overwrite.
EmbeddingMapReport write_embedding_map(const Model& model, const ItemGroups* groups, const EmbeddingMapOptions& options,
                                       const std::filesystem::path& file);

}  // namespace unfold
