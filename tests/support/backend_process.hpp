#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace sluice::support {

/// A small, quick HTTP/1.1 backend in a process of its own: it can be killed like one, and it
/// serves load. Answers every request with 200, X-Version and the name as body; GET /healthz with
/// 200.
class BackendProcess {
 public:
  /// Listens on `address`, or on a free port of 127.0.0.1. Starts at once. Throws Failure.
  explicit BackendProcess(std::string name, std::string address = "");
  BackendProcess(const BackendProcess&) = delete;
  BackendProcess& operator=(const BackendProcess&) = delete;
  ~BackendProcess();

  const std::string& address() const { return address_; }
  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }

  /// SIGKILL, and waits for the end. The counts stay; open() is meaningless until start().
  void kill();
  /// Starts again on the same address.
  void start();

  std::uint64_t requests() const { return counts_->requests; }  ///< health checks left out
  std::uint64_t accepted() const { return counts_->accepted; }
  std::uint64_t open() const { return counts_->open; }

  /// What the two processes share.
  struct Counts {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> open{0};
  };

 private:
  std::string name_;
  std::string address_;
  Counts* counts_;
  pid_t pid_ = -1;
};

}  // namespace sluice::support
