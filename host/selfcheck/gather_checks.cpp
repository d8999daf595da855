// The op that gathers resident ratings, against its formula rating by rating.
#include <algorithm>
#include <numeric>

#include "host/selfcheck/op_inputs.hpp"

namespace unfold::selfcheck {
namespace {

// The four arrays on the host. Every rating can be told from every other, and so can its four numbers.
struct HostRatings {
  std::vector<Row> users, items;
  std::vector<float> ratings, weights;

  explicit HostRatings(std::uint64_t n) : users(n), items(n), ratings(n), weights(n) {
    for (std::uint64_t k = 0; k < n; ++k) {
      users[k] = static_cast<Row>(k);
      items[k] = static_cast<Row>(3 * k + 1);
      ratings[k] = static_cast<float>(k) + 0.5f;
      weights[k] = -static_cast<float>(k) - 1;
    }
  }
};

// Blocks in random order, a short one last.
std::vector<std::uint32_t> random_order(CheckRun& run, std::uint64_t n, std::uint64_t block_size) {
  std::vector<std::uint32_t> order((n + block_size - 1) / block_size);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end() - (n % block_size == 0 ? 0 : 1), run.random);
  return order;
}

template <typename T>
void expect_gathered(CheckRun& run, const char* what, const GuardedArray<T>& got, const std::vector<T>& all,
                     const std::vector<std::uint64_t>& sources) {
  const std::vector<T> values = got.download();
  for (std::size_t k = 0; k < sources.size(); ++k) {
    if (!run.check.that(values[k] == all[sources[k]], "{} {} is {}, not {}", what, k, values[k], all[sources[k]]))
      return;
  }
}

// Batches that begin and end within blocks, at their bounds, with the short block, and past several tiles of a kernel.
void gather_ratings_follows_the_order(CheckRun& run, bool has_weights) {
  const std::uint64_t n = run.thorough ? 70001 : 5003;
  const HostRatings host(n);
  const GuardedArray<Row> users(run.backend, host.users), items(run.backend, host.items);
  const GuardedArray<float> ratings(run.backend, host.ratings);
  const GuardedArray<float> weights(run.backend, has_weights ? host.weights : std::vector<float>());
  const RatingBatch all{users.data(), items.data(), ratings.data(), n, has_weights ? weights.data() : nullptr};
  for (const std::uint32_t block_size : {1u, 3u, 16u, 305u, 4096u, 1u << 31}) {
    const std::vector<std::uint32_t> order = random_order(run, n, block_size);
    const GuardedArray<std::uint32_t> device_order(run.backend, order);
    for (const auto& [first, size] : {std::pair<std::uint64_t, std::uint64_t>{0, n},
                                      {0, 1},
                                      {17, 1024},
                                      {n - 1, 1},
                                      {n - 1500, 1500},
                                      {n / 2, 1031},
                                      {n, 0}}) {
      const Checker::Scope scope("blocks of {}, {} ratings from {}", block_size, size, first);
      const GuardedArray<Row> out_users(run.backend, size), out_items(run.backend, size);
      const GuardedArray<float> out_ratings(run.backend, size), out_weights(run.backend, has_weights ? size : 0);
      run_op(run.backend, GatherRatings{.all = all,
                                        .block_order = device_order.data(),
                                        .block_size = block_size,
                                        .first = first,
                                        .n_ratings = size,
                                        .out = {out_users.data(), out_items.data(), out_ratings.data(),
                                                has_weights ? out_weights.data() : nullptr}});
      std::vector<std::uint64_t> sources;
      for (std::uint64_t place = first; place < first + size; ++place) {
        sources.push_back(std::uint64_t{order[place / block_size]} * block_size + place % block_size);
      }
      expect_gathered(run, "user", out_users, host.users, sources);
      expect_gathered(run, "item", out_items, host.items, sources);
      expect_gathered(run, "rating", out_ratings, host.ratings, sources);
      if (has_weights) expect_gathered(run, "weight", out_weights, host.weights, sources);
    }
  }
}

template <bool kHasWeights>
void gathers(CheckRun& run) {
  gather_ratings_follows_the_order(run, kHasWeights);
}

constexpr OpCheck kGatherChecks[] = {
    {"GatherRatingsFollowsTheOrder", gathers<false>},
    {"GatherRatingsTakesWeightsAlong", gathers<true>},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<GatherRatings>() {
  return kGatherChecks;
}

}  // namespace unfold::selfcheck
