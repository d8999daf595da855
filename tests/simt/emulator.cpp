#include "tests/simt/emulator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/simt/block.hpp"
#include "tests/simt/fibre.hpp"
#include "tests/simt/order.hpp"

namespace simt {
namespace {

std::uint64_t first_seed() {
  const char* const text = std::getenv("UNFOLD_SIMT_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

std::mutex mutex;  // of the three below
std::uint64_t base_seed = first_seed();
std::uint64_t n_launches_since_seed = 0;
Report reported;

// Unwinds a thread whose block has failed elsewhere.
struct Abandoned {};

struct Launch {
  std::string kernel;  // with template arguments
  std::uint64_t seed = 0;
  const std::function<void()>* body = nullptr;
};

// The fibres of one operating system thread, kept from block to block, and what they run now.
class Machine {
 public:
  void run(const Launch& launch, unsigned n_blocks, unsigned n_threads, std::size_t shared_bytes);

  // Says which thread of which kernel had the error.
  template <typename Call>
  auto checked(Call&& call) {
    try {
      return call();
    } catch (const std::runtime_error& error) {
      throw KernelError(describe(thread_index.x, error.what()));
    }
  }

  // Called by device code, on a fibre.
  Block& block() { return *block_; }
  void wait_at_barrier(const std::source_location& where) {
    if (checked([&] { return block_->arrive_at_barrier(where); })) order_->reshuffle();
    wait();
  }
  std::uint64_t exchange(Exchange kind, std::uint32_t mask, std::uint64_t value, unsigned source,
                         const std::source_location& where) {
    const unsigned me = thread_index.x;
    checked([&] { return block_->arrive_at_exchange(me, kind, mask, value, source, where); });
    wait();
    return block_->result(me);
  }

 private:
  struct Thread {
    Thread(Machine& its_machine, unsigned number) : machine(&its_machine), index(number), fibre(&run_thread, this) {}
    Machine* machine;
    unsigned index;
    bool runs = false;  // began and has not returned
    Fibre fibre;
  };

  static void run_thread(void* thread);
  void run_block(unsigned n_threads, std::size_t shared_bytes);
  void abandon();
  void wait();
  // The fibre that goes on: a ready thread's, else the one that runs the block.
  Fibre& next();
  std::string describe(unsigned thread, const std::string& what) const {
    return fmt::format("{}, block {}, thread {}, seed {}: {}", launch_.kernel, block_index.x, thread, launch_.seed,
                       what);
  }

  Fibre main_;
  std::deque<Thread> threads_;
  Launch launch_;
  Order* order_ = nullptr;
  Block* block_ = nullptr;
  std::exception_ptr error_;  // the block's first
  bool abandons_ = false;
};

thread_local Machine machine;

void Machine::run(const Launch& launch, unsigned n_blocks, unsigned n_threads, std::size_t shared_bytes) {
  launch_ = launch;
  Order order(launch.seed);
  order_ = &order;
  while (threads_.size() < n_threads) threads_.emplace_back(*this, static_cast<unsigned>(threads_.size()));
  grid_extent = {n_blocks};
  block_extent = {n_threads};
  std::vector<unsigned> blocks(n_blocks);
  std::iota(blocks.begin(), blocks.end(), 0u);
  for (unsigned n = n_blocks; n > 1; --n) std::swap(blocks[n - 1], blocks[order.draw() % n]);
  for (const unsigned block : blocks) {
    block_index = {block};
    order.reshuffle();
    run_block(n_threads, shared_bytes);
  }
}

void Machine::run_block(unsigned n_threads, std::size_t shared_bytes) {
  thread_index = {};
  Block block = checked([&] { return Block(n_threads, shared_bytes); });
  block_ = &block;
  main_.switch_to(next());
  if (!error_ && !block.all_returned()) {
    unsigned thread = 0;
    const std::string why = block.describe_deadlock(thread);
    error_ = std::make_exception_ptr(KernelError(describe(thread, why)));
  }
  if (error_) {
    abandon();
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

// Unwinds what is left on the stacks of threads that wait.
void Machine::abandon() {
  abandons_ = true;
  for (Thread& thread : threads_) {
    if (thread.runs) main_.switch_to(thread.fibre);
  }
  abandons_ = false;
}

void Machine::run_thread(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  Machine& self = *thread.machine;
  for (;;) {
    thread.runs = true;
    thread_index = {thread.index};
    try {
      (*self.launch_.body)();
    } catch (const Abandoned&) {
    } catch (...) {
      if (!self.error_) self.error_ = std::current_exception();
    }
    thread.runs = false;
    self.block_->arrive_at_end(thread.index);
    thread.fibre.switch_to(self.next());
  }
}

Fibre& Machine::next() {
  if (error_ || block_->ready_warps() == 0) return main_;
  const unsigned thread = order_->pick(*block_);
  block_->take(thread);
  return threads_[thread].fibre;
}

void Machine::wait() {
  const unsigned me = thread_index.x;
  Fibre& to = next();
  if (&to != &threads_[me].fibre) {
    threads_[me].fibre.switch_to(to);
    thread_index = {me};
  }
  if (abandons_) throw Abandoned();
}

// "lookup_rows_kernel<32, 4>" from "void unfold::... [with auto kKernel = unfold::...::lookup_rows_kernel<32, 4>; ...]"
std::string kernel_of(const std::string& launcher) {
  const std::string mark = "kKernel = ";
  const std::size_t begin = launcher.find(mark);
  if (begin == std::string::npos) return launcher;
  std::string name = launcher.substr(begin + mark.size());
  name.resize(std::min(name.size(), name.find_first_of(";]")));
  const std::size_t arguments = name.find('<');
  const std::size_t scope = name.rfind("::", arguments);
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

}  // namespace

std::uint64_t seed() {
  const std::lock_guard lock(mutex);
  return base_seed;
}

void set_seed(std::uint64_t seed) {
  const std::lock_guard lock(mutex);
  base_seed = seed;
  n_launches_since_seed = 0;
}

void run_kernel(const char* launcher, unsigned blocks, unsigned threads, std::size_t shared_bytes,
                const std::function<void()>& kernel) {
  Launch launch{kernel_of(launcher), 0, &kernel};
  {
    const std::lock_guard lock(mutex);
    launch.seed = base_seed + n_launches_since_seed++;
    ++reported.launches[launch.kernel.substr(0, launch.kernel.find('<'))];
    ++reported.n_launches;
    reported.n_threads += std::uint64_t{blocks} * threads;
  }
  if (blocks == 0 || threads == 0 || threads > kMaxThreads) {
    throw KernelError(fmt::format("{}: {} blocks of {} threads; a device takes 1 or more of 1 to {}", launch.kernel,
                                  blocks, threads, kMaxThreads));
  }
  machine.run(launch, blocks, threads, shared_bytes);
}

Report report() {
  const std::lock_guard lock(mutex);
  return reported;
}
void note_work(const char* name, std::uint64_t n) {
  const std::lock_guard lock(mutex);
  reported.others[name] += n;
}
void note_call(const char* function) {
  const std::lock_guard lock(mutex);
  ++reported.calls[function];
}

void barrier(const std::source_location& where) { machine.wait_at_barrier(where); }

std::uint64_t exchange(Exchange kind, std::uint32_t mask, std::uint64_t value, unsigned source,
                       const std::source_location& where) {
  return machine.exchange(kind, mask, value, source, where);
}

void* shared_array(const void* key, std::size_t bytes, std::size_t alignment) {
  return machine.checked([&] { return machine.block().shared_array(key, bytes, alignment); });
}

void* dynamic_shared() { return machine.block().dynamic_shared(); }

}  // namespace simt
