#include "unfold/step_variables.hpp"

namespace unfold {

StepVariables step_variables(std::uint64_t seed, std::uint64_t step_number, std::uint64_t batch, float learning_rate,
                             float beta1) {
  const RandomBlock random = random_block(seed, RandomPurpose::kRounding, 0, step_number);
  StepVariables values;
  values.learning_rate = learning_rate;
  values.beta1 = beta1;
  values.step = static_cast<std::uint32_t>(step_number);
  values.seed_shift = (step_number >> 32 << 8) * kSeedStride;
  values.rounding_keys[0] = std::uint64_t{random.v[1]} << 32 | random.v[0];
  values.rounding_keys[1] = std::uint64_t{random.v[3]} << 32 | random.v[2];
  values.batch = batch;
  return values;
}

}  // namespace unfold
