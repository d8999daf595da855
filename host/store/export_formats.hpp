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
  std::span<const float> bias;     // [ids.size()]; empty where it is the last column of the vectors
  std::vector<float> appended;     // that `vectors` is of where the bias is their last column

  std::span<const float> vector(Row row) const { return vectors.subspan(std::uint64_t{row} * dim, dim); }
};

struct ExportContent {
  const Model& model;
  const ExportOptions& options;
  ExportTable users, items;
};

// The model's vectors and biases, or vectors with one more column. Valid as long as both arguments.
ExportContent export_content(const Model& model, const ExportOptions& options);

void export_npy(const ExportContent& content, const std::filesystem::path& directory);
void export_safetensors(const ExportContent& content, const std::filesystem::path& directory);
void export_faiss(const ExportContent& content, const std::filesystem::path& directory);
void export_word2vec(const ExportContent& content, const std::filesystem::path& directory);
void export_tensorboard(const ExportContent& content, const std::filesystem::path& directory);
void export_csv(const ExportContent& content, const std::filesystem::path& directory);

}  // namespace unfold
