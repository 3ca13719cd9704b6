#pragma once

#include "proxy/deadline.hpp"
#include "proxy/owned_descriptor.hpp"
#include "proxy/reactor.hpp"
#include "proxy/tally.hpp"

namespace sluice::proxy {

class Worker;

/// Accepts clients on one listening socket of one worker and starts a session for each.
class Acceptor final : private Polled {
 public:
  /// Takes over `descriptor`, which is listening and non-blocking.
  Acceptor(Worker& worker, int descriptor, ListenerTally& tally);
  ~Acceptor() override;

  const std::string& name() const { return tally_.listener; }
  /// Begins to accept; does nothing when it did before.
  void start();
  /// Serves what is in the backlog, unless it never began to accept, then closes the socket, as
  /// soon as descriptors allow it: nobody who has connected is turned away.
  void stop();
  /// A duplicate of the socket; not open when it is closed or no descriptor is left.
  OwnedDescriptor share() const;
  bool is_open() const { return descriptor_ >= 0; }
  /// Leaves the socket to the process that shares it. Who came before is served here: the kernel
  /// has told one of the two of them, and that may be this one.
  void hand_over();
  /// Looks for clients that the kernel told another process of, which has ended since.
  void look();

 private:
  void note(std::uint32_t) noexcept override {}
  void act() override;
  void resume();
  void accept_some();
  bool accept_one();
  void leave();

  Worker& worker_;
  int descriptor_;
  int expected_ = 1;  ///< clients that the next turn probably brings
  Deadline pause_;    ///< until accepting is tried again after an error
  ListenerTally& tally_;
  bool is_polled_ = false;
  bool has_begun_ = false;  ///< to accept
  bool is_stopping_ = false;
};

}  // namespace sluice::proxy
