#include "host/models/embedding_options.hpp"

#include "unfold/error.hpp"

namespace unfold {

void add_embedding_options(EmbeddingOptions& embedding, std::vector<Option>& options) {
  constexpr auto kModel = OptionGroup::kModel;
  options.push_back({"dim", kModel, &embedding.dim, Allowed::between(1, 1024), "columns of each embedding"});
  options.push_back({"table-type",
                     kModel,
                     &embedding.table_type,
                     {.words = {"float32", "float16", "bfloat16"}},
                     "elements of the embeddings while training; those of 16 bits halve their memory and traffic; sums "
                     "and optimizer state stay float32, and so does the written model"});
  options.push_back({"init-std", kModel, &embedding.init_std, Allowed::from(0),
                     "embeddings start uniform with standard deviation init-std / sqrt(dim)"});
}

TableType named_table_type(const std::string& name) {
  for (const TableType type : {TableType::kFloat32, TableType::kFloat16, TableType::kBfloat16}) {
    if (name == table_type_name(type)) return type;
  }
  throw UsageError("table type " + name + ": use float32, float16 or bfloat16");
}

}  // namespace unfold
