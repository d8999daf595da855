// The formats of an export: each writes its files into a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "unfold/export.hpp"

namespace unfold {

// Users, or items, as they are exported.
struct ExportTable {
  const IdMap& ids;
  std::uint32_t dim;
  std::span<const float> vectors;  // [ids.size(), dim]
  std::span<const float> bias;     // [ids.size()]; empty where it is the last column of the vectors, or there is none
  std::vector<float> appended;     // that `vectors` is of where the bias is their last column

  std::span<const float> vector(Row row) const { return vectors.subspan(std::uint64_t{row} * dim, dim); }
};

struct ExportTables {
  ExportTable users, items;
};

// The model's vectors and biases, or vectors with one more column where options.append_bias. Valid as long as `model`.
// Throws DataError where its scores are no products, so that it has no such tables.
ExportTables export_tables(const Model& model, const ExportOptions& options);

// Write into `directory`. All but safetensors, which takes any tensors, throw as export_tables.
using ExportWriter = void(const Model& model, const ExportOptions& options, const std::filesystem::path& directory);
ExportWriter export_npy, export_safetensors, export_faiss, export_word2vec, export_tensorboard, export_csv;

}  // namespace unfold
