// Options of the embeddings of users and items, which most families have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unfold/option.hpp"
#include "unfold/table_view.hpp"

namespace unfold {

struct EmbeddingOptions {
  std::uint32_t dim = 128;
  std::string table_type = "float32";
  double init_std = 0.1;
};
void add_embedding_options(EmbeddingOptions& embedding, std::vector<Option>& options);

// The type of this name: float32, float16 or bfloat16. Throws UsageError.
TableType named_table_type(const std::string& name);

}  // namespace unfold
