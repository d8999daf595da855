// Runs CUDA kernels on the CPU: a fibre a thread, blocks one after another, in an order drawn from a seed. See
// docs/emulator.md. This is the side that launchers and tests see; device code sees include/cuda_runtime.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

namespace simt {

// A kernel did what has no meaning on a device: a barrier that part of the block never reaches, an exchange with
// lanes that do not take part, a launch that no device accepts. Names kernel, block, thread and seed.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Launch n of a process, from 0, draws its order from seed + n. The first seed is $UNFOLD_SIMT_SEED, else 1.
std::uint64_t seed();
// From now on launches count from 0 again.
void set_seed(std::uint64_t seed);

// Runs kernel() as every thread of a grid. `launcher` is the launcher's __PRETTY_FUNCTION__, which names the kernel.
// Throws KernelError, or what the kernel throws, after every thread of its block has been unwound.
void run_kernel(const char* launcher, unsigned blocks, unsigned threads, std::size_t shared_bytes,
                const std::function<void()>& kernel);

// What this process has run.
struct Report {
  std::map<std::string, std::uint64_t> launches;  // by kernel, without template arguments
  std::uint64_t n_launches = 0, n_threads = 0;
  // What else a stream did, in what a device would see: copies, sets, products, and what CUB launches, by its name.
  std::map<std::string, std::uint64_t> others;
  std::map<std::string, std::uint64_t> calls;  // of the runtime, by function; a launch is one of cudaLaunchKernel
};
Report report();
void note_work(const char* name, std::uint64_t n);
void note_call(const char* function);

}  // namespace simt
