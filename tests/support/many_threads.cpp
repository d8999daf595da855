// Loops of the tests run on as many threads as they ask for, on machines with fewer processors too.
#include <gtest/gtest.h>

#include "host/ops/ops.hpp"
#include "host/threads/thread_pool.hpp"

namespace unfold::test {
namespace {

class ManyThreads : public testing::Environment {
  void SetUp() override { thread_pool().allow(cpu::kMaxThreads); }
};

const testing::Environment* const many_threads = testing::AddGlobalTestEnvironment(new ManyThreads);

}  // namespace
}  // namespace unfold::test
