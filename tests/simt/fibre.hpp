// A stack that runs until it hands over to another one. Switching costs a few nanoseconds and no system call.
//
// Boost.Context's lowest level, because its fiber class runs instrumented code on a new stack before AddressSanitizer
// can be told of it. Debian's build of the library has no sanitizer support of its own.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/stack_context.hpp>
#include <cstddef>

namespace simt {

class Fibre {
 public:
  // What runs now, on the stack of the operating system's thread.
  Fibre() = default;
  // Runs entry(argument), which never returns, from the first switch to it on.
  Fibre(void (*entry)(void*), void* argument);
  ~Fibre();
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  // Called on this fibre. Returns when some fibre switches back to it; both run on one thread.
  void switch_to(Fibre& to);

 private:
  static void start(boost::context::detail::transfer_t from);
  void arrive(boost::context::detail::transfer_t from);

  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  boost::context::stack_context stack_;
  boost::context::detail::fcontext_t context_ = nullptr;
  Fibre* target_ = nullptr;  // of the latest switch
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* fake_stack_ = nullptr;  // AddressSanitizer's, for variables whose function has returned
};

}  // namespace simt
