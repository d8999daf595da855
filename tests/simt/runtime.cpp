// The emulated device: a driver, two multiprocessors, and memory that is the host's. Streams are in streams.cpp.
#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>

namespace {

constexpr int kVersion = CUDART_VERSION;
constexpr std::size_t kTotalBytes = std::size_t{8} << 30;
constexpr int kMultiprocessors = 2;  // so that grids are small, and larger than one block
// In front of every allocation, and its alignment, as cudaMalloc's.
constexpr std::size_t kHeaderBytes = 256;

std::atomic<std::size_t> used_bytes = 0;
thread_local cudaError_t last_error = cudaSuccess;

using simt::fail;

cudaError_t of_device(int device) { return device == 0 ? cudaSuccess : fail(cudaErrorInvalidDevice); }

// Memory whose size is kept in front of it.
void* allocate(std::size_t bytes) {
  void* const begin = ::operator new(kHeaderBytes + bytes, std::align_val_t(kHeaderBytes), std::nothrow);
  if (begin == nullptr) return nullptr;
  std::memcpy(begin, &bytes, sizeof(bytes));
  void* const memory = static_cast<char*>(begin) + kHeaderBytes;
  std::memset(memory, 0xFF, bytes);
  return memory;
}
std::size_t release(void* memory) {
  if (memory == nullptr) return 0;
  char* const begin = static_cast<char*>(memory) - kHeaderBytes;
  std::size_t bytes = 0;
  std::memcpy(&bytes, begin, sizeof(bytes));
  ::operator delete(begin, std::align_val_t(kHeaderBytes));
  return bytes;
}

}  // namespace

cudaError_t simt::fail(cudaError_t error) {
  last_error = error;
  return error;
}

const char* cudaGetErrorName(cudaError_t error) {
  simt::note_call(__func__);
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorGraphExecUpdateFailure:
      return "cudaErrorGraphExecUpdateFailure";
  }
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaGetLastError() {
  simt::note_call(__func__);
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  simt::note_call(__func__);
  *version = kVersion;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  simt::note_call(__func__);
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  simt::note_call(__func__);
  return of_device(device);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  simt::note_call(__func__);
  *properties = {"emulated", kTotalBytes, 9, 0, kMultiprocessors};
  return of_device(device);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  simt::note_call(__func__);
  *value = attribute == cudaDevAttrMultiProcessorCount ? kMultiprocessors : 227 * 1024;
  return of_device(device);
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  simt::note_call(__func__);
  if (simt::captures()) return fail(cudaErrorStreamCaptureUnsupported);
  if (bytes > kTotalBytes - used_bytes) return fail(cudaErrorMemoryAllocation);
  *pointer = bytes > 0 ? allocate(bytes) : nullptr;
  if (bytes > 0 && *pointer == nullptr) return fail(cudaErrorMemoryAllocation);
  used_bytes += bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
  simt::note_call(__func__);
  used_bytes -= release(pointer);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  simt::note_call(__func__);
  *pointer = bytes < kTotalBytes ? allocate(bytes) : nullptr;
  return *pointer != nullptr ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* pointer) {
  simt::note_call(__func__);
  release(pointer);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  simt::note_call(__func__);
  *free = kTotalBytes - used_bytes;
  *total = kTotalBytes;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  simt::note_call(__func__);
  simt::enqueue(stream, "copy", [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  simt::note_call(__func__);
  simt::enqueue(stream, "set", [=] { std::memset(pointer, value, bytes); });
  return cudaSuccess;
}
