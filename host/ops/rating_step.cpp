// The fast update of biased matrix factorization: rows changed in place, one rating after another on each thread,
// in cells whose rows no other thread touches (rating_cells.hpp).
//
// Ids are known ahead, so the rows of ratings to come are prefetched; the two rows of a rating are read once for
// the score (and, for row-wise AdaGrad, for the gradient's length) and once more, from the first-level cache, for
// the update.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rating_step.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/rating_cells.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// Mean over the columns of (g * other + l2 * own)^2.
HWY_INLINE float mean_square(float g, float l2, float own_own, float own_other, float other_other, float dim) {
  return (g * g * other_other + 2.0f * g * l2 * own_other + l2 * l2 * own_own) / dim;
}

// positions[n]: the place of rating n in the whole batch, which its rounding depends on; null: n.
template <OptimizerKind kKind, typename Element>
double rating_step_sequential(const MfParameters& t, const RatingBatch& batch, const std::uint32_t* positions,
                              const RatingLoss& loss, const OptimizerStep& step) {
  constexpr bool kSquares = kKind == OptimizerKind::kRowwiseAdagrad;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::uint64_t stride = t.user_factors.weight.stride;
  const float dim = static_cast<float>(t.user_factors.weight.cols);
  const std::uint64_t ahead = rows_ahead(2 * stride * sizeof(Element));
  const FloatVec l2 = hn::Set(d, loss.l2);
  RowRounding<Element> rounding(step.rounding_key);
  double squared_error = 0;
  for (std::uint64_t n = 0; n < batch.size; ++n) {
    if (n + ahead < batch.size) {
      prefetch_row(t.user_factors.weight.as<Element>().row(batch.users[n + ahead]), stride);
      prefetch_row(t.item_factors.weight.as<Element>().row(batch.items[n + ahead]), stride);
    }
    const Row user = batch.users[n], item = batch.items[n];
    Element* HWY_RESTRICT p = t.user_factors.weight.as<Element>().row(user);
    Element* HWY_RESTRICT q = t.item_factors.weight.as<Element>().row(item);
    float& user_bias = t.user_bias.weight.as<float>().data[user];
    float& item_bias = t.item_bias.weight.as<float>().data[item];
    const Products products = row_products<kSquares>(p, q, stride);
    const float score = loss.link.mean + (loss.use_bias ? user_bias + item_bias : 0.0f) + products.user_item;
    const RatingGradient gradient = rating_gradient(score, batch.ratings[n], loss);
    squared_error += static_cast<double>(gradient.error) * static_cast<double>(gradient.error);
    if (loss.use_bias) {
      update_scalar<kKind>(t.user_bias, user, gradient.by_score + loss.l2_bias * user_bias, step);
      update_scalar<kKind>(t.item_bias, item, gradient.by_score + loss.l2_bias * item_bias, step);
    }
    float user_square = 0, item_square = 0;
    if constexpr (kSquares) {
      user_square =
          mean_square(gradient.by_score, loss.l2, products.user_user, products.user_item, products.item_item, dim);
      item_square =
          mean_square(gradient.by_score, loss.l2, products.item_item, products.user_item, products.user_user, dim);
    }
    const RowUpdate<kKind> update_user(t.user_factors, user, user_square, step);
    const RowUpdate<kKind> update_item(t.item_factors, item, item_square, step);
    const FloatVec g = hn::Set(d, gradient.by_score);
    rounding.template draw<2>(positions == nullptr ? n : positions[n], stride);
    for (std::size_t k = 0; k < stride; k += lanes) {
      const FloatVec pk = load_floats(p + k), qk = load_floats(q + k);
      store_floats(update_user(pk, hn::MulAdd(g, qk, hn::Mul(l2, pk)), k), p + k, rounding.bits(0) + k);
      store_floats(update_item(qk, hn::MulAdd(g, pk, hn::Mul(l2, qk)), k), q + k, rounding.bits(1) + k);
    }
  }
  return squared_error;
}

double rating_step_any(const MfParameters& parameters, const RatingBatch& batch, const std::uint32_t* positions,
                       const RatingLoss& loss, const OptimizerStep& step) {
  double squared_error = 0;
  with_optimizer(step.kind, [&]<OptimizerKind kKind>() {
    squared_error = with_element(parameters.user_factors.weight.type, [&]<typename Element>() {
      return rating_step_sequential<kKind, Element>(parameters, batch, positions, loss, step);
    });
  });
  return squared_error;
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(rating_step_any);

namespace {

// Groups of rows, which the result depends on. A rating is two pieces of work, one a row.
int n_groups(const RatingBatch& batch, int n_threads) { return threads_for(2 * batch.size, n_threads); }

}  // namespace

std::uint64_t workspace_bytes(const RatingStep& op, int n_threads) {
  const int threads = n_groups(op.batch, n_threads);
  return threads == 1 ? 0 : RatingCells::workspace_bytes(op.batch.size, threads) + sizeof(double) * kMaxThreads;
}

void run(const RatingStep& op, std::span<std::byte> workspace, int n_threads) {
  const RatingBatch& batch = op.batch;
  if (batch.size == 0) return;
  const int threads = n_groups(batch, n_threads);
  if (threads == 1) {
    *op.squared_error.place() += HWY_DYNAMIC_DISPATCH(rating_step_any)(op.parameters, batch, nullptr, op.loss, op.step);
    return;
  }
  auto* const errors = reinterpret_cast<double*>(workspace.data());
  const bool with_positions = op.parameters.user_factors.weight.type != TableType::kFloat32;
  RatingCells cells(batch, threads, with_positions, workspace.subspan(sizeof(double) * kMaxThreads));
  const auto n_parts = static_cast<std::uint32_t>(threads);
  // As many parts as threads were asked for, which the result depends on; where fewer run, some do several.
  const auto for_parts = [&](const auto& f) {
    parallel_for(n_parts, threads, [&](std::uint64_t part) { f(static_cast<std::uint32_t>(part)); });
  };
  for_parts([&](std::uint32_t part) { cells.count(part); });
  cells.place();
  for_parts([&](std::uint32_t part) { cells.scatter(part); });
  for (std::uint32_t round = 0; round < n_parts; ++round) {
    for_parts([&](std::uint32_t part) {
      const RatingCell cell = cells.cell(part, (part + round) % n_parts);
      const double error =
          HWY_DYNAMIC_DISPATCH(rating_step_any)(op.parameters, cell.ratings, cell.positions, op.loss, op.step);
      errors[part] = round == 0 ? error : errors[part] + error;
    });
  }
  for (std::uint32_t part = 0; part < n_parts; ++part) *op.squared_error.place() += errors[part];
}

}  // namespace unfold::cpu
#endif
