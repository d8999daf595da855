#include "kernels/graph.hpp"

#include <memory>
#include <type_traits>

namespace unfold::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

Graph record(cudaStream_t stream, const std::function<void()>& launches) {
  cudaGraph_t graph = nullptr;
  // Of this thread alone: the reader thread goes on copying.
  UNFOLD_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    launches();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &graph) == cudaSuccess && graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  UNFOLD_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  return Graph(graph);
}

}  // namespace

StepGraph::~StepGraph() {
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
}

void StepGraph::run(cudaStream_t stream, const std::function<void()>& launches) {
  const Graph graph = record(stream, launches);
  if (executable_ != nullptr) {
    cudaGraphExecUpdateResultInfo info = {};
    if (cudaGraphExecUpdate(executable_, graph.get(), &info) != cudaSuccess) {
      // Other kernels than last time: start over.
      cudaGetLastError();
      UNFOLD_CUDA_CHECK(cudaGraphExecDestroy(executable_));
      executable_ = nullptr;
    }
  }
  if (executable_ == nullptr) UNFOLD_CUDA_CHECK(cudaGraphInstantiate(&executable_, graph.get(), 0));
  UNFOLD_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
}

}  // namespace unfold::cuda
