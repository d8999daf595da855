// Exports as arrays: npy, safetensors, an index of Faiss.
#include <algorithm>
#include <array>
#include <iterator>

#include "host/io/file.hpp"
#include "host/io/npy.hpp"
#include "host/io/safetensors.hpp"
#include "host/store/export_formats.hpp"
#include "host/store/model_tensors.hpp"
#include "host/store/product_tensors.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

void write_ids(const Model& model, const fs::path& directory) {
  model.user_ids.write(directory / "user_ids.txt");
  model.item_ids.write(directory / "item_ids.txt");
}

void write_matrix(const fs::path& file, const ExportTable& table) {
  const std::array<std::uint64_t, 2> shape = {table.ids.size(), table.dim};
  write_npy<float>(file, table.vectors, shape);
}

// Vectors with one more column, which `last(row)` gives.
template <typename Last>
std::vector<float> append_column(const Tensor& matrix, Last last) {
  std::vector<float> out;
  out.reserve(matrix.rows() * (matrix.cols() + 1));
  for (std::uint64_t row = 0; row < matrix.rows(); ++row) {
    std::ranges::copy(matrix.row(row), std::back_inserter(out));
    out.push_back(last(row));
  }
  return out;
}

std::span<const float> values_of(const Tensor* bias) {
  return bias == nullptr ? std::span<const float>() : std::span<const float>(bias->data);
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

ExportTables export_tables(const Model& model, const ExportOptions& options) {
  check_product_tensors(model);
  const Tensor& users = user_embedding(model);
  const Tensor& items = item_embedding(model);
  const std::span<const float> item_biases = values_of(item_bias(model));
  const auto dim = static_cast<std::uint32_t>(users.cols());
  if (!options.append_bias) {
    return {{model.user_ids, dim, users.data, values_of(user_bias(model)), {}},
            {model.item_ids, dim, items.data, item_biases, {}}};
  }
  ExportTables tables{{model.user_ids, dim + 1, {}, {}, {}}, {model.item_ids, dim + 1, {}, {}, {}}};
  tables.users.appended = append_column(users, [](std::uint64_t) { return 1.0f; });
  tables.items.appended =
      append_column(items, [&](std::uint64_t row) { return item_biases.empty() ? 0.0f : item_biases[row]; });
  tables.users.vectors = tables.users.appended;
  tables.items.vectors = tables.items.appended;
  return tables;
}

void export_npy(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const auto write = [&directory](const std::string& noun, const ExportTable& table) {
    write_matrix(directory / (noun + "_embedding.npy"), table);
    if (table.bias.empty()) return;
    const std::array<std::uint64_t, 1> shape = {table.ids.size()};
    write_npy<float>(directory / (noun + "_bias.npy"), table.bias, shape);
  };
  const ExportTables tables = export_tables(model, options);
  write("user", tables.users);
  write("item", tables.items);
  write_ids(model, directory);
}

void export_safetensors(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const fs::path file = directory / "embeddings.safetensors";
  if (options.append_bias) {
    const ExportTables tables = export_tables(model, options);
    const auto view = [](const char* name, const ExportTable& table) {
      return tensor_view<float>(name, table.vectors, {table.ids.size(), table.dim});
    };
    write_safetensors(file, {view("user.embedding", tables.users), view("item.embedding", tables.items)});
  } else {
    write_safetensors(file, model_tensors(model));
  }
  write_ids(model, directory);
}

void export_faiss(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const ExportTables tables = export_tables(model, options);
  write_flat_index(directory / "items.faiss", tables.items);
  write_matrix(directory / "user_embedding.npy", tables.users);
  write_ids(model, directory);
}

}  // namespace unfold
