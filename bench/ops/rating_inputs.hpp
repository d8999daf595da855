// Random ratings and tables of biased matrix factorization: of 138,000 users and 27,000 items, the shape of MovieLens
// 20M, or on a GPU of 8 times as many, so that tables pass the caches.
#pragma once

#include <vector>

#include "bench/ops/bench_support.hpp"
#include "unfold/random.hpp"

namespace unfold::bench {

class RatingInputs {
 public:
  RatingInputs(std::uint32_t dim, TableType type, bool skewed)
      : user_(n_users(), dim, type), item_(n_items(), dim, type), user_bias_(n_users(), 1), item_bias_(n_items(), 1) {
    const std::uint64_t n = by_device(1 << 20, 1 << 18);
    const auto draw = skewed ? popular_rows : uniform_rows;
    users_ = upload(draw(n, n_users(), 1));
    items_ = upload(draw(n, n_items(), 2));
    std::vector<float> ratings(n);
    for (std::uint64_t k = 0; k < n; ++k) ratings[k] = 5 * uniform_float(philox(3, k, 0).v[0]);
    ratings_ = upload(ratings);
    parameters = {user_.view(), item_.view(), bias(user_bias_), bias(item_bias_)};
    batch = {users_.data(), items_.data(), ratings_.data(), n};
    loss.link.mean = 2.5f;
    loss.l2 = loss.l2_bias = 0.02f;
  }

  MfParameters parameters;
  RatingBatch batch;
  RatingLoss loss;

 private:
  static std::uint64_t n_users() { return by_device(1104000, 138000); }
  static std::uint64_t n_items() { return by_device(216000, 27000); }
  // Biases have a stride of 1.
  static ParameterView bias(const Table& table) {
    const TableView& weight = table.weight();
    return {MatrixView<float>{static_cast<float*>(weight.data), weight.rows, 1, 1}, nullptr, nullptr, nullptr};
  }

  Table user_, item_, user_bias_, item_bias_;
  DeviceArray<Row> users_, items_;
  DeviceArray<float> ratings_;
};

}  // namespace unfold::bench
