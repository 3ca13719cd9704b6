#pragma once

#include <cstddef>

namespace sluice::proxy::program {

struct DemoOptions {
  unsigned seconds = 5;          ///< for each pair of weights
  std::size_t connections = 16;  ///< that the load keeps open
  bool keep = false;             ///< stay up at the end until a signal comes
  bool json = false;             ///< the outcome as JSON on standard output, the rest on error
};

/// `sluice demo`: two versions of a toy service, the proxy in front of them and a steady load, all
/// in this process; moves the traffic from the old version to the new one and says what happened.
/// The exit code: 0 all went as it should (no request failed, the old version was drained and got
/// nothing at weight 0), 1 not so, 128 + the signal when SIGINT or SIGTERM broke it off. Throws
/// std::system_error when the machine gives no sockets.
int demo(const DemoOptions& options);

}  // namespace sluice::proxy::program
