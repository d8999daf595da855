// Exports as arrays: npy, safetensors, an index of Faiss.
#include <algorithm>
#include <array>
#include <iterator>

#include "host/io/file.hpp"
#include "host/io/npy.hpp"
#include "host/io/safetensors.hpp"
#include "host/store/export_formats.hpp"
#include "host/store/model_tensors.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

void write_ids(const ExportContent& content, const fs::path& directory) {
  content.users.ids.write(directory / "user_ids.txt");
  content.items.ids.write(directory / "item_ids.txt");
}

void write_matrix(const fs::path& file, const ExportTable& table) {
  const std::array<std::uint64_t, 2> shape = {table.ids.size(), table.dim};
  write_npy<float>(file, table.vectors, shape);
}

// Vectors with one more column, which `last(row)` gives.
template <typename Last>
std::vector<float> append_column(const HostMatrix& matrix, Last last) {
  std::vector<float> out;
  out.reserve(matrix.rows * (matrix.cols + 1ull));
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    const float* values = matrix.data.data() + row * matrix.cols;
    std::copy_n(values, matrix.cols, std::back_inserter(out));
    out.push_back(last(row));
  }
  return out;
}

// What faiss.write_index writes of an IndexFlatIP: the index of exact inner products, little-endian.
void write_flat_index(const fs::path& file, const ExportTable& table) {
  constexpr std::int64_t kUnused = std::int64_t{1} << 20;
  constexpr std::int32_t kInnerProduct = 0;
  FileWriter writer = FileWriter::create(file);
  writer.write("IxFI");
  writer.put(static_cast<std::int32_t>(table.dim));
  writer.put(static_cast<std::int64_t>(table.ids.size()));
  writer.put(kUnused);
  writer.put(kUnused);
  writer.put(std::uint8_t{1});  // needs no training
  writer.put(kInnerProduct);
  writer.put(static_cast<std::uint64_t>(table.vectors.size()));
  writer.write(table.vectors.data(), table.vectors.size_bytes());
  writer.close();
}

}  // namespace

ExportContent export_content(const Model& model, const ExportOptions& options) {
  const HostMatrix& users = model.user_embedding;
  const HostMatrix& items = model.item_embedding;
  if (!options.append_bias) {
    return {model,
            options,
            {model.user_ids, users.cols, users.data, model.user_bias, {}},
            {model.item_ids, items.cols, items.data, model.item_bias, {}}};
  }
  const std::uint32_t dim = users.cols + 1;
  ExportContent content{model, options, {model.user_ids, dim, {}, {}, {}}, {model.item_ids, dim, {}, {}, {}}};
  content.users.appended = append_column(users, [](std::uint64_t) { return 1.0f; });
  content.items.appended = append_column(items, [&model](std::uint64_t row) { return model.item_bias[row]; });
  content.users.vectors = content.users.appended;
  content.items.vectors = content.items.appended;
  return content;
}

void export_npy(const ExportContent& content, const fs::path& directory) {
  const auto write = [&directory](const std::string& noun, const ExportTable& table) {
    write_matrix(directory / (noun + "_embedding.npy"), table);
    if (table.bias.empty()) return;
    const std::array<std::uint64_t, 1> shape = {table.ids.size()};
    write_npy<float>(directory / (noun + "_bias.npy"), table.bias, shape);
  };
  write("user", content.users);
  write("item", content.items);
  write_ids(content, directory);
}

void export_safetensors(const ExportContent& content, const fs::path& directory) {
  std::vector<TensorView> tensors;
  if (content.options.append_bias) {
    const auto add = [&tensors](const char* name, const ExportTable& table) {
      tensors.push_back(tensor_view<float>(name, table.vectors, {table.ids.size(), table.dim}));
    };
    add("user.embedding", content.users);
    add("item.embedding", content.items);
  } else {
    tensors = model_tensors(content.model);
  }
  write_safetensors(directory / "embeddings.safetensors", std::move(tensors));
  write_ids(content, directory);
}

void export_faiss(const ExportContent& content, const fs::path& directory) {
  write_flat_index(directory / "items.faiss", content.items);
  write_matrix(directory / "user_embedding.npy", content.users);
  write_ids(content, directory);
}

}  // namespace unfold
