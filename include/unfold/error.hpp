// The exceptions that the library throws. It never prints, exits or aborts; the program maps each type
// to its exit code. A message says where, what value, what is allowed, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace unfold {

class Error : public std::runtime_error {
 public:
  Error(const std::string& message, int exit_code) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

// An option or a combination of options that cannot be used.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(message, 2) {}
};

// Input or output that cannot be read, understood or written: file, line, column, value, remedy.
struct DataError : Error {
  explicit DataError(const std::string& message) : Error(message, 3) {}
};

// A device that is absent or failed, or memory (host or device) that does not suffice: bytes wanted, bytes free.
struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(message, 4) {}
};

// A loss that stopped being finite: epoch and step.
struct DivergedError : Error {
  explicit DivergedError(const std::string& message) : Error(message, 5) {}
};

}  // namespace unfold
