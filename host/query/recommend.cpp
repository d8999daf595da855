#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host/tables/row_lists.hpp"
#include "host/tables/table_transfer.hpp"
#include "host/query/top_lists.hpp"
#include "unfold/error.hpp"

namespace unfold {

void validate(const QueryOptions& options) {
  if (options.k >= 1 && options.k <= kMaxTopK) return;
  throw UsageError(fmt::format("k is {}: a list holds 1 to {} items", options.k, kMaxTopK));
}

void recommend(Backend& backend, const Model& model, std::span<const Row> users, const QueryOptions& options,
               const QuerySink& sink) {
  validate(options);
  const HostMatrix& embedding = model.item_embedding;
  const std::uint32_t stride = backend.row_stride(embedding.cols);
  DeviceArray<float> items(backend, embedding.rows * stride);
  const MatrixView<float> view{items.data(), embedding.rows, embedding.cols, stride};
  upload_table(backend, embedding, view);
  DeviceArray<float> bias(backend, model.item_bias.size());
  bias.upload(model.item_bias);

  const JoinedLists seen = all_seen(model.seen);
  std::vector<Row> excluded;
  const Queries queries{
      .size = users.size(),
      .write_vector =
          [&](std::uint64_t n, std::span<float> row) {
            std::copy_n(model.user_embedding.data.begin() + static_cast<std::ptrdiff_t>(users[n] * row.size()),
                        row.size(), row.begin());
          },
      .excluded = [&](std::uint64_t n) -> std::span<const Row> {
        excluded.clear();
        if (options.exclude_seen) seen.append(users[n], excluded);
        return excluded;
      }};
  list_top(backend, view, bias.data(), queries, options, sink);
}

}  // namespace unfold
