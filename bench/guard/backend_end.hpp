#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::bench {

/// A backend inside the program that it serves: a listening unix socket that the caller works off
/// when it likes. Answers every request with the same octets.
class BackendEnd {
 public:
  /// Listens on `path`. Exits with a message when that cannot be.
  BackendEnd(const std::string& path, std::string answer);
  BackendEnd(const BackendEnd&) = delete;
  BackendEnd& operator=(const BackendEnd&) = delete;
  ~BackendEnd();

  /// Accepts and answers what is there. Returns the number of answers.
  unsigned serve();

 private:
  unsigned serve_one(int descriptor);
  std::string path_;
  std::string answer_;
  int listening_ = -1;
  std::vector<int> connections_;
};

/// Sends all of `octets` on a descriptor, or exits.
void send_all(int descriptor, std::string_view octets);

/// Receives until `size` octets are there; false when none come without waiting.
std::size_t receive(int descriptor, std::string& into);

}  // namespace sluice::bench
