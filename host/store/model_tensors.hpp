// A model's parameters, in memory and in tensors.safetensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "host/io/safetensors.hpp"
#include "unfold/model.hpp"

namespace unfold {

// All of them, in order. Views of `model`.
std::vector<TensorView> model_tensors(const Model& model);

// All that the file holds. Throws DataError for a type other than F32.
TensorSet read_tensors(const SafetensorsFile& file);
// The five of version 1 of the format. Throws DataError for one that is missing or has another shape.
TensorSet read_version_1_tensors(const SafetensorsFile& file, std::uint64_t n_users, std::uint64_t n_items,
                                 std::uint64_t dim);

// Checks that every tensor has as many numbers as its shape says, and that ids and lists of items fit each other.
// Throws std::logic_error: a caller put it together wrongly.
void check_shapes(const Model& model);

// The name of the first tensor that holds a number that is not finite, with its place; empty where all are finite.
std::string tensor_not_finite(const Model& model);
// Throws DataError: `what` of the file is not finite.
[[noreturn]] void fail_not_finite(const std::filesystem::path& path, const std::string& what);

}  // namespace unfold
