#pragma once

#include <cstddef>

namespace sluice::proxy::program {

struct DemoOptions {
  unsigned seconds = 5;          ///< for each pair of weights of the first act
  std::size_t connections = 16;  ///< that the load keeps open; in the second act 16 at least
  bool keep = false;             ///< stay up at the end until a signal comes
  bool json = false;             ///< the outcome as JSON on standard output, the rest on error
};

/// `sluice demo`: versions of two toy services, the proxy in front of them and a steady load, all
/// in this process. In the first act the traffic is moved from the old version to the new one by
/// hand; in the second a good version is promoted by the proxy, one with errors and a slow one are
/// rolled back. Says what happened. The exit code: 0 all went as it should (no request failed, the
/// old version was drained, nothing came at weight 0, each rollout ended as told), 1 not so, 128 +
/// the signal when SIGINT or SIGTERM broke it off. Throws std::system_error when the machine gives
/// no sockets.
int demo(const DemoOptions& options);

}  // namespace sluice::proxy::program
